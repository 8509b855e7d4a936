"""Sends the sample leads through a deployed stack, shows each one's way and the rows that it left."""

import json
import time
import unicodedata
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import pymysql
import urllib3

from local_cloud.aws_client import aws_client
from local_cloud.aws_key import AwsKey
from local_cloud.errors import LocalCloudError

SAMPLES = Path(__file__).parent / "sample_leads.json"
TIMEOUT_SECONDS = 180
POLL_SECONDS = 0.03
AT_ONCE = 4
ERRORS_IN_A_ROW = 20  # of the status operation; a deployment under way may give a few
LOGS_COMMAND = "python -m local_cloud logs"

STEPS = ("received", "client", "partner", "benefit")
FINAL = {"COMPLETED", "FAILED"}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """`same_event_as` sends another sample's event again; `after` waits until that one has ended."""

    name: str
    via: str
    lead: Mapping[str, Any] = field(default_factory=dict)
    after: str | None = None
    same_event_as: str | None = None
    fails: bool = False


@dataclass(frozen=True, kw_only=True)
class Journey:
    """What became of one sample. `status`: the table's, with what is for the operator's eyes only."""

    sample: Sample
    lead_id: str
    status: Mapping[str, Any]
    seconds: float

    @property
    def as_expected(self) -> bool:
        return bool(self.status["status"] == ("FAILED" if self.sample.fails else "COMPLETED"))


class SampleNotTaken(LocalCloudError):
    """The stack did not take a sample; the message says what it answered."""


def load() -> list[Sample]:
    return [Sample(**item) for item in json.loads(SAMPLES.read_text(encoding="utf-8"))]


class Sender:
    """`outputs`: as `python -m local_cloud outputs --json` prints them."""

    def __init__(self, outputs: Mapping[str, Any]) -> None:
        self._api_url = outputs["api_url"]
        self._bus_name = outputs["event_bus_name"]
        self._http = urllib3.PoolManager(maxsize=AT_ONCE, retries=False)
        cloud = (outputs["aws_endpoint_url"], outputs["region"], AwsKey.of_outputs(outputs))
        self._events = aws_client("events", *cloud)
        self._table = aws_client("dynamodb", *cloud)
        self._table_name = outputs["lead_table_name"]

    def journey(self, sample: Sample, lead_id: str, *, again: bool = False) -> Journey:
        """Send the sample and follow it to its end. `again`: put its event on the bus once more."""
        started = time.monotonic()
        if sample.via == "form":
            lead_id = self._submit(sample)
        else:
            self._put_event(sample, lead_id)
            if again:
                self._put_event(sample, lead_id)
        self._follow(lead_id)
        seconds = time.monotonic() - started
        return Journey(sample=sample, lead_id=lead_id, status=self._recorded(lead_id), seconds=seconds)

    def _submit(self, sample: Sample) -> str:
        response = self._http.request("POST", f"{self._api_url}/leads", json=sample.lead)
        if response.status != 202:
            raise SampleNotTaken(
                f"sample {sample.name!r}: POST /leads answered {response.status}: {response.data!r}."
                f" What the function says: {LOGS_COMMAND}"
            )
        return str(response.json()["leadId"])

    def _put_event(self, sample: Sample, lead_id: str) -> None:
        entry = {
            "EventBusName": self._bus_name,
            "Source": f"leadbridge.{sample.lead['origin']}",
            "DetailType": "LeadReceived",
            "Detail": json.dumps({**sample.lead, "leadId": lead_id}),
        }
        answer = self._events.put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            raise SampleNotTaken(f"sample {sample.name!r}: the bus answered {answer['Entries'][0]}")

    def _recorded(self, lead_id: str) -> Mapping[str, Any]:
        key = {"leadId": {"S": lead_id}}
        item = self._table.get_item(TableName=self._table_name, Key=key, ConsistentRead=True)["Item"]
        return {name: _plain(value) for name, value in item.items()}

    def _follow(self, lead_id: str) -> None:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        errors = 0
        while True:
            response = self._http.request("GET", f"{self._api_url}/leads/{lead_id}")
            if response.status == 200 and response.json()["status"] in FINAL:
                return
            # the bus may take its time: until then nobody knows the lead
            errors = errors + 1 if response.status not in (200, 404) else 0
            if errors == ERRORS_IN_A_ROW or time.monotonic() > deadline:
                raise SampleNotTaken(
                    f"lead {lead_id} has not ended; its status operation answered {response.status}"
                    f" {response.data!r}. What the functions say: {LOGS_COMMAND}"
                )
            time.sleep(POLL_SECONDS)


