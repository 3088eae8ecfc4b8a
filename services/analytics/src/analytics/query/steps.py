"""The steps that a range is answered in, and the coarsest rollup that gives each of them exactly. Pure; epoch ms.

Steps up to 12 hours are counted from 1970 in UTC; days and weeks (from Monday) are those of a time zone's calendar, where a day
may have 23 or 25 hours.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from analytics.rollup.windows import RESOLUTIONS, fitting_resolution
from drishti.errors import QueryError
from drishti.events import RESOLUTION_MS, Resolution, Step

LENGTH_MS: dict[str, int] = {
    "1s": 1_000, "10s": 10_000, "15s": 15_000, "30s": 30_000, "1m": 60_000, "5m": 300_000, "10m": 600_000,
    "15m": 900_000, "30m": 1_800_000, "1h": 3_600_000, "3h": 10_800_000, "6h": 21_600_000, "12h": 43_200_000,
}  # fmt: skip
"""Steps that are always as long."""

CALENDAR_DAYS = {"1d": 1, "1w": 7}
DAY_MS = 86_400_000

MAX_STEPS = 20_000
"""Steps in a range: two years of hours, five hours of seconds."""

LATEST_MS = 4_102_444_800_000
"""The year 2100: an instant beyond it is a mistake."""


class Steps(NamedTuple):
    """A range in steps: ``bounds`` are where each begins, and where the last one ends. ``rollup`` gives them exactly."""

    step: Step
    rollup: Resolution
    bounds: list[int]

    @property
    def start(self) -> int:
        return self.bounds[0]

    @property
    def end(self) -> int:
        return self.bounds[-1]

    def seconds(self, place: int) -> float:
        """How long the step at ``place`` is."""
        return (self.bounds[place + 1] - self.bounds[place]) / 1000


def planned(from_ms: int, to_ms: int, step: Step | None, tz: tzinfo, kept_from: dict[str, int]) -> Steps:
    """``[from, to)`` widened outward to whole steps; ``None``: as wide as fits the range. Raises :class:`QueryError`."""
    for name, at in (("from", from_ms), ("to", to_ms)):
        if not 0 <= at <= LATEST_MS:
            raise QueryError("must lie between 1970 and 2100", field=name)
    if from_ms >= to_ms:
        raise QueryError("must lie before `to`", field="from")
    chosen: Step = step or fitting_resolution(from_ms, to_ms, kept_from)
    steps = (to_ms - from_ms) // LENGTH_MS.get(chosen, DAY_MS) + 1
    if steps > MAX_STEPS:
        raise QueryError(
            f"{steps} points of {chosen} are more than {MAX_STEPS}: ask for a shorter range or a coarser resolution",
            field="resolution" if step else "from",
        )
    bounds = _bounds(from_ms, to_ms, chosen, tz)
    rollup = coarsest(bounds)
    if step and to_ms <= kept_from[rollup]:
        raise QueryError(
            f"rollups of {rollup}, which {step} needs, are not kept for so long: ask for a coarser resolution",
            field="resolution",
        )
    return Steps(chosen, rollup, bounds)


def coarsest(bounds: list[int]) -> Resolution:
    """The coarsest rollup none of whose windows lies across one of ``bounds``."""
    for resolution in reversed(RESOLUTIONS):
        if not any(at % RESOLUTION_MS[resolution] for at in bounds):
            return resolution
    return RESOLUTIONS[0]


def _bounds(from_ms: int, to_ms: int, step: Step, tz: tzinfo) -> list[int]:
    length = LENGTH_MS.get(step)
    if length is not None:
        return [*range(from_ms // length * length, to_ms, length), -(-to_ms // length) * length]
    days = CALENDAR_DAYS[step]
    midnight = datetime.fromtimestamp(from_ms / 1000, tz).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    if step == "1w":
        midnight -= timedelta(days=midnight.weekday())
    bounds = [_at(midnight, tz)]
    while bounds[-1] < to_ms:
        midnight += timedelta(days=days)
        bounds.append(_at(midnight, tz))
    return bounds


def _at(clock: datetime, tz: tzinfo) -> int:
    return round(clock.replace(tzinfo=tz).astimezone(UTC).timestamp() * 1000)
