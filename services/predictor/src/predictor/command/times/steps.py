"""Steps between rows as people count them: seconds, or months of the calendar; and spans of them in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from predictor.series.ring import Floats, Ints

DAY_S, WEEK_S, YEAR_S = 86_400.0, 604_800.0, 31_556_952.0
MONTH_S = YEAR_S / 12

_EPOCH = datetime(1970, 1, 1)
_MOST_WEEKS = 8
"""Beyond this many weeks, steps of days are counted as days: 364 days, not 52 weeks."""


@dataclass(frozen=True)
class Step:
    """``seconds`` from row to row, or so many ``months`` of the calendar (then ``seconds`` is their mean length)."""

    seconds: float
    months: int = 0

    @classmethod
    def of_months(cls, months: int) -> Step:
        return cls(months * MONTH_S, months)

    def __str__(self) -> str:
        return words(1, self)


def words(count: int, step: Step) -> str:
    """``count`` steps in words: ``12 months``, ``365 days``, ``1 week``, ``24 hours``."""
    if step.months:
        months = count * step.months
        if step.months % 12 == 0:
            return _many(months // 12, "year")
        return "1 quarter" if months == 3 and count == 1 else _many(months, "month")
    seconds = count * step.seconds
    if seconds == DAY_S and step.seconds < DAY_S:
        return "24 hours"
    if seconds % WEEK_S == 0 and (seconds <= _MOST_WEEKS * WEEK_S or step.seconds % WEEK_S == 0):
        return _many(seconds / WEEK_S, "week")
    for unit_s, unit in ((DAY_S, "day"), (3600.0, "hour"), (60.0, "minute")):
        if seconds >= unit_s and seconds % unit_s == 0:
            return _many(seconds / unit_s, unit)
    for unit_s, unit in ((1.0, "second"), (1e-3, "millisecond"), (1e-6, "microsecond")):
        if seconds >= unit_s:
            return _many(round(seconds / unit_s, 6), unit)
    return _many(seconds * 1e9, "nanosecond")


def span(count: int, step: Step | None) -> str:
    """The same with the number of rows, where that is another; without a step, the rows alone."""
    if step is None:
        return _many(count, "step")
    said = words(count, step)
    return said if said.split()[0] == str(count) else f"{said} ({count} rows)"


def months(wall: Floats) -> Ints:
    """Months since 1970, of times by the wall's clock (seconds since then)."""
    result: Ints = np.floor(wall).astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    return result


def later(wall: float, counts: Ints, last_day: int) -> Floats:
    """``counts`` months after ``wall``; on day ``last_day`` of the month, or on its last one where it is shorter."""
    month = months(np.array([wall]))[0] + counts
    first, following = (one.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) for one in (month, month + 1))
    result: Floats = (first + np.minimum(last_day, following - first) - 1) * DAY_S + wall % DAY_S
    return result


def calendar(wall: Floats) -> tuple[int, int] | None:
    """Months from row to row and the day of the month, where ascending times are monthly, quarterly or yearly; else ``None``.

    They are where no month has two, and all stand at the same hour of the same day (or the last one), or come every four weeks
    to a month, or three, or twelve.
    """
    if len(wall) < 2:
        return None
    month = months(wall)
    apart = np.diff(month)
    if (apart < 1).any():
        return None
    at = [_EPOCH + timedelta(seconds=float(one)) for one in wall]
    days = np.array([one.day for one in at])
    lasts = np.array([(one + timedelta(days=1)).month != one.month for one in at])
    day = int(days.max())
    same = len({one.time() for one in at}) == 1 and bool(((days == day) | (lasts & (days < day))).all())
    usual = float(np.median(np.diff(wall))) / DAY_S
    near = any(low <= usual <= high for low, high in ((27.5, 31.5), (89.0, 92.5), (364.5, 366.5)))
    if not same and not near:
        return None
    step = int(np.median(apart))
    if (apart % step).any():
        step = int(np.gcd.reduce(apart))
    return step, 31 if bool(lasts.all()) else day


def _many(count: float, unit: str) -> str:
    return f"{count:.10g} {unit}{'' if count == 1 else 's'}"
