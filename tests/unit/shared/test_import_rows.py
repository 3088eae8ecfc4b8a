"""Rows of files as events: what a cell is, what a time is, what is wrong with a row, and which rows are the same."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from drishti.errors import UsageError
from drishti.importing.mapping import Mapping, WrongRow, instant, value_of
from drishti.importing.rows import MOST_CHARACTERS, Row, of_csv, of_ndjson, opened


def csv_rows(text: str | bytes, *wanted: str, delimiter: str = ",") -> list[Row]:
    return list(of_csv(opened(io.BytesIO(text.encode() if isinstance(text, str) else text)), delimiter, wanted))


def ndjson_rows(text: str | bytes) -> list[Row]:
    return list(of_ndjson(opened(io.BytesIO(text.encode() if isinstance(text, str) else text))))


def mapping(**given: Any) -> Mapping:
    return Mapping(**{"source": "file", "event_type": "visit", **given})


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("12", 12), ("-3", -3), ("0", 0), ("1.50", 1.5), ("1e3", 1000.0), ("true", True), ("FALSE", False),
        ("007", "007"), ("+49", "+49"), ("1,5", "1,5"), ("12345678901234567890", "12345678901234567890"),
        ("NaN", "NaN"), ("1e999", "1e999"), ("yes", "yes"), (" 1", " 1"), ("tRue", "tRue"),
    ],
)  # fmt: skip
def test_a_cell_is_what_it_looks_like(cell: str, value: Any) -> None:
    assert value_of(cell) == value
    assert type(value_of(cell)) is type(value)


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ("2026-03-29T00:30:00Z", "2026-03-29T00:30:00+00:00"),
        ("2026-03-29 00:30", "2026-03-28T23:30:00+00:00"),
        ("2026-03-29T02:30:00", "2026-03-29T01:30:00+00:00"),  # a time that the clock leaps over
        ("2026-10-25T02:30:00", "2026-10-25T00:30:00+00:00"),  # a time that comes twice: the first
        ("2024-02-29", "2024-02-28T23:00:00+00:00"),
        ("2026-03-29T00:30:00-05:00", "2026-03-29T05:30:00+00:00"),
        ("1774744200", "2026-03-29T00:30:00+00:00"),
        ("1774744200.5", "2026-03-29T00:30:00.500000+00:00"),
        (1774744200123, "2026-03-29T00:30:00.123000+00:00"),
        ("1774744200123456", "2026-03-29T00:30:00.123456+00:00"),
    ],
)
def test_a_time_is_iso_8601_or_an_epoch(given: Any, at: str) -> None:
    assert instant(given, ZoneInfo("Europe/Berlin")).isoformat() == at


@pytest.mark.parametrize("given", ["", None, True, "yesterday", "2026-02-29", "99999999999999999999", [], "12:30"])
def test_what_is_no_time_is_a_fault_of_its_column(given: Any) -> None:
    with pytest.raises(WrongRow) as wrong:
        mapping(time="at").event(Row(1, 1, "", {"at": given}))
    assert wrong.value.column == "at"


def test_columns_become_fields_and_the_rest_is_data() -> None:
    (row,) = csv_rows("\ufeffkind, at ,visitor,sid,zip,price,note\nOrder Completed,1774744200,007,s1,01234,9.5,\n")
    event = mapping(event_type="kind", time="at", user="visitor", session="sid", texts=("zip",)).event(row)
    assert event.pop("event_id")
    assert event == {
        "event_type": "order_completed",
        "timestamp": "2026-03-29T00:30:00+00:00",
        "user_id": "007",
        "session_id": "s1",
        "data": {"zip": "01234", "price": 9.5, "event_name": "Order Completed"},
    }


def test_lines_of_ndjson_are_events_as_they_are_without_a_type() -> None:
    (own,) = ndjson_rows('{"event_id": "a", "event_type": "t", "timestamp": "2026-03-29T00:30:00Z", "data": {"x": [1]}}')
    assert mapping(event_type=None).event(own) == json.loads(own.text)
    (nameless,) = ndjson_rows('{"event_type": "t"}')
    assert len(mapping(event_type=None).event(nameless)["event_id"]) == 32


def test_values_of_ndjson_stay_what_they_are() -> None:
    (row,) = ndjson_rows('{"uid": 42, "n": "12", "deep": {"a": null}, "none": null, "empty": ""}')
    event = mapping(user="uid").event(row)
    assert event["user_id"] == "42"
    assert event["data"] == {"n": "12", "deep": {"a": None}, "empty": ""}


def test_ids_are_of_place_and_content() -> None:
    def ids(text: str, source: str = "file") -> list[str]:
        return [mapping(source=source).event(row)["event_id"] for row in csv_rows(text)]

    once = ids("a,b\n1,2\n1,2\n")
    assert len(set(once)) == 2
    assert ids("a,b\n1,2\n1,2\n") == once
    assert ids('a,b\r\n\r\n1,2\r\n1,"2"\r\n') == once  # other ends of lines, the same rows
    assert ids("a,b\n1,2\n1,2\n3,4\n")[:2] == once
    assert not set(ids("a,b\n1,2\n1,2\n", source="other")) & set(once)
    assert ids("a,b\n1,2\n1,3\n")[0] == once[0]
    assert ids("a,b\n1,2\n1,3\n")[1] != once[1]


def test_each_wrong_row_has_its_line_and_costs_no_other() -> None:
    text = b'a,b\n1,"two\nlines"\n1\n2,3,4\n\xff,1\n"open"x,1\n5,6\n'
    rows = csv_rows(text)
    assert [(row.number, row.line) for row in rows] == [(1, 2), (2, 4), (3, 5), (4, 6), (5, 7), (6, 8)]
    assert [row.error for row in rows[1:4]] == [
        "has 1 columns, and the header 2",
        "has 3 columns, and the header 2",
        "is not UTF-8",
    ]
    assert rows[4].error.startswith("is no CSV")
    assert rows[0].values == {"a": "1", "b": "two\nlines"}
    assert rows[5].values == {"a": "5", "b": "6"}


def test_each_wrong_line_of_ndjson_is_told() -> None:
    deep = "[" * 100_000
    text = (
        b'{"a": 1}\n\n[1]\n{"a": NaN}\n{"a": \n{"a": "\xff"}\n'
        + deep.encode()
        + b"\n"
        + b"x" * (MOST_CHARACTERS + 5)
        + b'\n{"a": 2}\n'
    )
    rows = ndjson_rows(text)
    assert [row.line for row in rows] == [1, 3, 4, 5, 6, 7, 8, 9]
    assert [row.values for row in (rows[0], rows[-1])] == [{"a": 1}, {"a": 2}]
    assert rows[1].error == "is no JSON object"
    assert rows[4].error == "is not UTF-8"
    assert all(row.error for row in rows[1:-1])
    assert all(row.text.encode() for row in rows)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a,a\n1,2\n", "two columns are called 'a'"),
        ("a,b\n", "no column 'at'; there are a, b"),
        ("", "no column 'at'; there are none"),
        (b"gr\xf6\xdfe,at\n", "not UTF-8: convert the file first"),
    ],
)
def test_a_header_that_does_not_do_is_an_error(text: str | bytes, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        csv_rows(text, "at")


def test_another_delimiter_cuts_cells() -> None:
    assert csv_rows("a;b\n1;2,5\n", delimiter=";")[0].values == {"a": "1", "b": "2,5"}


def test_a_number_beyond_any_is_no_event() -> None:
    from drishti.importing.file_import import encoded

    (row,) = ndjson_rows('{"n": 1e999}')
    with pytest.raises(WrongRow, match="number"):
        encoded(mapping(), row)


def test_times_are_utc_when_nothing_else_is_said() -> None:
    assert instant("2026-03-29T00:30:00", UTC) == datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
