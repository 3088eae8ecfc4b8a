"""What seconds do not show: by the minute, against days and weeks. Pure.

The detector of seconds knows ten minutes, and after five of them whatever lasts is normal. So a leak of hours, a night that is
busy as a day, scatter that grew are not seen there. Here the stream detector (:mod:`predictor.detectors.stream`) judges each
minute, with its memory of a week of hours, and far more sternly than on the command line: a day has 1,440 minutes, and somebody
is woken.

It may be another detector, one that is installed as a plug-in: then its score, a tail probability too, must reach as far.

An incident opens where the detector alarms, the change is bad news (:class:`~predictor.series.watch.Side`) and large enough to
matter, against what was expected now or against the day, while none of the series by the second is open. It keeps the band by
which it was judged then (that of the statistic that alarmed, or half as wide as a change does not matter): its value is outside
of that, or else it is calm. It is over after :data:`CALM` calm minutes, or is the new normal when it has not grown for
:data:`ADAPT` minutes. A minute without a value judges nothing, unless it is a reported silence. As by the second, what is
not judged any more is reported as such after :data:`UNJUDGED` minutes, and closed after :data:`LAPSE`.

While an incident is open, here or by the second, the detector is shown nothing: it would learn that incidents are normal. What
becomes the new normal moves all that it knows of the level.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from predictor import plugins
from predictor.anomalies.lifecycle import Change, Cycle, Evidence, Limits, Records, changes, restored, settle
from predictor.anomalies.opening import Opening, kind_of, of_verdict, opening, silence
from predictor.detectors.alarms import Rule
from predictor.detectors.interface import Anomaly, Detector, Explaining, Verdicts
from predictor.detectors.stream import StreamDetector
from predictor.seconds.effects import grave as grave_change
from predictor.seconds.verdicts import Statistic
from predictor.series.ring import Bools, Floats, Ints, grown
from predictor.series.watch import Kind, Watch

ALARM = 0.998
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

TEN = 10
"""Values of which a smoothed band is the mean's."""

MINUTE_S = 60.0

LIMITS = Limits(
    resolve_after=CALM,
    unjudged_after=UNJUDGED,
    lapse_after=LAPSE,
    report_s=60 * ONGOING,
    refractory_s=60 * REFRACTORY,
)

BAND = np.dtype(
    [
        ("anchor", np.float64),  # what was expected when the incident opened, or usual of a day
        ("lower", np.float64),
        ("upper", np.float64),
        ("statistic", np.int64),
        ("smoothed", np.bool_),  # the band is that of the mean of the last minutes
        (
            "steady",
            np.int64,
        ),  # since when (seconds since 1970) the value has not grown, and how far it was from the anchor then
        ("reach", np.float64),
        ("value", np.float64),  # by what it was judged to be outside last, and in which minute
        ("score", np.float64),
        ("judged_at", np.int64),
        ("expected", np.float64),  # what the detector expected last
        ("moved", np.bool_),  # its level moved since, while it was shown nothing
    ]
)
"""How the open incident of a series is judged."""


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
    """What else is known of the rows of one minute: their ``kinds``, and the ``watch`` of each row; which
    are ``busy``: in an incident by the second; the middle of a row's last day (``usual``), and its last values (``recent``)."""

    kinds: Ints
    busy: Bools
    watch: Callable[[int], Watch]
    usual: Callable[[int], float]
    recent: Callable[[int], Floats]


