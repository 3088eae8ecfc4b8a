"""Which hours of spans stay: those that are young enough, as far as their bytes allow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from analytics.storage.span_rows import SPANS
from analytics.storage.tables import Partition, partition_for
from analytics.traces.retention import kept_from

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def sizes(*each: int) -> list[tuple[Partition, int]]:
    """Partitions of this hour and those before, with their bytes."""
    return [(partition_for(SPANS, NOW - timedelta(hours=n)), size) for n, size in enumerate(each)]


def test_hours_stay_for_their_time_where_there_is_room() -> None:
    assert kept_from(sizes(1, 1, 1), NOW, hours=2, most=10) == NOW - timedelta(hours=2)


def test_the_oldest_hours_go_where_there_is_none() -> None:
    assert kept_from(sizes(4, 4, 4, 4), NOW, hours=24, most=9) == NOW.replace(minute=0) - timedelta(hours=1)


def test_the_hour_that_is_written_stays_whatever_it_takes() -> None:
    assert kept_from(sizes(99, 1), NOW, hours=24, most=9) == NOW.replace(minute=0)
    assert kept_from(sizes(99), NOW, hours=24, most=9) == NOW - timedelta(hours=24)
