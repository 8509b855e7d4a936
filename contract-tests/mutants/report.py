"""The verdicts as a table for people and as JSON for programs."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mutants.verdict import Outcome, Verdict

TARGET = 0.95


def killed_share(verdicts: Sequence[Verdict]) -> float:
    return sum(each.outcome is Outcome.KILLED for each in verdicts) / len(verdicts)


def is_good(verdicts: Sequence[Verdict]) -> bool:
    """At least 95 % are killed, and each survivor has its reason."""
    return killed_share(verdicts) >= TARGET and all(
        each.outcome is Outcome.KILLED or (each.outcome is Outcome.SURVIVED and each.mutant.harmless)
        for each in verdicts
    )


def line(verdict: Verdict) -> str:
    """For the terminal, while the others are still running."""
    end = (
        f"by {verdict.by}"
        if verdict.by
        else verdict.detail.splitlines()[0]
        if verdict.detail
        else "NO REASON KNOWN"
    )
    return f"{verdict.outcome:<9} {verdict.seconds:6.1f} s  {verdict.mutant.title}\n{'':20}{end}"


def summary(verdicts: Sequence[Verdict], seconds: float) -> str:
    counts = Counter(each.outcome for each in verdicts)
    told = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
    return f"{len(verdicts)} mutants: {told}; {killed_share(verdicts):.1%} killed, in {seconds:.0f} s"


def as_json(verdicts: Sequence[Verdict], seconds: float) -> dict[str, Any]:
    return {
        "mutants": len(verdicts),
        "killed": sum(each.outcome is Outcome.KILLED for each in verdicts),
        "killedShare": round(killed_share(verdicts), 4),
        "seconds": round(seconds, 1),
        "verdicts": [
            {
                "kind": each.mutant.kind,
                "name": each.mutant.name,
                "file": each.mutant.file,
                "outcome": each.outcome.value,
                "by": each.by,
                "detail": each.detail,
                "deploySeconds": round(each.deploy_seconds, 2),
                "testSeconds": round(each.test_seconds, 2),
            }
            for each in verdicts
        ],
    }


def as_markdown(verdicts: Sequence[Verdict], seconds: float) -> str:
    rows = [
        "# Mutants",
        "",
        summary(verdicts, seconds),
        "",
        "| Kind | Mutant | Outcome | By, or why it is harmless | Seconds |",
        "|---|---|---|---|---:|",
    ]
    for each in verdicts:
        why = f"`{each.by}`" if each.by else each.detail
        cells = (each.mutant.kind, each.mutant.name, each.outcome, why, f"{each.seconds:.1f}")
        rows.append("| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def write(folder: Path, verdicts: Sequence[Verdict], seconds: float) -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    table, data = folder / "mutants.md", folder / "mutants.json"
    table.write_text(as_markdown(verdicts, seconds), encoding="utf-8")
    data.write_text(json.dumps(as_json(verdicts, seconds), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return table, data
