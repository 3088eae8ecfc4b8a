"""Instants as people write them."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drishti.errors import QueryError
from drishti.measures.time_ranges import instant, zone

BERLIN, KOLKATA = "Europe/Berlin", "Asia/Kolkata"
NOW = datetime(2026, 11, 26, 14, 35, 50, 250_000, tzinfo=UTC)  # a Thursday


def at(text: str, *, end: bool = False, tz: str = "UTC", now: datetime = NOW) -> str:
    ms = instant(text, now=now, tz=zone(tz), end=end)
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("now", "2026-11-26T14:35:50.250", None),
        ("now-2h", "2026-11-26T12:35:50.250", None),
        ("now+90m", "2026-11-26T16:05:50.250", None),
        ("now-1d/d", "2026-11-25T00:00:00.000", "2026-11-26T00:00:00.000"),
        ("now/d", "2026-11-26T00:00:00.000", "2026-11-27T00:00:00.000"),
        ("now/h", "2026-11-26T14:00:00.000", "2026-11-26T15:00:00.000"),
        ("now/m", "2026-11-26T14:35:00.000", "2026-11-26T14:36:00.000"),
        ("now/s", "2026-11-26T14:35:50.000", "2026-11-26T14:35:51.000"),
        ("now/w", "2026-11-23T00:00:00.000", "2026-11-30T00:00:00.000"),
        ("now/M", "2026-11-01T00:00:00.000", "2026-12-01T00:00:00.000"),
        ("now-1y/y", "2025-01-01T00:00:00.000", "2026-01-01T00:00:00.000"),
        ("now-1M/M-1d", "2026-09-30T00:00:00.000", "2026-10-31T00:00:00.000"),
        ("now/d+8h", "2026-11-26T08:00:00.000", "2026-11-27T08:00:00.000"),
        ("1700000000000", "2023-11-14T22:13:20.000", None),
        ("2026-11-24T12:00:00+02:00", "2026-11-24T10:00:00.000", None),
        ("2026-11-24T12:00:00 02:00", "2026-11-24T10:00:00.000", None),
        (" 2026-11-24 ", "2026-11-24T00:00:00.000", None),
    ],
)
def test_instants(text: str, begin: str, end: str | None) -> None:
    assert (at(text), at(text, end=True)) == (begin, end or begin)


@pytest.mark.parametrize(
    ("text", "tz", "now", "begin", "end"),
    [
        # Days of a calendar: the clocks of Berlin go back on 2026-10-25 and forward on 2026-03-29.
        (
            "now/d",
            "Europe/Berlin",
            datetime(2026, 10, 25, 12, tzinfo=UTC),
            "2026-10-24T22:00:00.000",
            "2026-10-25T23:00:00.000",
        ),
        ("now/d", BERLIN, datetime(2026, 3, 29, 12, tzinfo=UTC), "2026-03-28T23:00:00.000", "2026-03-29T22:00:00.000"),
        ("now-1d", BERLIN, datetime(2026, 10, 26, 12, tzinfo=UTC), "2026-10-25T12:00:00.000", None),
        ("now-24h", BERLIN, datetime(2026, 3, 29, 12, tzinfo=UTC), "2026-03-28T12:00:00.000", None),
        ("now-1d", BERLIN, datetime(2026, 3, 29, 12, tzinfo=UTC), "2026-03-28T13:00:00.000", None),
        (
            "now/h",
            "Asia/Kolkata",
            datetime(2026, 3, 29, 12, 45, tzinfo=UTC),
            "2026-03-29T12:30:00.000",
            "2026-03-29T13:30:00.000",
        ),
        ("2026-11-24", "Asia/Kolkata", NOW, "2026-11-23T18:30:00.000", None),
        ("now-1M", "UTC", datetime(2026, 3, 31, tzinfo=UTC), "2026-02-28T00:00:00.000", None),
        ("now-1y", "UTC", datetime(2024, 2, 29, tzinfo=UTC), "2023-02-28T00:00:00.000", None),
    ],
)
def test_days_and_months_are_those_of_the_calendar(text: str, tz: str, now: datetime, begin: str, end: str | None) -> None:
    assert (at(text, tz=tz, now=now), at(text, tz=tz, now=now, end=True)) == (begin, end or begin)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "now-", "now-2x", "now - 2h", "now-1h/", "NOW", "now-1.5h", "2026-13-01", "now-999999y", "now+1000y",
     "-1", "99999999999999999", "9999-12-31", "now" + "-1h" * 9, "now-١h", "nan", "1e3", "0001-01-01T00:00:00+23:59"],
)  # fmt: skip
def test_what_is_no_instant_is_refused_by_its_field(text: str) -> None:
    with pytest.raises(QueryError) as error:
        instant(text, now=NOW, field="to")
    assert error.value.field == "to"


@given(st.text(max_size=30) | st.from_regex(r"now([+-][0-9]{1,6}[smhdwMy]|/[smhdwMy]){0,9}", fullmatch=True), st.booleans())
def test_any_text_is_an_instant_or_an_error(text: str, end: bool) -> None:
    with contextlib.suppress(QueryError):
        assert 0 <= instant(text, now=NOW, end=end, tz=zone("America/New_York")) < 2**43


@pytest.mark.parametrize(
    "name", ["Europe/Berlin2", "", "../../etc/passwd", "/etc/passwd", "Berlin\0", "x" * 5000, "..", "localtime", "posixrules"]
)
def test_unknown_time_zones_are_refused(name: str) -> None:
    with pytest.raises(QueryError) as error:
        zone(name)
    assert error.value.field == "time_zone"
