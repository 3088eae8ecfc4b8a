"""Events by user as a question about users gets them: the days of each bucket, out of segments that are merged of parts."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from analytics.product.counting.day import DAY_MS, Day
from analytics.product.segments.event_rows import EventRow, EventRows
from analytics.product.segments.segment import Segment, merge


class Happened(NamedTuple):
    """An event of the user with this hash, at ``ms`` since 1970."""

    user: int
    ms: int
    event_type: str
    data: Mapping[str, str | float | bool] = {}

    def get(self, name: str) -> str | None:
        """What a property is called as a value of a break-down."""
        value = self.data.get(name)
        if isinstance(value, bool):
            return "true" if value else "false"
        return f"{value:g}" if isinstance(value, (int, float)) else value


def buckets(events: Sequence[Happened], parts: int = 1) -> list[list[Day]]:
    """The days of each bucket that has any event, in order."""
    days: defaultdict[int, dict[int, Segment]] = defaultdict(dict)
    for part in range(parts):
        rows: defaultdict[int, EventRows] = defaultdict(EventRows)
        for event in events[part::parts]:
            data = json.dumps(event.data) if event.data else None
            rows[event.ms // DAY_MS].add([EventRow(event.user, event.ms % DAY_MS, event.event_type, None, None, data)])
        for day, collected in rows.items():
            for bucket, segment in collected.segments().items():
                of_day = days[bucket]
                of_day[day] = merge(of_day[day], segment) if day in of_day else segment
    return [[Day(day * DAY_MS, of_day[day]) for day in sorted(of_day)] for of_day in days.values()]
