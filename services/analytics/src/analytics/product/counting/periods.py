"""Days, weeks and months of a time zone's calendar. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal

import numpy as np

from analytics.product.counting.day import DAY_MS, Day
from analytics.product.segments.segment import Ints

Interval = Literal["day", "week", "month"]

SHORTEST_MS: Mapping[Interval, int] = {"day": DAY_MS, "week": 7 * DAY_MS, "month": 28 * DAY_MS}
"""No period is much shorter, so that a range gives about so many at most."""

MONTH_MS = 31 * DAY_MS
"""No month is much longer."""


def period_starts(from_ms: int, to_ms: int, interval: Interval, tz: tzinfo) -> Ints:
    """The instants, in ms since 1970, at which the periods begin in which ``[from_ms, to_ms)`` lies: the first is not after
    ``from_ms``. Weeks begin on Monday; a day may have 23 or 25 hours, and one that a zone leaves out is none."""
    day = _first_day(_local(from_ms, tz), interval)
    last = _local(to_ms - 1, tz)
    starts = []
    while day <= last:
        starts.append(_midnight(day, tz))
        day = _next(day, interval)
    return np.unique(np.array(starts, np.int64))


def next_period(start_ms: int, interval: Interval, tz: tzinfo) -> int:
    """Where the period after the one that begins at ``start_ms`` begins."""
    day = _next(_first_day(_local(start_ms, tz), interval), interval)
    while (at := _midnight(day, tz)) <= start_ms:
        day = _next(day, interval)
    return at


def bounds_of(from_ms: int, to_ms: int, interval: Interval, tz: tzinfo, *, further: int = 0) -> list[int]:
    """Where the periods of ``[from_ms, to_ms)`` begin, and where the last one ends; then where ``further`` ones end."""
    bounds: list[int] = period_starts(from_ms, to_ms, interval, tz).tolist()
    for _ in range(1 + further):
        bounds.append(next_period(bounds[-1], interval, tz))
    return bounds


def periods_of(bounds: Sequence[int], times: Ints) -> Ints:
    """The place of the period of each of ``times``: -1 before the first one, and ``len(bounds) - 1`` after the last."""
    return np.searchsorted(np.asarray(bounds, np.int64), times, "right").astype(np.int64) - 1


def period_of_day(bounds: Sequence[int], day: Day) -> int | None:
    """The period in which all of ``day`` lies; ``None`` where there are several."""
    first, last = periods_of(bounds, np.array([day.start_ms, day.start_ms + DAY_MS - 1])).tolist()
    return int(first) if first == last else None


def are_days(bounds: Sequence[int]) -> bool:
    """Whether all periods begin with a UTC day, so that the days of events tell their periods."""
    return not any(at % DAY_MS for at in bounds)


def local_midnights(utc_days: Iterable[int], tz: tzinfo) -> Ints:
    """The beginnings of all local days that have a part in one of the UTC days that begin at these ms, in order."""
    return np.unique(np.array([at for day in utc_days for at in _midnights_of(day, tz)], np.int64))


@lru_cache(maxsize=4096)
def _midnights_of(utc_day: int, tz: tzinfo) -> tuple[int, ...]:
    return tuple(period_starts(utc_day, utc_day + DAY_MS, "day", tz).tolist())


def _local(ms: int, tz: tzinfo) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).astimezone(tz).date()


def _midnight(day: date, tz: tzinfo) -> int:
    """The first instant of ``day``, also where its clocks have no midnight."""
    return round(datetime(day.year, day.month, day.day, tzinfo=tz).timestamp()) * 1000


def _first_day(day: date, interval: Interval) -> date:
    if interval == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval == "month" else day


def _next(day: date, interval: Interval) -> date:
    if interval == "month":
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return day + timedelta(days=7 if interval == "week" else 1)
