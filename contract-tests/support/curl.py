"""A request as a line for bash."""

import shlex
from collections.abc import Mapping

LONGEST_BODY = 4_096  # bytes; a longer one is described


def line(method: str, url: str, headers: Mapping[str, str], body: bytes | None, secret: str) -> str:
    """`$API_KEY` stands for the secret, so that the line may be shown and pasted."""
    words = ["curl", "-i", "--path-as-is", "-X", method, _word(url, secret)]
    for name, value in headers.items():
        words += ["-H", _word(f"{name}: {value}" if value else f"{name};", secret)]
    if body is None:
        return " ".join(words)
    if len(body) > LONGEST_BODY:
        return " ".join([*words, f"--data-binary @-  # {len(body)} bytes that begin with {body[:40]!r}"])
    text = body.decode(errors="replace")
    if text.isprintable() and text.encode() == body:
        return " ".join([*words, "--data-binary", _word(text, secret)])
    return f"printf '{_escaped(body)}' | " + " ".join([*words, "--data-binary", "@-"])


def _word(text: str, secret: str) -> str:
    return '"$API_KEY"'.join(shlex.quote(part) if part else "" for part in text.split(secret)) or "''"


def _escaped(data: bytes) -> str:
    """For printf, which alone can write a NUL byte."""
    plain = set(range(32, 127)) - set(b"'\\%")
    return "".join(chr(byte) if byte in plain else f"\\x{byte:02x}" for byte in data)
