"""What seconds do not show: by the minute, against days and weeks. Pure.

The detector of seconds knows ten minutes, and after five of them whatever lasts is normal. So a leak of hours, a night that is
busy as a day, scatter that grew are not seen there. Here the stream detector (:mod:`predictor.detectors.stream`) judges each
minute, with its memory of a week of hours, and far more sternly than on the command line: a day has 1,440 minutes, and somebody
is woken.

It may be another detector, one that is installed as a plug-in: then its score, a tail probability too, must reach as far.

An incident opens where the detector alarms, the change is bad news (:class:`~predictor.series.watch.Side`) and large enough to
matter, against what was expected now or against the day, and nothing is told of the series by the second. It keeps the band by
which it was judged then (that of the statistic that alarmed, or half as wide as a change does not matter): its value is outside
of that, or else it is calm. It is over after :data:`CALM` calm minutes, or is the new normal when it has not grown for
:data:`ADAPT` minutes. A minute without a value judges nothing, unless it is a silence that was told. As by the second, what is
not judged any more is told as such after :data:`UNJUDGED` minutes, and closed after :data:`LAPSE`.

While an incident is open, here or by the second, the detector is shown nothing: it would learn that incidents are normal. What
becomes the new normal moves all that it knows of the level.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from predictor import plugins
from predictor.anomalies.incidents import Change, Phase
from predictor.detectors.alarms import Rule
from predictor.detectors.interface import Anomaly, Detector, Explaining, Ground, Verdicts
from predictor.detectors.stream import StreamDetector
from predictor.seconds.detector import Statistic
from predictor.seconds.effects import grave as grave_change
from predictor.series.ring import Bools, Floats, Ints, grown
from predictor.series.watch import Kind

TELL = 0.998
"""Of undisturbed minutes one in five hundred is so unusual, in clusters of which one alarms."""

REFRACTORY = 60
"""Minutes after the end of an incident in which the same series opens no other."""

CALM = 3
ADAPT = 200
GROWN = 1.25
"""What is further out than this many times what it was grows still: a leak is never normal."""

ONGOING = 1
UNJUDGED = 3
LAPSE = 60

STAYS = 0.5
"""An incident is over where the value is back within this share of the change that matters: noise at the edge ends none."""

TEN = 10
"""Values of which a smoothed band is the mean's."""

MINUTE_S = 60.0

LEAST: dict[Kind, tuple[float, float]] = {
    Kind.RATE: (1.5, 0.5),
    Kind.SHARE: (1.25, 0.04),
    Kind.LEVEL: (1.5, 50.0),
    Kind.GAUGE: (1.25, 0.1),
}
"""What somebody would care about: the factor (either way) and the difference from what was expected, in the metric's unit."""

NAMES = (
    "since",
    "direction",
    "calm",
    "told",
    "announced",
    "anchor",
    "ended",
    "steady",
    "reach",
    "kind",
    "grave",
    "lower",
    "upper",
    "statistic",
    "smoothed",
    "value",
    "judged_at",
    "score",
    "unjudged",
    "expected",
    "moved",
)
"""``expected``: what the detector expected last, and ``moved``: its level moved since, while it was shown nothing."""

ANNOUNCED, MOVED = NAMES.index("announced"), NAMES.index("moved")


@dataclass(frozen=True)
class Said:
    """What is said of each row of one minute, as arrays of one length; the names are those of
    :class:`~predictor.anomalies.engine.Finding`. ``judged_at``: the minute that was judged last."""

    learning: Bools
    judged: Bools
    score: Floats
    confidence: Floats
    value: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    statistic: Ints
    window_s: Floats
    judged_at: Floats