class Minutes:
    """The incidents that minutes show; rows are those of the series table."""

    def __init__(self, detector: Detector | None = None) -> None:
        self._detector = detector or StreamDetector(Rule(ALARM, holds=False))
        self.cycle = Cycle(LIMITS)
        self._bands: Records = np.zeros(0, BAND)

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
        self.cycle.reset(row)
        self._bands = grown(self._bands, row + 1)
        self._bands[row] = np.zeros((), BAND)

    def lapse(self, row: int) -> Change | None:
        """Ends what is open of ``row``; see :meth:`Cycle.lapse` for what comes back."""
        self._bands[row] = np.zeros((), BAND)
        return self.cycle.lapse(row)

    def moved(self, row: int) -> None:
        """Notes that the level of ``row`` became another for good, by the second."""
        self._bands["moved"][row] = True

    def take(self, rows: Ints, minute: int, values: Floats, context: Context) -> tuple[Said, list[Change]]:
        """Judges the minute that began at second ``minute``, and says what changed."""
        now, band = self.cycle.read(rows), self._bands[rows]
        was_open = now["since"] > 0
        verdicts = self._update(rows, minute, values, was_open | context.busy, band)
        shown = values
        if band["smoothed"].any():
            shown = np.where(band["smoothed"], [_mean(context.recent(int(row))) for row in rows], values)
        silent = was_open & (now["kind"] == Anomaly.SILENCE)
        outside = was_open & np.where(silent, np.isnan(values), _outside(shown, now, band))
        judged = silent | np.isfinite(shown)
        opened = self._opened(rows, values, verdicts, context, self.cycle.may_open(now, minute), now, band)
        shown = np.where(opened, band["value"], shown)
        evidence = Evidence(
            judged=judged,
            outside=outside,
            opened=opened,
            adapted=_steady(band, minute, np.nan_to_num(np.abs(shown - band["anchor"])), opened, outside),
            critical=(now["kind"] == Anomaly.SILENCE) | _grave(context.kinds, shown, band["anchor"]),
        )
        step = self.cycle.step(now, evidence, minute)
        for name, part in (("value", shown), ("judged_at", minute), ("score", verdicts.score)):
            band[name] = np.where(opened | outside, part, band[name])
        since = np.where(opened, minute, now["since"])
        changed = changes(rows, now, step.phases(), since=since, confidence=verdicts.confidence)
        said = self._said(verdicts, minute, shown, opened | was_open, judged | ~was_open, step.lapsed, band)
        if step.adapted.any():
            self._detector.accept(rows[step.adapted], np.nan_to_num(shown - band["anchor"])[step.adapted])
        band["smoothed"] &= ~step.closed
        settle(now, step)
        self.cycle.write(rows, now)
        self._bands[rows] = band
        return said, changed

    def _update(self, rows: Ints, minute: int, values: Floats, disturbed: Bools, band: Records) -> Verdicts:
        """The detector's verdicts; of what is ``disturbed``, and so not shown to it, those that say nothing."""
        if not disturbed.any() or not isinstance(self._detector, Explaining):
            shown = np.ones(len(rows), np.bool_)
        else:
            shown = ~disturbed
            self._detector.pass_over(rows[disturbed], np.full(int(disturbed.sum()), float(minute)))
        moved = band["moved"] & shown & np.isfinite(values)
        if moved.any() and isinstance(self._detector, Explaining):
            self._detector.accept(rows[moved], np.nan_to_num(values - band["expected"])[moved])
        band["moved"] &= ~moved
        n = len(rows)
        none = np.full(n, np.nan)
        result = Verdicts(
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
                getattr(result, field.name)[shown] = getattr(verdicts, field.name)
        band["expected"] = np.where(np.isfinite(result.expected), result.expected, band["expected"])
        return result

    def _opened(
        self, rows: Ints, values: Floats, verdicts: Verdicts, context: Context, may: Bools, now: Records, band: Records
    ) -> Bools:
        """Which rows an incident begins of; notes the band by which they are judged from now on."""
        opened: Bools = verdicts.alarm & (verdicts.score >= ALARM) & ~context.busy & may
        for index in np.flatnonzero(opened).tolist():
            row, expected, usual = int(rows[index]), float(verdicts.expected[index]), context.usual(int(rows[index]))
            begin: Opening | None
            silent = verdicts.kind[index] == Anomaly.SILENCE and verdicts.direction[index] < 0
            if silent:
                begin = silence(expected, usual)
            else:
                given = self._detector.grounds(row) if isinstance(self._detector, Explaining) else ()
                grounds = [ground for ground in given if ground.of_value]
                begin = opening(
                    context.watch(row),
                    float(values[index]),
                    (expected, usual),
                    grounds or of_verdict((float(verdicts.lower[index]), float(verdicts.upper[index]))),
                    functools.partial(_recent_mean, context, row),
                )
            opened[index] = begin is not None
            if begin is not None:
                now["direction"][index] = begin.direction
                now["kind"][index] = Anomaly.SILENCE if silent else kind_of(int(verdicts.kind[index]), begin.direction)
                for name in ("statistic", "smoothed", "value", "anchor", "lower", "upper"):
                    band[name][index] = getattr(begin, name)
        return opened

    def _said(
        self, verdicts: Verdicts, minute: int, shown: Floats, own: Bools, judged: Bools, lapsed: Bools, band: Records
    ) -> Said:
        """Of what has an incident (``own``), its value and band, or those of its last judgement; else those of the verdict."""
        value = np.where(judged, shown, np.where(lapsed, np.nan, band["value"]))
        smoothed = own & band["smoothed"]
        came_back = (band["statistic"] == Statistic.GAP) & np.isfinite(value)
        return Said(
            learning=verdicts.learning,
            judged=judged,
            score=np.where(own, np.clip(band["score"], 0.0, 1.0), verdicts.score),
            confidence=verdicts.confidence,
            value=value,
            expected=np.where(own, band["anchor"], verdicts.expected),
            lower=np.where(own, np.where(lapsed, np.nan, band["lower"]), verdicts.lower),
            upper=np.where(own, np.where(lapsed, np.nan, band["upper"]), verdicts.upper),
            statistic=np.where(own & ~came_back, band["statistic"], int(Statistic.MEAN)).astype(np.int64),
            window_s=np.where(smoothed, TEN * MINUTE_S, MINUTE_S),
            judged_at=np.where(judged, float(minute), band["judged_at"]),
        )

    def state(self, rows: int) -> dict[str, NDArray[Any]]:
        """Everything of rows ``0 .. rows - 1`` as arrays."""
        detector = {f"detector.{name}": array for name, array in self._detector.state(rows).items()}
        return {"minutes": self.cycle.state(rows), "minutes.bands": self._bands[:rows], **detector}

    def restore(self, rows: int, state: Mapping[str, NDArray[Any]]) -> None:
        """The inverse of :meth:`state`. Raises ``KeyError`` or ``ValueError`` where it does not fit."""
        self.cycle.restore(rows, state["minutes"])
        self._bands = restored("bands", state["minutes.bands"], BAND, rows)
        prefix = "detector."
        self._detector.restore(rows, {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})


def _outside(values: Floats, now: Records, band: Records) -> Bools:
    """Where a value has left the band of its incident, on the side of that."""
    return np.asarray(np.where(now["direction"] > 0, values > band["upper"], values < band["lower"]))


def _steady(band: Records, minute: int, apart: Floats, opened: Bools, outside: Bools) -> Bools:
    """Where the value, ``apart`` from the anchor, has not grown for :data:`ADAPT` minutes; notes since when it has not."""
    due = outside & (minute >= band["steady"] + 60 * ADAPT)
    adapted = due & (apart <= GROWN * band["reach"])
    band["steady"] = np.where(opened | due, minute, band["steady"])
    band["reach"] = np.where(opened | due, apart, band["reach"])
    return np.asarray(adapted)


def _recent_mean(context: Context, row: int) -> float:
    return _mean(context.recent(row))


def _mean(values: Floats) -> float:
    """Of the last :data:`TEN` minutes, where at least half of them had a value; else NaN."""
    known = values[-TEN:]
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) >= TEN // 2 else np.nan


def _grave(kinds: Ints, values: Floats, normal: Floats) -> Bools:
    critical = np.zeros(len(values), np.bool_)
    for kind in Kind:
        chosen = kinds == kind
        if chosen.any():
            critical[chosen] = grave_change(kind, values[chosen], normal[chosen])
    return critical
