"""The promise, checked from outside: what must be true of every lead once nothing runs any more."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from handlers.orchestration.step import NOT_DONE
from tests.faults.bench import Bench
from tests.faults.leads import Lead
from tests.faults.sessions import COLUMNS, Sessions

AT_ONCE = 500
STEPS = ("client", "partner", "benefit")


@dataclass
class Findings:
    """What was found wrong, by lead id; empty when the promise was kept."""

    lost: set[str] = field(default_factory=set)
    doubled: set[str] = field(default_factory=set)
    broken: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def of(self, leads: Iterable[Lead]) -> list[str]:
        found = [f"{lead.id}: {text}" for lead in leads for text in self.broken.get(lead.id, ())]
        for word, ids in (("lost", self.lost), ("doubled", self.doubled)):
            found += [f"{lead.id}: it is {word}" for lead in leads if lead.id in ids]
        return found


class Promise:
    """`since`: seconds since the epoch; what was before is not looked at."""

    def __init__(self, bench: Bench, since: float) -> None:
        self._bench = bench
        self._since = since
        self._sessions = Sessions(bench.stack, bench.home)

    def check(self, leads: list[Lead], *, completed: bool = True) -> Findings:
        """`completed`: all of them have to be; else those with a cause have to have failed in it."""
        findings = Findings()
        self._rows(leads, findings, completed=completed)
        self._statuses(leads, findings, completed=completed)
        self._executions(leads, findings, completed=completed)
        self._logs(leads, findings)
        self._alerts(leads, findings)
        return findings

    def _rows(self, leads: list[Lead], findings: Findings, *, completed: bool) -> None:
        for table, columns in COLUMNS.items():
            found: dict[str, list[Any]] = defaultdict(list)
            for at in range(0, len(leads), AT_ONCE):
                ruts = [lead.rut for lead in leads[at : at + AT_ONCE]]
                for rut, *values in self._sessions.rows(
                    f"SELECT rut, {', '.join(columns)} FROM {table} WHERE rut IN %s", ruts
                ):
                    found[rut].append(tuple(values))
            for lead in leads:
                rows = found[lead.rut]
                if len(rows) > 1:
                    findings.doubled.add(lead.id)
                if not rows and (completed or not lead.cause):
                    findings.lost.add(lead.id)
                if rows and rows[0] != lead.rows[table]:
                    findings.broken[lead.id].append(f"{table} holds {rows[0]}, not {lead.rows[table]}")

    def _statuses(self, leads: list[Lead], findings: Findings, *, completed: bool) -> None:
        items = self._bench.items(leads)
        for lead in leads:
            item = items.get(lead.id)
            if item is None:
                findings.lost.add(lead.id)
                continue
            status, step = item["status"]["S"], item["step"]["S"]
            if completed or not lead.cause:
                if (status, step) != ("COMPLETED", STEPS[-1]) or "error" in item or "warnings" in item:
                    findings.broken[lead.id].append(f"its status is {status} at {step}")
            elif status != "FAILED" or item["error"]["M"]["step"]["S"] != lead.cause:
                findings.broken[lead.id].append(
                    f"it is {status} with {item.get('error')}, not FAILED in {lead.cause}"
                )

    def _executions(self, leads: list[Lead], findings: Findings, *, completed: bool) -> None:
        """As many as events, all ended; as many failed as have to; one alone carries the lead through."""
        by_lead: dict[str, Counter[str]] = defaultdict(Counter)
        workers: Counter[str] = Counter()
        for execution in self._bench.executions(self._since):
            detail = json.loads(execution["input"]).get("detail")
            lead_id = detail.get("leadId") if isinstance(detail, dict) else None
            by_lead[str(lead_id)][execution["status"]] += 1
            # a duplicate ends with what ReceiveLead said, not with a step's outcome
            workers[str(lead_id)] += execution["status"] == "SUCCEEDED" and "step" in json.loads(
                execution["output"]
            )
        for lead in leads:
            seen = by_lead[lead.id]
            expected = Counter(SUCCEEDED=lead.sent - lead.failures, FAILED=lead.failures)
            if lead.data["origin"] == "web":  # an answer of the bus that was lost makes the intake send it again
                expected["SUCCEEDED"] = max(expected["SUCCEEDED"], seen["SUCCEEDED"])
            if workers[lead.id] != int(completed or not lead.cause):
                findings.broken[lead.id].append(f"{workers[lead.id]} executions carried it through")
            if seen != +expected:
                findings.broken[lead.id].append(f"its executions ended {dict(seen)}, not {dict(+expected)}")

    def _logs(self, leads: list[Lead], findings: Findings) -> None:
        said: dict[str, set[tuple[str, str]]] = defaultdict(set)
        everything: list[str] = []
        for _, line in self._bench.log_lines(self._since):
            everything.append(line)
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and "leadId" in entry:
                said[entry["leadId"]].add((entry["message"], str(entry.get("step", entry.get("state", "")))))
        text = "\n".join(everything)
        for lead in leads:
            if lead.failures and lead.cause and ("lead failed", lead.cause) not in said[lead.id]:
                findings.broken[lead.id].append("no log line says that it failed, and where")
            if lead.step and (NOT_DONE, lead.step) not in said[lead.id]:
                findings.broken[lead.id].append(f"no log line says that its step {lead.step} was in vain")
            if any(secret in text for secret in lead.personal):
                findings.broken[lead.id].append("a log line holds its personal data")

    def _alerts(self, leads: list[Lead], findings: Findings) -> None:
        alerts = Counter(alert["leadId"] for alert in self._bench.alerts())
        for lead in leads:
            if bool(lead.failures) != (alerts[lead.id] > 0):
                findings.broken[lead.id].append(f"{alerts[lead.id]} alerts were raised for it")
