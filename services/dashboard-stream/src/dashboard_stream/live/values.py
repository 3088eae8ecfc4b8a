"""The numbers of a reading: the points of its lines and its value now, computed from the history. Pure.

Three rules keep a value honest:

- A window that has just begun is nearly empty. Rates leave out the second that is running and the one before it, to which
  events still arrive; percentiles and KPIs come from the running minute once it is :data:`MINUTE_AGE_MS` old or holds
  :data:`MINUTE_COUNT` observations, and from the minute before until then. So nothing flickers to zero at a boundary.
- Silence is a number only for what is counted. An average or a share without observations keeps the newest second that had one
  for :data:`CARRY_MS`, then it is ``None``.
- When the newest second is older than :data:`STALE_MS`, analytics has stopped: every value "now" is ``None``. Running totals
  stay.

Means add numerators and denominators of single windows and divide once, so they are exact; percentiles and uniques are never
combined.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator

from dashboard_stream.boards.readings import TOTAL, Labels, Reading
from dashboard_stream.live.history import History, Needs, Table, TableKey
from drishti.events import RESOLUTION_MS
from drishti.measures.fields import FIELDS, SECONDS, VALUE, meaning, percentile, quantities_of, quotient

SETTLE_MS = 1_000
CARRY_MS = 120_000
STALE_MS = 90_000
MINUTE_MS = RESOLUTION_MS["1m"]
HOUR_MS = RESOLUTION_MS["1h"]
MINUTE_AGE_MS = 10_000
MINUTE_COUNT = 20
HOURS = {"1h": 1, "24h": 24}

Points = list[tuple[int, float | None]]


def needs(reading: Reading) -> Iterator[tuple[TableKey, Needs]]:
    """What the history must keep for ``reading``."""
    kept = Needs(reading.label_sets, quantities_of(reading.definition, reading.field))
    yield key_of(reading), kept
    if reading.span is None and _of_minute(reading) and reading.value:
        yield TableKey(reading.metric, "1m", reading.where), kept


def key_of(reading: Reading) -> TableKey:
    """The table that its points are taken from, or its hours where it has a span."""
    return TableKey(reading.metric, "1h" if reading.span else reading.resolution, reading.where)


def values_now(
    history: History, readings: Iterable[Reading], now_ms: int, *, off: frozenset[str] = frozenset()
) -> dict[str, float | None]:
    """Every value of ``readings`` that the history knows a series of, by name. Of the metrics in ``off``, which are not
    counted any more, only running totals are known."""
    now: dict[str, float | None] = {}
    for reading in readings:
        if not reading.value:
            continue
        table = history.table(*key_of(reading))
        known = set(series_of(table, reading))
        if reading.span is None and _of_minute(reading):
            known.update(series_of(history.table(reading.metric, "1m", reading.where), reading))
        for labels in sorted(known):
            if reading.span:
                value = _total(table, labels, reading, now_ms)
            elif reading.metric in off or not history.newest or now_ms - history.newest > STALE_MS:
                value = None
            elif _of_minute(reading):
                value = _minute(history, labels, reading, now_ms)
            elif reading.field == "uniques":
                value = _uniques(table, labels, now_ms)
            else:
                value = _mean(history, table, labels, reading)
            now[reading.named(labels)] = _tidy(value)
    return now


def series_of(table: Table, reading: Reading) -> Iterator[Labels]:
    """The series that ``reading`` shows of ``table``."""
    if reading.share is not None:
        return (labels for labels in table.labels() if labels == TOTAL)
    return (labels for labels in table.labels() if reading.covers(labels))


def points(table: Table, labels: Labels, reading: Reading, starts: Iterable[int]) -> Points:
    """The points of one line for the windows at ``starts``; ``None`` where a window has none."""
    return [(start, _tidy(_point(table, labels, reading, start))) for start in starts]


def present(table: Table, labels: Labels, start: int) -> bool:
    """Whether the window at ``start`` names this series at all."""
    return not math.isnan(table.number(labels, "count", start))


def _point(table: Table, labels: Labels, reading: Reading, start: int) -> float | None:
    if not present(table, labels, start):
        return None
    ratio = _ratio(table, labels, reading, (start,))
    if ratio is None:
        return table.number(labels, reading.field, start)
    return quotient(*ratio)


def _ratio(table: Table, labels: Labels, reading: Reading, starts: Collection[int]) -> tuple[float, float] | None:
    """Numerator and denominator of the windows at ``starts`` together; ``None`` for fields that are no quotient."""
    if (share := reading.share) is not None:
        part: Labels = ((share.dimension, share.value),)
        return table.total(part, "count", starts), table.total(TOTAL, "count", starts)
    measured = FIELDS.get(reading.field)
    if measured is None or not measured.is_quotient:
        return None
    numerator = table.total(labels, measured.numerator, starts)
    if measured.denominator == SECONDS:
        return numerator, len(starts) * table.step / 1000
    return numerator, table.total(labels, measured.denominator, starts)


def _of_minute(reading: Reading) -> bool:
    """Whether its value now is that of one minute, since windows do not merge: a percentile, or what a KPI comes to."""
    return reading.field == VALUE or percentile(reading.field) is not None


def _mean(history: History, table: Table, labels: Labels, reading: Reading) -> float | None:
    if meaning(reading.definition, reading.field).denominator == SECONDS:
        first = max(history.oldest, history.newest - SETTLE_MS - reading.over_s * 1000)
        last = max(first, history.newest - SETTLE_MS - table.step)
    else:
        last = history.newest
        first = last - reading.over_s * 1000
    windows = range(first - first % table.step, last + 1, table.step)
    ratio = _ratio(table, labels, reading, windows)
    value = quotient(*ratio) if ratio is not None else None
    if value is not None:
        return value
    return _carried(history, table, labels, reading)


def _minute(history: History, labels: Labels, reading: Reading, now_ms: int) -> float | None:
    minutes = history.table(reading.metric, "1m", reading.where)
    running = now_ms - now_ms % MINUTE_MS
    before = minutes.number(labels, reading.field, running - MINUTE_MS)
    current = minutes.number(labels, reading.field, running)
    enough = now_ms - running >= MINUTE_AGE_MS or minutes.number(labels, "count", running) >= MINUTE_COUNT
    for candidate in (current, before) if enough else (before, current):
        if not math.isnan(candidate):
            return candidate
    return _carried(history, history.table(*key_of(reading)), labels, reading)


def _carried(history: History, table: Table, labels: Labels, reading: Reading) -> float | None:
    """The newest point that there is, if it is not too old."""
    start = history.newest - history.newest % table.step
    floor = max(history.oldest, history.newest - max(CARRY_MS, reading.over_s * 1000))
    while start >= floor - floor % table.step:
        point = _point(table, labels, reading, start)
        if point is not None and not math.isnan(point):
            return point
        start -= table.step
    return None


def _uniques(table: Table, labels: Labels, now_ms: int) -> float | None:
    running = now_ms - now_ms % table.step
    seen = [table.number(labels, "uniques", start) for start in (running, running - table.step)]
    return max((number for number in seen if not math.isnan(number)), default=0.0)


def _total(table: Table, labels: Labels, reading: Reading, now_ms: int) -> float:
    running = now_ms - now_ms % HOUR_MS
    hours = HOURS[reading.span] if reading.span else 1
    return sum(_or_zero(table.number(labels, reading.field, running - hour * HOUR_MS)) for hour in range(hours))


def _or_zero(number: float) -> float:
    return number if number == number else 0.0  # only NaN differs from itself


def _tidy(number: float | None) -> float | None:
    """Four decimals at most, whole numbers as such: half the bytes, and no digit that anybody could see."""
    if number is None or not math.isfinite(number):
        return None
    return int(number) if number == int(number) else round(number, 4)
