"""What a lenient YAML reader passes over in silence ends the preview, with the file, the line and the remedy."""

from pathlib import Path

import pytest

from components import openapi, yaml_file
from components.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\nb: 2\na: 3\n", r"contract.yaml, line 3: found duplicate key"),
        ("a:\n  b: 1\n  b: 1\n", r"contract.yaml, line 3: found duplicate key"),
        ("a: 1\n---\na: 2\n", r"contract.yaml, line 2: .*another document"),
        ("a: [1\n", r"contract.yaml, line 2: "),
        ("responses:\n  200: ok\n", r"the keys 200 are not text: put them in quotes"),
        ("- a\n", "holds no mapping"),
        ("", "holds no mapping"),
        ("a: \x07\n", "contract.yaml"),
    ],
)
def test_yaml_file_is_read_strictly(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=complaint):
        openapi.load(path)


def test_yaml_file_that_is_not_utf_8_says_so(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_bytes("a: ñ\n".encode("latin-1"))
    with pytest.raises(ConfigurationError, match="is not UTF-8"):
        yaml_file.read(path)


@pytest.mark.parametrize(("text", "value"), [("no", "no"), ("on", "on"), ("12:30", "12:30"), ("true", True)])
def test_yaml_file_reads_words_as_the_pulumi_cli_does(tmp_path: Path, text: str, value: object) -> None:
    path = tmp_path / "Pulumi.yaml"
    path.write_text(f"a: {text}\n")
    assert yaml_file.read(path) == {"a": value}
