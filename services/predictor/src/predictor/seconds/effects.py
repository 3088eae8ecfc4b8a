"""How each kind of series is judged by the second, and from when on a change matters: the detector's constants. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictor.series.ring import Bools, Floats, Ints
from predictor.series.watch import Kind


@dataclass(frozen=True)
class Effect:
    """How one kind is judged.

    ``windows_s`` are the lengths of its windows: first the one by which a series is described while nothing is unusual. A
    window must hold ``weight`` (seconds or observations) to say anything. Its distance from what is usual is measured in
    spreads, none of them below ``floor`` on the transformed scale, and is unusual from ``alarm_z`` on, in the other windows
    from :data:`FURTHER_Z` later. Where a series has likelihoods (:mod:`predictor.series.likelihood`), their distance is unusual
    from ``likelihood_z`` on. A change matters from ``expected * up + difference`` on, or down to ``expected * down -
    difference``, where the difference is the series' own (:class:`predictor.series.watch.Watch`).
    """

    windows_s: tuple[int, ...]
    weight: float
    floor: float
    alarm_z: float
    up: float
    down: float
    likelihood_z: float | None = None

    def thresholds(self, expected: Floats, difference: Floats) -> tuple[Floats, Floats]:
        """Down to where, and from where on, a change from ``expected`` is none that matters."""
        return expected * self.down - difference, expected * self.up + difference

    def matters(self, value: Floats, expected: Floats, direction: Ints, difference: Floats) -> Bools:
        down, up = self.thresholds(expected, difference)
        return np.asarray(np.where(direction > 0, value >= up, value <= down))


FURTHER_Z = 0.5
"""More windows are more chances to be wrong: the others have to see more."""

EFFECTS: dict[Kind, Effect] = {
    # twice or less than half as much is what somebody looks at
    Kind.RATE: Effect(windows_s=(8, 4), weight=7, floor=1.0, alarm_z=4.5, up=2.0, down=0.4),
    # 1 error among 8 requests is chance
    Kind.SHARE: Effect(windows_s=(8, 4), weight=10, floor=1.0, alarm_z=4.5, up=1.0, down=1.0),
    # half as long again; log 1.13 is what a garbage collection or a busy core makes. Means have heavier tails than likelihoods
    Kind.LEVEL: Effect(windows_s=(8, 4, 12), weight=6, floor=0.12, alarm_z=4.75, up=1.5, down=0.5, likelihood_z=4.0),
    # two reports agree within 12 s where they come every 5, within a minute where they are rare; a quarter more memory is a
    # program that started to work
    Kind.GAUGE: Effect(windows_s=(12, 60), weight=2, floor=0.06, alarm_z=4.0, up=1.25, down=0.5),
    # what matters is a quarter of the series' own size, as a difference
    Kind.VALUE: Effect(windows_s=(12, 60), weight=2, floor=0.06, alarm_z=4.0, up=1.0, down=1.0),
    # a minute holds the reports of a minute, however they come
    Kind.FLOW: Effect(windows_s=(60, 12), weight=2, floor=0.06, alarm_z=4.5, up=2.0, down=0.4),
}

VALUE_CHANGE = 0.25
"""Of the size of a ``VALUE``: a change by less is none that anybody would look at."""

GRAVE: dict[Kind, tuple[float, float]] = {
    Kind.RATE: (5.0, 0.2),
    Kind.LEVEL: (3.0, 0.33),
    Kind.GAUGE: (3.0, 0.33),
    Kind.VALUE: (3.0, 0.33),
    Kind.FLOW: (5.0, 0.2),
}
"""Value over expected from which a change is critical: up, down. Shares: :data:`GRAVE_SHARE` of difference."""

GRAVE_SHARE = 0.2


def grave(kind: Kind, value: Floats, expected: Floats) -> Bools:
    """Where the change from ``expected`` to ``value`` is critical."""
    if kind is Kind.SHARE:
        return np.asarray(np.abs(value - expected) >= GRAVE_SHARE)
    up, down = GRAVE[kind]
    if kind is Kind.VALUE:
        size = np.abs(expected)
        return np.asarray((value >= expected + size * (up - 1.0)) | (value <= expected - size * (1.0 - down)))
    return np.asarray((value >= expected * up) | (value <= expected * down))