def send(outputs: Mapping[str, Any], out: TextIO) -> bool:
    """Send all samples; False when one of them did not end as its file says."""
    sender = Sender(outputs)
    samples = load()
    doubled = {sample.same_event_as for sample in samples if sample.same_event_as}
    out.write(f"leads         {len(samples)} sent\n")
    as_expected = True
    for wave in _waves([sample for sample in samples if not sample.same_event_as]):
        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            journeys = pool.map(
                lambda sample: sender.journey(sample, str(uuid.uuid4()), again=sample.name in doubled), wave
            )
            for journey in journeys:
                out.write(_line(journey, twice=journey.sample.name in doubled))
                out.flush()
                as_expected &= journey.as_expected
        finally:
            pool.shutdown(cancel_futures=True)
    ruts = [sample.lead["rut"].lstrip("0").upper() for sample in samples if sample.lead]
    out.write(_rows(outputs["database"], ruts))
    return as_expected


def _waves(samples: list[Sample]) -> list[list[Sample]]:
    """Those that wait for others come after them."""
    first = [sample for sample in samples if not sample.after]
    return [first, [sample for sample in samples if sample.after]]


def _line(journey: Journey, *, twice: bool) -> str:
    status = journey.status
    reached = STEPS[: STEPS.index(status["step"]) + 1] if status["step"] in STEPS else ()
    notes = [warning["description"] for warning in status.get("warnings", {}).values()]
    if twice:
        notes.append("sent twice, done once")
    if "error" in status:
        notes.append(f"{status['error']['step']}: {status['error']['description']}")
    state = status["status"] if status["status"] == "FAILED" else "completed"
    way = " > ".join(reached) or "-"
    return (
        f"  {journey.lead_id[:8]}…  {journey.sample.via:<4}  {way:<40} {state:<10} {journey.seconds:5.2f} s"
        f"  {'; '.join(notes)}".rstrip()
        + "\n"
    )


def _plain(attribute: Mapping[str, Any]) -> Any:
    if "M" in attribute:
        return {name: _plain(inner) for name, inner in attribute["M"].items()}
    return attribute.get("S", attribute.get("N"))


def _rows(database: Mapping[str, Any], ruts: list[str]) -> str:
    connection = pymysql.connect(
        host=database["host"],
        port=database["port"],
        user=database["user"],
        password=database["password"].encode(),
        database=database["name"],
        charset="utf8mb4",
    )
    try:
        with connection.cursor() as cursor:
            counts: list[str] = []
            for table in ("CLIENTS", "PARTNER", "BENEFIT"):
                cursor.execute(f"SELECT COUNT(*) FROM {table}")  # noqa: S608 - a constant
                counts += [f"{table} {count}" for (count,) in cursor.fetchall()]
            cursor.execute(
                "SELECT rut, name, lastname, phone, mail, store, IF(wants_benefit, 'yes', 'no') FROM CLIENTS"
                " LEFT JOIN PARTNER USING (rut) LEFT JOIN BENEFIT USING (rut) WHERE rut IN %s ORDER BY rut",
                (ruts,),
            )
            rows = cursor.fetchall()
    finally:
        connection.close()
    header = ("rut", "name", "lastname", "phone", "mail", "store", "benefit")
    return f"CRM           {'   '.join(counts)}\n" + _table(header, rows)


def _table(header: tuple[str, ...], rows: tuple[tuple[Any, ...], ...]) -> str:
    cells = [header, *(tuple("-" if value is None else str(value) for value in row) for row in rows)]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(header))]
    lines = (
        "  ".join(value + " " * (width - _width(value)) for value, width in zip(row, widths, strict=True))
        for row in cells
    )
    return "".join(f"  {line.rstrip()}\n" for line in lines)


def _width(text: str) -> int:
    """Columns on a terminal: wide characters take two, combining ones none."""
    return sum(
        0
        if unicodedata.category(char) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(char) in "WF"
        else 1
        for char in text
    )