class Context(NamedTuple):
    """What else is known of the rows of one minute: ``kinds`` and ``sides`` of :class:`~predictor.series.watch.Watch`; which
    are ``busy``, told of by the second; the middle of a row's last day (``usual``), and its last values (``recent``)."""

    kinds: Ints
    sides: Ints
    busy: Bools
    usual: Callable[[int], float]
    recent: Callable[[int], Floats]


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

    def open(self, rows: Ints) -> Bools:
        is_open: Bools = self._state[0, rows] > 0
        return is_open

    def moved(self, row: int) -> None:
        """Notes that the level of ``row`` became another for good, by the second."""
        self._state[MOVED, row] = 1

    def take(self, rows: Ints, minute: int, values: Floats, context: Context) -> tuple[Said, list[Change]]:
        """Judges the minute that began at second ``minute``, and says what changed."""
        state = self._state[:, rows]
        now = _views(state)
        was_open = now.since > 0
        verdicts = self._update(rows, minute, values, was_open | context.busy, now)
        shown = (
            np.where(now.smoothed > 0, [_mean(context.recent(int(row))) for row in rows], values)
            if now.smoothed.any()
            else values
        )
        silent = was_open & (now.kind == Anomaly.SILENCE)
        outside = was_open & np.where(silent, np.isnan(values), _outside(shown, now))
        judged = silent | np.isfinite(shown)
        opened = self._opened(rows, minute, values, verdicts, context, now)
        shown = np.where(opened, now.value, shown)

        now.calm[:] = np.where(was_open & judged & ~outside, now.calm + 1, np.where(judged, 0, now.calm))
        now.unjudged[:] = np.where(was_open & ~judged, now.unjudged + 1, 0)
        resolved = was_open & (now.calm >= CALM)
        lapsed = was_open & (now.unjudged >= LAPSE)
        apart = np.nan_to_num(np.abs(shown - now.anchor))
        now.steady[:], now.reach[:] = np.where(opened, minute, now.steady), np.where(opened, apart, now.reach)
        due = outside & (minute >= now.steady + 60 * ADAPT)
        adapted = due & (apart <= GROWN * now.reach)
        now.steady[:], now.reach[:] = np.where(due, minute, now.steady), np.where(due, apart, now.reach)
        going = was_open & ~resolved & ~adapted & ~lapsed
        critical = (now.kind == Anomaly.SILENCE) | _grave(context.kinds, shown, now.anchor)
        escalated = going & outside & critical & (now.grave == 0)
        now.grave[:] = np.where(opened, critical, (now.grave > 0) | escalated)
        ongoing = going & outside & ~escalated & (minute >= now.told + 60 * ONGOING)
        unjudged = going & (now.unjudged >= UNJUDGED)
        for field, part in (
            (now.value, shown),
            (now.judged_at, np.full(len(rows), float(minute))),
            (now.score, verdicts.score),
        ):
            field[:] = np.where(opened | outside, part, field)
        which = {
            Phase.OPENED: opened,
            Phase.ESCALATED: escalated,
            Phase.ONGOING: ongoing,
            Phase.UNJUDGED: unjudged,
            Phase.RESOLVED: resolved,
            Phase.ADAPTED: adapted,
            Phase.LAPSED: lapsed,
        }
        changes = [
            Change(
                row=int(rows[index]),
                index=index,
                phase=phase,
                since=minute if phase is Phase.OPENED else int(now.since[index]),
                direction=int(now.direction[index]),
                kind=Anomaly.SHIFT if phase is Phase.ADAPTED else Anomaly(int(now.kind[index])),
                severity="critical" if now.grave[index] else "warning",
                confidence=float(verdicts.confidence[index]),
            )
            for phase, these in which.items()
            for index in np.flatnonzero(these).tolist()
        ]
        said = self._said(verdicts, minute, shown, opened | was_open, judged | ~was_open, lapsed, now)
        closed = resolved | adapted | lapsed
        if adapted.any():
            self._detector.accept(rows[adapted], np.nan_to_num(shown - now.anchor)[adapted])
        now.since[:] = np.where(opened, minute, np.where(closed, 0, now.since))
        now.calm[:] = np.where(opened | closed, 0, now.calm)
        now.unjudged[:] = np.where(closed, 0, now.unjudged)
        now.told[:] = np.where(opened | ongoing | escalated | unjudged, minute, now.told)
        now.announced[:] = np.where(opened, 0, now.announced)
        now.ended[:] = np.where(closed, minute, now.ended)
        now.smoothed[:] = np.where(closed, 0, now.smoothed)
        self._state[:, rows] = state
        return said, changes

    def _update(self, rows: Ints, minute: int, values: Floats, disturbed: Bools, now: _State) -> Verdicts:
        """The detector's verdicts; of what is ``disturbed``, and so not shown to it, those that say nothing."""
        if not disturbed.any() or not isinstance(self._detector, Explaining):
            moved = np.zeros(len(rows), np.bool_)
            shown = np.ones(len(rows), np.bool_)
        else:
            moved, shown = now.moved > 0, ~disturbed
            self._detector.pass_over(rows[disturbed], np.full(int(disturbed.sum()), float(minute)))
        moved = (now.moved > 0) & shown & np.isfinite(values)
        if moved.any() and isinstance(self._detector, Explaining):
            self._detector.accept(rows[moved], np.nan_to_num(values - now.expected)[moved])
        now.moved[:] = np.where(moved, 0, now.moved)
        n = len(rows)
        none = np.full(n, np.nan)
        found = Verdicts(
            score=np.zeros(n),
            alarm=np.zeros(n, np.bool_),
            learning=np.zeros(n, np.bool_),
            kind=np.zeros(n, np.int64),
            direction=np.zeros(n, np.int64),
            confidence=np.ones(n),
            expected=none.copy(),
            lower=none.copy(),
            upper=none.copy(),
        )
        if shown.any():
            verdicts = self._detector.update(rows[shown], np.full(int(shown.sum()), float(minute)), values[shown])
            for field in fields(Verdicts):
                getattr(found, field.name)[shown] = getattr(verdicts, field.name)
        now.expected[:] = np.where(np.isfinite(found.expected), found.expected, now.expected)
        return found

    def _opened(self, rows: Ints, minute: int, values: Floats, verdicts: Verdicts, context: Context, now: _State) -> Bools:
        """Which rows an incident begins of; notes the band by which they are judged from now on."""
        quiet = ~context.busy & (minute >= now.ended + 60 * REFRACTORY) & (now.since == 0)
        opened = verdicts.alarm & (verdicts.score >= TELL) & quiet
        for index in np.flatnonzero(opened).tolist():
            row, value = int(rows[index]), float(values[index])
            silent = verdicts.kind[index] == Anomaly.SILENCE and verdicts.direction[index] < 0
            own = (float(verdicts.lower[index]), float(verdicts.upper[index]))
            expected, usual = float(verdicts.expected[index]), context.usual(row)
            begin = None
            if silent:
                anchor = usual if np.isnan(expected) else expected
                begin = _Begin(-1, Statistic.GAP, False, np.nan, anchor, np.nan, np.nan)
            else:
                given = self._detector.grounds(row) if isinstance(self._detector, Explaining) else ()
                reasons = [reason for reason in given if reason.of_value]
                begin = _begin(
                    Kind(int(context.kinds[index])),
                    int(context.sides[index]),
                    value,
                    (expected, usual),
                    reasons or _own(own),
                    functools.partial(_recent_mean, context, row),
                )
            opened[index] = begin is not None
            if begin is not None:
                now.direction[index], now.statistic[index], now.smoothed[index] = (
                    begin.direction,
                    begin.statistic,
                    begin.smoothed,
                )
                now.value[index], now.anchor[index], now.lower[index], now.upper[index] = begin[3:]
                now.kind[index] = Anomaly.SILENCE if silent else _sort(int(verdicts.kind[index]), begin.direction)
        return np.asarray(opened)

    def _said(
        self, verdicts: Verdicts, minute: int, shown: Floats, own: Bools, judged: Bools, lapsed: Bools, now: _State
    ) -> Said:
        """Of what has an incident (``own``), its value and band, or those of its last judgement; else those of the verdict."""
        value = np.where(judged, shown, np.where(lapsed, np.nan, now.value))
        smoothed = own & (now.smoothed > 0)
        came_back = (now.statistic == Statistic.GAP) & np.isfinite(value)
        return Said(
            learning=verdicts.learning,
            judged=judged,
            score=np.where(own, np.clip(now.score, 0.0, 1.0), verdicts.score),
            confidence=verdicts.confidence,
            value=value,
            expected=np.where(own, now.anchor, verdicts.expected),
            lower=np.where(own, np.where(lapsed, np.nan, now.lower), verdicts.lower),
            upper=np.where(own, np.where(lapsed, np.nan, now.upper), verdicts.upper),
            statistic=np.where(own & ~came_back, now.statistic, int(Statistic.MEAN)).astype(np.int64),
            window_s=np.where(smoothed, TEN * MINUTE_S, MINUTE_S),
            judged_at=np.where(judged, float(minute), now.judged_at),
        )

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


