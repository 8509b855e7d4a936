"""Whatever a file holds, each of its lines is in one record, and each record is a lead or is rejected whole."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operations import contract, rows
from operations.csv_records import MAX_LINES, CsvReader
from operations.errors import OperationsError
from operations.files import Source
from operations.json_records import JsonReader
from operations.records import RAW, Reader, Record, bare
from tests.operations.hostile_files import COLUMNS, ENDS, FIELDS, HOSTILE, LINE, csv_files, lead_cells
from tests.stack import new_lead

CONTRACT = contract.load()


def csv_reader(text: str) -> CsvReader:
    return CsvReader(LINE.findall(text), FIELDS, ())


def assert_each_line_is_in_one_record(text: str, records: list[Record]) -> None:
    assert "".join(record.text for record in records) == text
    expected = 1
    for record in records:
        assert record.first == expected
        assert record.last == expected + len(LINE.findall(record.text)) - 1
        expected = record.last + 1
    assert expected == len(LINE.findall(text)) + 1


def judged(reader: Reader) -> tuple[list[rows.Row], list[rows.Row]]:
    found = list(rows.judged(reader, CONTRACT, {}))
    return [row for row in found if not row.reason], [row for row in found if row.reason]


def reject_file(reader: Reader, rejected: list[rows.Row]) -> str:
    return reader.heading() + "".join(reader.rejected(row.record, row.reason or "") for row in rejected)


@settings(max_examples=200, deadline=None)
@given(csv_files())
def test_csv_each_line_is_in_one_record_and_a_quote_swallows_no_row(file: tuple[str, str, dict]) -> None:
    text, _, good = file
    records = list(csv_reader(text).records())
    assert_each_line_is_in_one_record(text, records)
    found = {record.first: record for record in records}
    for line, cells in good.items():
        assert found[line].last == line
        assert not found[line].problem
        assert found[line].fields["name"] == cells[0]


@settings(max_examples=200, deadline=None)
@given(csv_files())
def test_csv_rejects_are_whole_and_an_uncorrected_reject_file_is_rejected_again(
    file: tuple[str, str, dict],
) -> None:
    text, delimiter, good = file
    leads, rejected = judged(reader := csv_reader(text))
    assert {row.record.first for row in leads} >= set(good)
    once = reject_file(reader, rejected)
    table = list(csv.reader(io.StringIO(once, newline=""), delimiter=delimiter))
    assert len(table) == 1 + len(rejected), "other programs read it row by row, too"
    for row, cells in zip(rejected, table[1:], strict=True):
        assert cells[0] == str(row.record.first)
        assert cells[1] == row.reason
        same = io.StringIO(row.record.text, newline="")
        assert cells[2:] in ([bare(row.record.text)], ["", *next(csv.reader(same, delimiter=delimiter))])
    leads_again, rejected_again = judged(again := csv_reader(once))
    assert leads_again == []
    assert [row.reason for row in rejected_again] == [row.reason for row in rejected]
    twice = list(csv.reader(io.StringIO(reject_file(again, rejected_again), newline=""), delimiter=delimiter))
    assert [cells[1:] for cells in twice] == [cells[1:] for cells in table], "nothing is lost or added on the way"


@settings(max_examples=100, deadline=None)
@given(csv_files())
def test_csv_a_corrected_reject_file_is_imported_as_it_is(file: tuple[str, str, dict]) -> None:
    text, delimiter, _ = file
    _, rejected = judged(reader := csv_reader(text))
    table = list(csv.reader(io.StringIO(reject_file(reader, rejected), newline=""), delimiter=delimiter))
    corrected = io.StringIO()
    writer = csv.writer(corrected, delimiter=delimiter)
    writer.writerow(table[0])
    for number, cells in enumerate(table[1:]):
        if cells[2]:
            writer.writerow([*cells[:2], delimiter.join(lead_cells(number))])
        else:
            writer.writerow([*cells[:3], *lead_cells(number)])
    leads, others = judged(csv_reader(corrected.getvalue()))
    assert others == []
    assert [row.lead["name"] for row in leads] == [f"Name {number}" for number in range(len(table) - 1)]


def test_csv_an_unclosed_quote_costs_its_own_row_only() -> None:
    lines = [",".join(FIELDS), *(",".join(lead_cells(number)[:-1]) for number in range(400))]
    lines[51] = '"' + lines[51]
    leads, rejected = judged(csv_reader("".join(f"{line}\n" for line in lines)))
    assert [(row.record.place, row.record.text) for row in rejected] == [("line 52", lines[51] + "\n")]
    assert "not closed" in str(rejected[0].reason)
    assert len(leads) == 399


def test_csv_two_quotes_that_belong_to_two_rows_make_no_lead_of_both() -> None:
    """The quote of one row is closed by that of a later one, with as many cells as the header has."""
    first, second, third = (lead_cells(number) for number in range(3))
    first[-1] = '"' + first[-1]
    third[-1] += '"'
    lines = [COLUMNS, first, second, third]
    leads, rejected = judged(csv_reader("".join(",".join(line) + "\n" for line in lines)))
    assert [row.lead["name"] for row in leads] == ["Name 1"]
    assert [row.record.first for row in rejected] == [2, 4]


def test_csv_a_cell_of_several_lines_stays_one_record() -> None:
    cells = lead_cells(1)
    cells[-1] = "called, no answer\r\nwill call again\n\nin March"
    text = io.StringIO()
    csv.writer(text).writerows([COLUMNS, cells, lead_cells(2)])
    leads, rejected = judged(csv_reader(text.getvalue()))
    assert [row.record.place for row in leads] == ["lines 2-5", "line 6"]
    assert rejected == []
    long = text.getvalue().replace("\n\n", "\n" * MAX_LINES)
    assert [row.record.first for row in judged(csv_reader(long))[1]][:2] == [2, 3], "longer ones are none"


def test_csv_a_first_reject_with_fewer_cells_cuts_no_column_from_the_others() -> None:
    short, wrong = lead_cells(1)[:-2], [*lead_cells(2)[:-2], "nowhere", "note"]
    text = "".join(",".join(cells) + "\n" for cells in (COLUMNS, short, wrong))
    _, rejected = judged(reader := csv_reader(text))
    assert ",".join(short) in (rejects := reject_file(reader, rejected))
    assert ",".join(wrong) in rejects


def test_csv_a_reject_file_that_a_spreadsheet_has_made_rectangular_is_read() -> None:
    text = "".join(",".join(cells) + "\n" for cells in (COLUMNS, [*lead_cells(1), "more"], lead_cells(2)[:3]))
    _, rejected = judged(reader := csv_reader(text))
    table = list(csv.reader(io.StringIO(reject_file(reader, rejected))))
    width = max(map(len, table))
    table = [cells + [""] * (width - len(cells)) for cells in table]
    table[1][-1] = ""
    table[2][3:] = [*lead_cells(2), ""]
    saved = io.StringIO()
    csv.writer(saved).writerows(table)
    leads, others = judged(csv_reader(saved.getvalue()))
    assert [row.lead["name"] for row in leads] == ["Name 1", "Name 2"]
    assert others == []
    table[2][-3] = "neither"
    wrong = io.StringIO()
    csv.writer(wrong).writerows(table)
    _, rejected = judged(reader := csv_reader(wrong.getvalue()))
    leads, others = judged(csv_reader(reject_file(reader, rejected).replace("neither", "web")))
    assert [row.lead["name"] for row in leads] == ["Name 2"]
    assert others == []


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ('"' + ",".join(FIELDS), "not closed"),
        (",".join([*FIELDS, "name"]), "has twice name"),
        (",".join([*FIELDS, "fax\x1b[2J"]), r"has unknown 'fax\\x1b[2J'"),
        ("\n \n", "lacks name"),
    ],
)
def test_csv_a_header_that_is_none_is_refused(header: str, words: str) -> None:
    with pytest.raises(OperationsError) as refused:
        list(csv_reader(f"{header}\nx\n").records())
    assert words.replace(r"\\", "\\") in str(refused.value)


JSON_LINES = st.one_of(
    st.builds(lambda: json.dumps(new_lead())),
    st.builds(lambda cut: json.dumps(new_lead())[:cut], st.integers(0, 200)),
    st.recursive(st.none() | st.floats() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)).map(
        json.dumps
    ),
    HOSTILE,
    st.sampled_from(['{"a": 1e999}', '{"a": 1, "a": 2}', '{"_row": 5}', '{"_row": "{"}', "{}", "[" * 3000]),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(JSON_LINES, ENDS), max_size=12))
def test_json_each_line_is_in_one_record_and_rejects_come_back_whole(lines: list[tuple[str, str]]) -> None:
    text = "".join(line + end for line, end in lines)
    physical = LINE.findall(text)
    assert_each_line_is_in_one_record(text, list(JsonReader(physical).records()))
    _, rejected = judged(reader := JsonReader(physical))
    once = reject_file(reader, rejected)
    for row, line in zip(rejected, LINE.findall(once), strict=True):
        entry = json.loads(line)
        assert (entry.pop("_line"), entry.pop("_reason")) == (row.record.first, row.reason)
        assert entry == {RAW: bare(row.record.text)} or entry == json.loads(row.record.text)
    leads_again, rejected_again = judged(JsonReader(LINE.findall(once)))
    assert leads_again == []
    assert [row.reason for row in rejected_again] == [row.reason for row in rejected]


def test_json_a_line_is_corrected_where_it_stands_in_the_reject_file() -> None:
    lead = json.dumps(new_lead())
    _, rejected = judged(reader := JsonReader([lead[:-1]]))
    entry = json.loads(reject_file(reader, rejected))
    entry[RAW] += "}"
    (row,), others = judged(JsonReader([json.dumps(entry)]))
    assert row.lead["rut"] == json.loads(lead)["rut"]
    assert others == []


@pytest.fixture
def written(tmp_path: Path) -> Callable[[bytes], Source]:
    def write(data: bytes) -> Source:
        path = tmp_path / "leads.csv"
        path.write_bytes(data)
        return Source(path)

    return write


BYTES = st.lists(
    st.sampled_from(
        [b"a", b"\n", b"\r\n", b"\r", "ñ".encode(), "秀".encode(), b"\xff", b"\xc3", b"\xe7\xa7", b"\0"]
    )
    | st.sampled_from([b"x" * 70_000, b"\xef\xbb\xbf"])
).map(b"".join)


def first_foreign_byte(data: bytes) -> int | None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None


@settings(max_examples=200, deadline=None)
@given(data=BYTES)
def test_bytes_are_read_as_utf8_or_refused_with_their_place(
    data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.csv"
    path.write_bytes(data)
    start = first_foreign_byte(data)
    if start is None:
        assert list(Source(path).lines()) == LINE.findall(data.decode("utf-8-sig"))
        return
    line = len(re.findall(rb"\r\n|\r|\n", data[:start])) + 1
    with pytest.raises(OperationsError) as refused:
        list(Source(path).lines())
    assert f"byte 0x{data[start]:02X} in line {line} (byte offset {start})" in str(refused.value)
    assert "CSV UTF-8" in str(refused.value)


def test_a_file_in_utf16_is_refused_with_how_to_convert_it(written: Callable[[bytes], Source]) -> None:
    with pytest.raises(OperationsError, match="iconv -f UTF-16"):
        list(written("name,mail".encode("utf-16")).lines())


def test_a_file_that_grows_while_it_is_read_is_refused(written: Callable[[bytes], Source]) -> None:
    source = written(b"a\n" * 100_000)
    lines = source.lines()
    next(lines)
    with source.path.open("ab") as file:
        file.write(b"b\n")
    with pytest.raises(OperationsError, match="has changed"):
        list(lines)


def test_a_line_without_an_end_is_not_taken_into_memory(
    written: Callable[[bytes], Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operations.files.MAX_LINE", 1000)
    with pytest.raises(OperationsError, match="line 2 is longer than 1,000"):
        list(written(b"a\n" + b"x" * 1001).lines())


@pytest.mark.parametrize(
    ("name", "written", "read"),
    [
        ("rut", "7.654.321-6", "7654321-6"),
        ("rut", "07654321-6", "7654321-6"),
        ("rut", " 76543216", "7654321-6"),
        ("rut", "\u200b14141416-k", "14141416-K"),
        ("phone", "+56 9 1234 5678", "+56912345678"),
        ("name", "\u00a0\u202eAna\u200b ", "Ana"),
        ("mail", "\ufeffana@correo.cl ", "ana@correo.cl"),
        ("store", "APP_01\u200b", "APP_01"),
    ],
)
def test_values_are_taken_as_people_write_them(name: str, written: str, read: str) -> None:
    (row,), _ = judged(csv_reader(csv_of({**new_lead(), name: written})))
    assert row.lead[name] == read


@pytest.mark.parametrize("blank", ["\u00a0", "\u200b\u200e", "\u2003\u2060"])
def test_a_value_of_invisible_characters_is_a_missing_one(blank: str) -> None:
    _, (row,) = judged(csv_reader(csv_of({**new_lead(), "lastname": blank})))
    assert row.reason == "lastname: is missing"


def csv_of(lead: dict[str, object]) -> str:
    return (
        ",".join(lead) + "\n" + ",".join("yes" if value is True else str(value) for value in lead.values()) + "\n"
    )
