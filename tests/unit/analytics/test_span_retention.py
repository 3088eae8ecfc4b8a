"""Which hours of spans stay: those that are young enough, as far as their bytes allow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from analytics.storage.span_rows import KEPT_SPANS, SPANS
from analytics.storage.tables import Partition, partition_for
from analytics.traces.retention import MIB, kept_from, spans_kept_from

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
DAY = NOW.replace(hour=0, minute=0)


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


class Sizes:
    """A session that knows how large tables are: the partitions of all spans and of kept ones, and what both refer to."""

    def __init__(self, spans: list[int], kept: list[int], lookups: int) -> None:
        self._partitions = {
            SPANS.name: [(partition_for(SPANS, NOW - timedelta(hours=n)).name, size) for n, size in enumerate(spans)],
            KEPT_SPANS.name: [(partition_for(KEPT_SPANS, NOW - timedelta(days=n)).name, size) for n, size in enumerate(kept)],
        }
        self._lookups = lookups

    async def fetch(self, name: str, of: object) -> list[dict[str, object]]:
        if name == "lookup_sizes":
            return [{"name": "span_resources", "bytes": self._lookups * MIB}]
        assert isinstance(of, str)
        return [{"partition": partition, "bytes": size * MIB} for partition, size in self._partitions[of]]


@pytest.mark.parametrize(
    ("sizes_of", "spans_from", "kept_from_day"),
    [
        (Sizes([2, 2, 2, 2], [1, 1, 1], 1), NOW - timedelta(hours=24), NOW - timedelta(days=14)),  # 12 of 12
        (Sizes([2, 2, 2, 2], [1, 1, 1], 3), NOW.replace(minute=0) - timedelta(hours=2), NOW - timedelta(days=14)),
        (Sizes([2, 2, 2, 2], [3, 3, 3], 0), NOW.replace(minute=0) - timedelta(hours=2), DAY - timedelta(days=1)),
        (Sizes([2, 2, 2, 2], [0, 0, 0], 40), NOW.replace(minute=0), NOW - timedelta(days=14)),
    ],
)  # fmt: skip
async def test_kept_traces_and_what_spans_refer_to_take_their_part_of_the_bytes(
    sizes_of: Sizes, spans_from: datetime, kept_from_day: datetime
) -> None:
    found = await spans_kept_from(sizes_of, NOW, hours=24, days=14, megabytes=12)  # type: ignore[arg-type]  # as far as it is asked
    assert found == (spans_from, kept_from_day)