class _State(SimpleNamespace):  # its fields are those of NAMES
    """The rows of :data:`NAMES` by name: views, to be written into."""


def _views(state: Floats) -> Any:
    return _State(**dict(zip(NAMES, state, strict=True)))


def _outside(values: Floats, now: _State) -> Bools:
    """Where a value has left the band of its incident, on the side of that."""
    return np.asarray(np.where(now.direction > 0, values > now.upper, values < now.lower))


class _Begin(NamedTuple):
    """How an incident is judged: ``value`` and the band of one ``statistic``."""

    direction: int
    statistic: Statistic
    smoothed: bool
    value: float
    anchor: float
    lower: float
    upper: float


def _own(band: tuple[float, float]) -> list[Ground]:
    """The band of a verdict, where it has one, of a detector that gives no grounds."""
    return [Ground("step", *band)]


def _begin(
    kind: Kind, side: int, value: float, normals: Iterable[float], reasons: Iterable[Ground], mean: Callable[[], float]
) -> _Begin | None:
    """By which of the ``reasons``, and against which of ``normals`` (the expected value, or what is usual of a day), the value
    is out so far that somebody would care, on a side that is bad news; ``None``: by none."""
    known = [normal for normal in normals if _matters(kind, value, normal)]
    for reason, normal in itertools.product(reasons, known):
        factor, difference = LEAST[kind]
        shown = mean() if reason.smoothed else value
        lower, upper = (normal if math.isnan(edge) else edge for edge in (reason.lower, reason.upper))
        least, most = min(normal / factor, normal - difference), max(normal * factor, normal + difference)
        direction = 1 if shown > max(upper, most) else -1 if shown < min(lower, least) else 0
        if direction and side in (0, direction):
            statistic = Statistic.LEVEL if reason.statistic == "level" else Statistic.STEP
            lower, upper = min(lower, normal - STAYS * (normal - least)), max(upper, normal + STAYS * (most - normal))
            return _Begin(direction, statistic, reason.smoothed, shown, normal, lower, upper)
    return None


def _sort(kind: int, direction: int) -> int:
    """What the detector calls it; a spike or a drop by the side on which the value is out."""
    if kind in (Anomaly.SPIKE, Anomaly.DROP, Anomaly.NONE, Anomaly.SILENCE):
        return int(Anomaly.SPIKE if direction > 0 else Anomaly.DROP)
    return kind


def _recent_mean(context: Context, row: int) -> float:
    return _mean(context.recent(row))


def _mean(values: Floats) -> float:
    """Of the last :data:`TEN` minutes, where at least half of them had a value; else NaN."""
    known = values[-TEN:]
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) >= TEN // 2 else np.nan


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
