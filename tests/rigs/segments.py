"""Events as questions about users get them: days of segments, bucket by bucket."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, NamedTuple

from analytics.product.counting.day import DAY_MS, Day
from analytics.product.segments.event_rows import EventRow, EventRows
from analytics.product.segments.segment import Segment, merge


class Happened(NamedTuple):
    """An event of a user's hash at ``ms`` since 1970."""

    user: int
    ms: int
    event_type: str
    data: dict[str, Any]


def days_by_bucket(events: list[Happened], parts: int = 1) -> dict[int, list[Day]]:
    """The days of each bucket that has any, of segments that are made of ``parts`` and merged."""
    days: defaultdict[int, dict[int, Segment]] = defaultdict(dict)
    for part in range(parts):
        rows: defaultdict[int, EventRows] = defaultdict(EventRows)
        for event in events[part::parts]:
            row = EventRow(event.user, event.ms % DAY_MS, event.event_type, None, None, json.dumps(event.data))
            rows[event.ms // DAY_MS].add([row])
        for day, collected in rows.items():
            for bucket, segment in collected.segments().items():
                of_day = days[bucket]
                of_day[day] = merge(of_day[day], segment) if day in of_day else segment
    return {bucket: [Day(day * DAY_MS, of_day[day]) for day in sorted(of_day)] for bucket, of_day in days.items()}
