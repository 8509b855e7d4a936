"""What a run of the suite left behind, read back: counts for each operation, for people and for programs."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
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


def lead_ids(answers: Iterable[Mapping[str, Any]]) -> list[str]:
    return [str(answer["leadId"]) for answer in answers if "leadId" in answer]


def cases(answers: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """operationId -> how many cases, by phase and by status."""
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
