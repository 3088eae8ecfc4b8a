"""When an event may have happened: the same window by instants and by seconds, both ends included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from drishti.events import arrival_ns, time_window, wrong_time

ARRIVED = datetime(2026, 9, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "wrong"),
    [
        (timedelta(0), None),
        (timedelta(days=30), None),
        (timedelta(days=30, microseconds=1000), "more than 30 days before its arrival"),
        (timedelta(minutes=-10), None),
        (timedelta(minutes=-10, microseconds=-1000), "more than 10 minutes after its arrival"),
    ],
)
def test_the_window_is_said_once(age: timedelta, wrong: str | None) -> None:
    at = ARRIVED - age
    assert time_window(ARRIVED).wrong(at) == wrong
    assert wrong_time(at.timestamp(), ARRIVED.timestamp()) == wrong
    assert arrival_ns(nanoseconds(ARRIVED)).wrong(nanoseconds(at)) == wrong


def nanoseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1_000


def test_what_a_narrower_window_takes_the_whole_one_takes_half_a_minute_later() -> None:
    narrow = time_window(ARRIVED, margin=timedelta(seconds=30))
    for edge in narrow:
        for later in (-30, 30):
            assert time_window(ARRIVED + timedelta(seconds=later)).wrong(edge) is None
    assert narrow.wrong(narrow.earliest - timedelta(seconds=1)) is not None
