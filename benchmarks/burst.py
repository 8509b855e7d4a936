"""A burst of leads against a local stack, and the memory of all its processes while it lasts."""

import json
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import urllib3
from botocore.config import Config

from handlers.shared.rut import check_character

SENDERS = 32
ENTRIES_AT_ONCE = 10  # what PutEvents takes
WAIT_SECONDS = 150


@dataclass(frozen=True, kw_only=True)
class BurstResult:
    completed: int
    seconds: float
    peak_bytes: int
    peak_processes: int
    ruts: tuple[str, ...]


class MemoryWatch:
    """The most that all processes of a local cloud held at once, while it was entered. `home`: the cloud's."""

    def __init__(self, home: Path) -> None:
        self._home = str(home)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.peak_bytes = 0
        self.peak_processes = 0

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.25):
            sizes = [size for size in map(self._memory, Path("/proc").glob("[0-9]*")) if size]
            if sum(sizes) > self.peak_bytes:
                self.peak_bytes, self.peak_processes = sum(sizes), len(sizes)

    def _memory(self, process: Path) -> int:
        """Proportional set size in bytes, of a process that belongs to the home; 0 for any other."""
        try:
            belongs = (
                self._home.encode() in (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            )
            text = (process / "smaps_rollup").read_text() if belongs else ""
        except OSError:
            return 0
        return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), 0)


class Burst:
    """`home`: the local cloud's, by which its processes are recognised."""

    def __init__(self, outputs: Mapping[str, Any], home: Path) -> None:
        self._outputs = outputs
        self._home = home
        self._http = urllib3.PoolManager(maxsize=SENDERS, retries=False, timeout=WAIT_SECONDS)

    def run(self, count: int) -> BurstResult:
        """Half through `POST /leads`, half as events; all at once."""
        leads = [_lead(number) for number in range(count)]
        form, bus = leads[: count // 2], leads[count // 2 :]
        started = time.monotonic()
        with MemoryWatch(self._home) as memory:
            with ThreadPoolExecutor(SENDERS) as pool:
                sent = list(pool.map(self._submit, form))
                batches = [bus[at : at + ENTRIES_AT_ONCE] for at in range(0, len(bus), ENTRIES_AT_ONCE)]
                for ids in pool.map(self._put_events, batches):
                    sent += ids
            completed = self._completed(sent, started + WAIT_SECONDS)
            seconds = time.monotonic() - started
        return BurstResult(
            completed=completed,
            seconds=seconds,
            peak_bytes=memory.peak_bytes,
            peak_processes=memory.peak_processes,
            ruts=tuple(lead["rut"] for lead in leads),
        )

    def _submit(self, lead: dict[str, Any]) -> str:
        response = self._http.request("POST", f"{self._outputs['api_url']}/leads", json=lead)
        if response.status != 202:
            raise RuntimeError(f"POST /leads answered {response.status}: {response.data!r}")
        return str(response.json()["leadId"])

    def _put_events(self, leads: list[dict[str, Any]]) -> list[str]:
        ids = [str(uuid.uuid4()) for _ in leads]
        entries = [
            {
                "EventBusName": self._outputs["event_bus_name"],
                "Source": "leadbridge.app",
                "DetailType": "LeadReceived",
                "Detail": json.dumps({**lead, "origin": "app", "leadId": lead_id}),
            }
            for lead, lead_id in zip(leads, ids, strict=True)
        ]
        answer = _client(self._outputs, "events").put_events(Entries=entries)
        if answer["FailedEntryCount"]:
            raise RuntimeError(f"PutEvents refused {answer['FailedEntryCount']} entries")
        return ids

    def _completed(self, lead_ids: list[str], deadline: float) -> int:
        waiting, completed = set(lead_ids), 0
        while waiting and time.monotonic() < deadline:
            for lead_id in list(waiting):
                answer = self._http.request("GET", f"{self._outputs['api_url']}/leads/{lead_id}")
                state = answer.json().get("status") if answer.status == 200 else None
                if state in ("COMPLETED", "FAILED"):
                    waiting.discard(lead_id)
                    completed += state == "COMPLETED"
            time.sleep(0.05)
        return completed


def _client(outputs: Mapping[str, Any], service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=outputs["aws_endpoint_url"],
        region_name=outputs["region"],
        aws_access_key_id=outputs["aws_access_key_id"],
        aws_secret_access_key=outputs["aws_secret_access_key"],
        config=Config(proxies={}),
    )


def _lead(number: int) -> dict[str, Any]:
    digits = str(10_000_000 + (uuid.uuid4().int + number) % 80_000_000)
    return {
        "name": f"Burst {number}",
        "lastname": "Lead",
        "rut": f"{digits}-{check_character(digits)}",
        "phone": 54545454,
        "mail": f"burst{number}@example.com",
        "store": "BURST",
        "wantsBenefit": number % 2 == 0,
        "origin": "web",
    }
