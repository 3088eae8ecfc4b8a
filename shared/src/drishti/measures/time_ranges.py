"""Instants as people write them: ``now-2h``, ``now-1d/d``, ISO 8601, epoch milliseconds. Pure.

``now`` is moved by steps such as ``+1h`` and ``-30m``, and ``/d`` rounds down to the beginning of a day, from left to right, as
Grafana and Elasticsearch have it. As the end of a range, ``/d`` rounds up to the day's end, so that
``now-1d/d`` to ``now-1d/d`` is the whole of yesterday. Days, weeks, months and years are those of a time zone's calendar: a day
may have 23 or 25 hours.
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from drishti.errors import QueryError

MAX_STEPS = 8
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

_EPOCH_MS = re.compile(r"-?[0-9]{1,15}")
_RELATIVE = re.compile(r"now((?:[+-][0-9]{1,6}[smhdwMy]|/[smhdwMy])*)")
_STEP = re.compile(r"([+-][0-9]+|/)([smhdwMy])")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_FORMS = "epoch milliseconds, ISO 8601 such as 2026-11-24T12:00:00Z, or relative such as now-2h or now-1d/d"


def zone(name: str, field: str = "time_zone") -> tzinfo:
    """The time zone of this IANA name; raises :class:`QueryError`."""
    if name not in _zone_names():
        raise QueryError(f"{name[:64]!r} is no time zone: use a name such as Europe/Berlin or UTC", field=field)
    return ZoneInfo(name)


@cache
def _zone_names() -> frozenset[str]:
    """The names that mean the same on every machine."""
    return frozenset(available_timezones()) - {"localtime", "Factory"}


def instant(text: str, *, now: datetime, tz: tzinfo = UTC, end: bool = False, field: str = "from") -> int:
    """Milliseconds since 1970 of ``text``; with ``end``, roundings go up. Raises :class:`QueryError` that names ``field``.

    A date without an offset is one of ``tz``.
    """
    written = text.strip()
    try:
        read = _read(written, now, tz, end, field)
    except OverflowError:
        read = None
    if read is None:
        raise QueryError(f"{text[:40]!r} is no instant: use {_FORMS}", field=field)
    if not EARLIEST <= read <= LATEST:
        raise QueryError("must lie between 1970 and 2100", field=field)
    return round(read.timestamp() * 1000)


def _read(text: str, now: datetime, tz: tzinfo, end: bool, field: str) -> datetime | None:
    if match := _RELATIVE.fullmatch(text):
        steps = _STEP.findall(match[1])
        if len(steps) > MAX_STEPS:
            raise QueryError(f"at most {MAX_STEPS} steps from now", field=field)
        at = now.astimezone(tz)
        for amount, unit in steps:
            at = _rounded(at, unit, tz, end) if amount == "/" else _moved(at, int(amount), unit, tz)
        return at
    if _EPOCH_MS.fullmatch(text):
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(text))
    try:
        # In a URL, a + that was not escaped arrives as a space.
        at = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=tz)


def _moved(at: datetime, count: int, unit: str, tz: tzinfo) -> datetime:
    """``at`` moved by ``count`` units: hours and less are lengths, days and more keep the time on the clock."""
    if unit in _SECONDS:
        return (at.astimezone(UTC) + timedelta(seconds=count * _SECONDS[unit])).astimezone(tz)
    clock = at.replace(tzinfo=None)
    if unit in "dw":
        return (clock + timedelta(days=count * (7 if unit == "w" else 1))).replace(tzinfo=tz)
    months = clock.year * 12 + clock.month - 1 + count * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    day = min(clock.day, calendar.monthrange(year, month + 1)[1])
    return clock.replace(year=year, month=month + 1, day=day).replace(tzinfo=tz)


def _rounded(at: datetime, unit: str, tz: tzinfo, end: bool) -> datetime:
    """The beginning of the unit that ``at`` is in; with ``end``, that of the next one."""
    begin = at.replace(microsecond=0, second=0 if unit != "s" else at.second)
    if unit in "hdwMy":
        begin = begin.replace(minute=0)
    if unit in "dwMy":
        begin = begin.replace(hour=0, fold=0)
    if unit == "w":
        begin = (begin.replace(tzinfo=None) - timedelta(days=begin.weekday())).replace(tzinfo=tz)
    if unit in "My":
        begin = begin.replace(day=1)
    if unit == "y":
        begin = begin.replace(month=1)
    return _moved(begin, 1, unit, tz) if end else begin


def earlier(from_ms: int, to_ms: int, compare: str, tz: tzinfo = UTC) -> tuple[int, int]:
    """The range that ``[from, to)`` is compared with: of the same length before it (``previous``), or at the same times on the
    clock of ``tz`` a day (``1d``) or a week (``1w``) earlier. Raises :class:`QueryError`."""
    if compare == "previous":
        begins, ends = 2 * from_ms - to_ms, from_ms
    else:
        days = {"1d": -1, "1w": -7}.get(compare)
        if days is None:
            raise QueryError("must be previous, 1d or 1w", field="compare")
        begins, ends = (
            round(_moved(datetime.fromtimestamp(at / 1000, tz), days, "d", tz).timestamp() * 1000) for at in (from_ms, to_ms)
        )
    if begins < 0:
        raise QueryError("the range that is compared with begins before 1970", field="compare")
    return begins, max(ends, begins + 1)
