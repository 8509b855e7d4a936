"""What a run of the suite left behind, read back: counts for each operation, for people and for programs."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

PHASES = ("examples", "coverage", "fuzzing", "stateful")
QUOTED_KEY, SHELL_KEY = "'x-api-key: $API_KEY'", '"x-api-key: $API_KEY"'


def runnable(text: str) -> str:
    """curl lines in which the shell, too, sees the variable that stands for the key."""
    return text.replace(QUOTED_KEY, SHELL_KEY)


def read(record: Path) -> list[dict[str, Any]]:
    if not record.exists():
        return []
    return [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]


def cases(answers: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """operationId, or method and path where it has none -> how many cases, by phase and by status."""
    found: dict[str, dict[str, Any]] = {}
    for answer in answers:
        one = found.setdefault(answer["operation"], {"cases": 0, "phases": Counter(), "statuses": Counter()})
        one["cases"] += 1
        one["phases"][answer.get("phase", "other")] += 1
        one["statuses"][str(answer["status"])] += 1
    return {
        operation: {
            "cases": one["cases"],
            "phases": dict(sorted(one["phases"].items())),
            "statuses": dict(sorted(one["statuses"].items())),
        }
        for operation, one in sorted(found.items())
    }


def table(counts: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [f"{'operation':<15}{'cases':>6}" + "".join(f"{phase:>10}" for phase in PHASES) + "  answers"]
    for operation, one in counts.items():
        phases = "".join(f"{one['phases'].get(phase, 0):>10}" for phase in PHASES)
        answers = "  ".join(f"{status}×{count}" for status, count in one["statuses"].items())
        lines.append(f"{operation:<15}{one['cases']:>6}{phases}  {answers}")
    return "\n".join(lines)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Summary:
    """`rows_removed`: of each table, None where nobody could remove any. `rows_kept`: how many clients stayed."""

    seed: int
    seconds: float
    failed: Sequence[str]
    operations: Mapping[str, Mapping[str, Any]]
    rows_removed: Mapping[str, int] | None
    rows_kept: int

    @property
    def passed(self) -> bool:
        return not self.failed

    def text(self) -> str:
        kept = f"{self.rows_kept} clients stay: others' rows refer to them by now\n" if self.rows_kept else ""
        verdict = "passed" if self.passed else f"FAILED ({', '.join(self.failed)})"
        return f"{table(self.operations)}\n\n{kept}{verdict} in {self.seconds} s with SEED={self.seed}\n"

    def write(self, folder: Path) -> None:
        """summary.txt for people, summary.json for programs."""
        (folder / "summary.txt").write_text(self.text(), encoding="utf-8")
        document = {"passed": self.passed, **dataclasses.asdict(self)}
        (folder / "summary.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
