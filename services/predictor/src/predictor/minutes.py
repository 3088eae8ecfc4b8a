"""What seconds do not show: by the minute, against days and weeks. Pure.

The detector of seconds knows ten minutes, and after five of them whatever lasts is normal. So a leak of hours, a night that is
busy as a day, scatter that grew are not seen there. Here the stream detector (:mod:`.detectors.stream`) judges each minute,
with its memory of a week of hours, and far more sternly than on the command line: a day has 1,440 minutes, and somebody is
woken.

It may be another detector, one that is installed as a plug-in: then its score, a tail probability too, must reach as far.

An incident opens where the detector alarms, the change is bad news (:class:`~predictor.watch.Side`) and large enough to matter,
against what was expected now or against the day, and nothing is told of the series by the second. It is over after
:data:`CALM` minutes that are less than half as far out, or is the new normal when it has not grown for :data:`ADAPT` minutes.
By then the detector has long followed, so what is told as expected is what was when it opened, without a band.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from predictor import plugins
from predictor.detectors.alarms import Rule
from predictor.detectors.interface import Anomaly, Detector, Verdicts
from predictor.detectors.stream import StreamDetector
from predictor.effects import grave as grave_change
from predictor.incidents import Change, Phase
from predictor.ring import Bools, Floats, Ints, grown
from predictor.watch import Kind

TELL = 0.998
"""Of undisturbed minutes one in five hundred is so unusual, in clusters of which one alarms."""

REFRACTORY = 60
"""Minutes after the end of an incident in which the same series opens no other."""

CALM = 3
ADAPT = 200
GROWN = 1.25
"""What is further out than this many times what it was grows still: a leak is never normal."""

ONGOING = 10

LEAST: dict[Kind, tuple[float, float]] = {
    Kind.RATE: (1.5, 0.5),
    Kind.SHARE: (1.25, 0.04),
    Kind.LEVEL: (1.5, 50.0),
    Kind.GAUGE: (1.25, 0.1),
}
"""What somebody would care about: the factor (either way) and the difference from what was expected, in the metric's unit."""

NAMES = ("since", "direction", "calm", "told", "announced", "anchor", "jump", "ended", "steady", "reach", "kind", "grave")
ANNOUNCED = NAMES.index("announced")


class Minutes:
    """The incidents that minutes show; rows are those of the series table."""

    def __init__(self, detector: Detector | None = None) -> None:
        self._detector = detector or StreamDetector(Rule(TELL, holds=False))
        self._state: Floats = np.zeros((len(NAMES), 0))

    @classmethod
    def by(cls, detector: str) -> Minutes:
        """Judged by the installed detector of that name; raises :class:`~predictor.errors.UnknownPlugin`."""
        return cls(None if detector == plugins.DEFAULT_DETECTOR else plugins.detector(detector))

    @property
    def model(self) -> str:
        return self._detector.name

    def clear(self, row: int) -> None:
        """Makes ``row`` a series without a past."""
        self._detector.reserve(row + 1)
        self._detector.clear(np.array([row]))
        self._state = grown(self._state, row + 1, axis=1)
        self._state[:, row] = 0

    def take(
        self, rows: Ints, minute: int, values: Floats, kinds: Ints, sides: Ints, busy: Bools, usual: Callable[[int], float]
    ) -> tuple[Verdicts, list[Change]]:
        """Judges the minute that began at second ``minute``, and says what changed.

        ``busy``: told of by the second. ``usual``: the middle of a row's last day, asked where something alarms.
        """
        verdicts = self._detector.update(rows, np.full(len(rows), float(minute)), values)
        since, direction, calm, told, announced, anchor, jump, ended, steady, reach, sort, grave = self._state[:, rows]
        was_open = since > 0
        silent = (verdicts.kind == Anomaly.SILENCE) & (verdicts.direction < 0)
        quiet = ~busy & (minute >= ended + 60 * REFRACTORY)
        opened = (
            verdicts.alarm
            & (verdicts.score >= TELL)
            & ~was_open
            & quiet
            & ((sides == 0) | (sides == verdicts.direction) | silent)
        )
        for index in np.flatnonzero(opened).tolist():
            normal = (float(verdicts.expected[index]), usual(int(rows[index])))
            from_normal = [_matters(Kind(int(kinds[index])), float(values[index]), one) for one in normal]
            opened[index] = silent[index] or any(from_normal)
            anchor[index] = normal[0] if from_normal[0] else normal[1]
            jump[index] = np.abs(values[index] - anchor[index])
        calm = np.where(was_open & (np.abs(values - anchor) <= np.where(np.isnan(jump), np.inf, 0.5 * jump)), calm + 1, 0)
        resolved = was_open & (calm >= CALM)
        apart = np.nan_to_num(np.abs(values - anchor))
        steady, reach = np.where(opened, minute, steady), np.where(opened, apart, reach)
        due = was_open & ~resolved & (minute >= steady + 60 * ADAPT)
        adapted = due & (apart <= GROWN * reach)
        steady, reach = np.where(due, minute, steady), np.where(due, apart, reach)
        going = was_open & ~resolved & ~adapted
        kind = np.where(silent & opened, int(Anomaly.SILENCE), verdicts.kind)
        sort = np.where(opened | (going & (verdicts.kind > 0)), kind, sort)
        critical = silent | _grave(kinds, values, anchor)
        escalated = going & critical & (grave == 0)
        grave = np.where(opened, critical, (grave > 0) | escalated)
        ongoing = going & ~escalated & (minute >= told + 60 * ONGOING)
        changes = []
        for phase, which in (
            (Phase.OPENED, opened),
            (Phase.ESCALATED, escalated),
            (Phase.ONGOING, ongoing),
            (Phase.RESOLVED, resolved),
            (Phase.ADAPTED, adapted),
        ):
            for index in np.flatnonzero(which).tolist():
                begin = minute if phase is Phase.OPENED else int(since[index])
                way = int(verdicts.direction[index] if phase is Phase.OPENED else direction[index])
                what = Anomaly.SHIFT if phase is Phase.ADAPTED else Anomaly(int(sort[index]))
                severity: Literal["warning", "critical"] = "critical" if grave[index] else "warning"
                confidence = float(verdicts.confidence[index])
                changes.append(Change(int(rows[index]), index, phase, begin, way, what, severity, confidence))
        closed = resolved | adapted
        self._state[:, rows] = (
            np.where(opened, minute, np.where(closed, 0, since)),
            np.where(opened, verdicts.direction, direction),
            np.where(opened | closed, 0, calm),
            np.where(opened | ongoing | escalated, minute, told),
            np.where(opened, 0, announced),
            anchor,
            jump,
            np.where(closed, minute, ended),
            steady,
            reach,
            sort,
            grave,
        )
        if adapted.any():
            self._detector.accept(rows[adapted], np.nan_to_num(values - anchor)[adapted])
            verdicts = replace(
                verdicts,
                expected=np.where(adapted, anchor, verdicts.expected),
                lower=np.where(adapted, np.nan, verdicts.lower),
                upper=np.where(adapted, np.nan, verdicts.upper),
            )
        return verdicts, changes

    def announce(self, row: int) -> None:
        """Notes that somebody was told of the incident that is open, or of the one that just ended, at ``row``."""
        self._state[ANNOUNCED, row] = 1

    def announced(self, row: int) -> bool:
        return bool(self._state[ANNOUNCED, row])

    def state(self, rows: int) -> dict[str, NDArray[Any]]:
        """Everything of rows ``0 .. rows - 1`` as arrays."""
        return {"minutes": self._state[:, :rows], **{f"minutes.{k}": v for k, v in self._detector.state(rows).items()}}

    def restore(self, rows: int, state: Mapping[str, NDArray[Any]]) -> None:
        """The inverse of :meth:`state`. Raises ``KeyError`` or ``ValueError`` where it does not fit."""
        if state["minutes"].shape != (len(NAMES), rows):
            raise ValueError(f"minutes have shape {state['minutes'].shape}")
        self._state = state["minutes"].astype(np.float64)
        prefix = "minutes."
        self._detector.restore(rows, {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})


def _grave(kinds: Ints, values: Floats, normal: Floats) -> Bools:
    found = np.zeros(len(values), np.bool_)
    for kind in Kind:
        chosen = kinds == kind
        if chosen.any():
            found[chosen] = grave_change(kind, values[chosen], normal[chosen])
    return found


def _matters(kind: Kind, value: float, normal: float) -> bool:
    """Whether somebody would care for ``value`` where ``normal`` is usual (NaN: not known)."""
    factor, difference = LEAST[kind]
    low, high = sorted((value, normal))
    return high >= factor * max(low, 0.0) and high - low >= difference
