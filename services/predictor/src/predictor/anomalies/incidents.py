"""From verdicts to incidents: one alarm each, however long it lasts. Pure; all series together.

A series opens an incident when its windows were unusual in one direction for :data:`OPEN_AFTER` seconds in a row, and
resolves it when they were calm for :data:`RESOLVE_AFTER`. While it is open, it is told again every :data:`ONGOING_S`, as long
as the value lies outside of its band. For :data:`REFRACTORY_S` after the end the same series opens no other. What was outside
for most of :data:`ADAPT_S`, and still is, is the new normal: the incident ends as ``adapted``, though nothing recovered, and
the seconds since its begin count as history like all others. When the value comes back to where it was before and stays there
for :data:`IMPROVED_S`, that is a recovery after all (``RECOVERED``), and normal is what it was.

Only judged seconds open, resolve or adapt anything. An incident whose series is not judged any more (nobody calls the service,
say) is neither good nor bad: after :data:`UNJUDGED_S` it is told as such, with what it was judged by last and critical no
longer, and after :data:`LAPSE_S` it is closed as ``LAPSED``, without a word on how it ended.

An incident is as severe as the worst that was seen of it: it opens as a warning or as critical, and a warning whose change
becomes critical is told once more, as ``escalated``.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from predictor.detectors.interface import Anomaly
from predictor.seconds.detector import Statistic, Verdicts
from predictor.series.ring import Bools, Floats, Ints, grown

OPEN_AFTER = 2
RESOLVE_AFTER = 10
ONGOING_S = 30
REFRACTORY_S = 60
ADAPT_S = 300

HELD = 0.5
"""Share of :data:`ADAPT_S` in which a level must have been judged, and outside, to have lasted."""

UNJUDGED_S = 20
LAPSE_S = 300

IMPROVED_S = 120
"""A level that is so long better than all that was normal is the normal one: held against both, nothing would be unusual."""

NAMES = (
    "since",
    "direction",
    "hot",
    "hot_direction",
    "calm",
    "told",
    "ended",
    "announced",
    "kind",
    "grave",
    "away",
    "held",
    "unjudged",
    "improved",
    "home",
    "adapted_since",
)
ANNOUNCED = NAMES.index("announced")

JUDGED_BY = ("value", "expected", "lower", "upper", "observed", "usual", "statistic", "window_s", "weight", "score")
"""What is remembered of the last verdict that was outside: of these names in :class:`~predictor.seconds.detector.Verdicts`, and
then the second in which it was given."""


class Phase(enum.StrEnum):
    OPENED = "opened"
    ONGOING = "ongoing"
    RESOLVED = "resolved"
    ADAPTED = "adapted"
    ESCALATED = "escalated"
    UNJUDGED = "unjudged"
    LAPSED = "lapsed"
    RECOVERED = "recovered"


ENDS = frozenset({Phase.RESOLVED, Phase.ADAPTED, Phase.LAPSED, Phase.RECOVERED})
ALARMS = frozenset({Phase.OPENED, Phase.ONGOING, Phase.ESCALATED})
"""The phases that say that something is wrong now: their value is outside of its band."""


@dataclass(frozen=True)
class Change:
    """``row`` is the series, ``index`` its place in the verdicts; the incident began to be told at ``since`` (a second).

    ``kind`` is what sort of thing it is by now, a ``SHIFT`` when it is adapted to; ``severity`` the worst so far,
    ``confidence`` in [0, 1] the share of the wanted baseline that was seen. ``away_s``: how many seconds in a row the value had
    been outside when the incident opened, or better than normal when it recovered.
    """

    row: int
    index: int
    phase: Phase
    since: int
    direction: int
    kind: Anomaly = Anomaly.NONE
    severity: Literal["warning", "critical"] = "warning"
    confidence: float = 1.0
    away_s: int = 0


class Incidents:
    """The state of every row: ``since`` (0 where none is open), its direction, and the runs that open and close one."""

    def __init__(self) -> None:
        self._state: NDArray[np.int64] = np.zeros((len(NAMES), 0), np.int64)
        self._judged: Floats = np.zeros((len(JUDGED_BY) + 1, 0))
        self._before: Floats = np.zeros((2, 0))
        """The band, in the metric's unit, that held before the last incident that was adapted to; NaN where it had none."""

    def reset(self, row: int) -> None:
        """Makes ``row`` a series without a past."""
        self._state = grown(self._state, row + 1, axis=1)
        self._judged = grown(self._judged, row + 1, axis=1)
        self._state[:, row] = 0
        self._judged[:, row] = 0.0
        self._before = grown(self._before, row + 1, axis=1)
        self._before[:, row] = np.nan

    def open(self, rows: Ints) -> Bools:
        is_open: Bools = self._state[0, rows] > 0
        return is_open

    def disturbed(self, rows: Ints) -> Bools:
        """Where the newest second is no part of what is normal: an incident is open or would be, but that one just ended; or
        the level is better than normal, and may not last."""
        state = dict(zip(NAMES, self._state[:, rows], strict=True))
        found: Bools = (state["since"] > 0) | (state["hot"] >= OPEN_AFTER) | (state["improved"] > 0)
        return found

    def judged_by(self, row: int) -> tuple[dict[str, float], int]:
        """The last verdict on ``row`` that was outside while its incident was open (:data:`JUDGED_BY`), and of which second."""
        *values, at = self._judged[:, row].tolist()
        return dict(zip(JUDGED_BY, values, strict=True)), int(at)

    def announce(self, row: int) -> None:
        """Notes that somebody was told of the incident that is open, or of the one that just ended, at ``row``."""
        self._state[ANNOUNCED, row] = 1

    def announced(self, row: int) -> bool:
        return bool(self._state[ANNOUNCED, row])

    def step(self, rows: Ints, verdicts: Verdicts, at: int) -> list[Change]:
        """Takes the verdicts of second ``at``, which must be later than the last, and says what changed."""
        (
            since,
            direction,
            hot,
            hot_direction,
            calm,
            told,
            ended,
            announced,
            kind,
            grave,
            away,
            held,
            unjudged,
            improved,
            home,
            adapted_since,
        ) = self._state[:, rows]
        judged, was_open = verdicts.judged, since > 0
        same = verdicts.unusual & (hot_direction == verdicts.direction)
        hot = np.where(verdicts.unusual, np.where(same, hot + 1, 1), 0)
        hot_direction = np.where(verdicts.unusual, verdicts.direction, hot_direction)
        still = was_open & verdicts.outside & (verdicts.direction == direction)
        calm = np.where(was_open & judged & ~still, calm + 1, np.where(judged, 0, calm))
        away = np.where(verdicts.outside, away + 1, np.where(judged, 0, away))
        held += still
        back = was_open & judged & (unjudged >= UNJUDGED_S)
        unjudged = np.where(was_open & ~judged, unjudged + 1, 0)
        improved = np.where(verdicts.improved, improved + 1, np.where(judged, 0, improved))
        as_before = (adapted_since > 0) & ~was_open & self._as_before(rows, verdicts)
        home = np.where(as_before, home + 1, np.where(judged, 0, home))

        opened = ~was_open & (hot >= OPEN_AFTER) & (at >= ended + REFRACTORY_S)
        resolved = was_open & (calm >= RESOLVE_AFTER)
        adapted = still & ~resolved & (at >= since + ADAPT_S) & (held >= HELD * ADAPT_S)
        lapsed = was_open & (unjudged >= LAPSE_S)
        going = was_open & ~resolved & ~adapted & ~lapsed
        worse = still & verdicts.unusual & verdicts.grave
        escalated = going & worse & (grave == 0)
        ongoing = going & still & ~escalated & (back | (at >= told + ONGOING_S))
        silent = going & (unjudged >= UNJUDGED_S) & ((unjudged == UNJUDGED_S) | (at >= told + ONGOING_S))
        better = ~was_open & ((improved >= IMPROVED_S) | (home >= IMPROVED_S))

        direction = np.where(opened, hot_direction, direction)
        clearer = going & still & verdicts.unusual & (kind != Anomaly.DRIFT)  # once it has arrived, a drift looks like a level
        kind = np.where(opened | clearer, verdicts.kind, np.where(adapted, Anomaly.SHIFT, kind))
        kind = np.where((kind == Anomaly.SILENCE) & judged & (verdicts.observed > 0), Anomaly.DROP, kind)
        grave = np.where(opened, verdicts.grave, np.where(escalated, 1, grave))
        which = {
            Phase.OPENED: opened,
            Phase.ONGOING: ongoing,
            Phase.RESOLVED: resolved,
            Phase.ADAPTED: adapted,
            Phase.ESCALATED: escalated,
            Phase.UNJUDGED: silent,
            Phase.LAPSED: lapsed,
            Phase.RECOVERED: better,
        }
        changes = []
        for phase, these in which.items():
            for index in np.flatnonzero(these).tolist():
                begin = at if opened[index] else int(adapted_since[index] if better[index] else since[index])
                change = Change(
                    row=int(rows[index]),
                    index=index,
                    phase=phase,
                    since=begin,
                    direction=int(direction[index]),
                    kind=Anomaly(kind[index]),
                    severity="critical" if grave[index] else "warning",
                    confidence=float(verdicts.confidence[index]),
                    away_s=int(max(improved[index], home[index]) if better[index] else away[index]),
                )
                changes.append(change)

        closed = resolved | adapted | lapsed
        adapted_since = np.where(adapted, since, np.where(better, 0, adapted_since))
        if adapted.any():
            in_unit = verdicts.statistic[adapted] != Statistic.LIKELIHOOD
            band = np.array([verdicts.lower[adapted], verdicts.upper[adapted]])
            self._before[:, rows[adapted]] = np.where(in_unit, band, np.nan)
        since = np.where(opened, at, np.where(closed, 0, since))
        told = np.where(opened | ongoing | escalated | silent, at, told)
        ended = np.where(closed, at, ended)
        calm = np.where(opened | closed, 0, calm)
        hot = np.where(opened | closed, 0, hot)
        held = np.where(opened, 1, held)
        unjudged = np.where(closed, 0, unjudged)
        improved, home = (np.where(opened | better, 0, run) for run in (improved, home))
        announced = np.where(opened, 0, announced)
        self._state[:, rows] = (
            since,
            direction,
            hot,
            hot_direction,
            calm,
            told,
            ended,
            announced,
            kind,
            grave,
            away,
            held,
            unjudged,
            improved,
            home,
            adapted_since,
        )
        self._keep(rows, verdicts, still | opened, at)
        return changes

    def _as_before(self, rows: Ints, verdicts: Verdicts) -> Bools:
        """Where the value lies in the band that held before the incident that was adapted to."""
        lower, upper = self._before[:, rows]
        return np.asarray(verdicts.judged & (verdicts.observed >= lower) & (verdicts.observed <= upper))

    def _keep(self, rows: Ints, verdicts: Verdicts, outside: Bools, at: int) -> None:
        if outside.any():
            values = np.array([getattr(verdicts, name)[outside] for name in JUDGED_BY], np.float64)
            self._judged[:, rows[outside]] = np.vstack([values, np.full((1, values.shape[1]), float(at))])

    def state(self, n: int) -> dict[str, NDArray[Any]]:
        return {
            "incidents": self._state[:, :n],
            "incidents.judged": self._judged[:, :n],
            "incidents.before": self._before[:, :n],
        }

    def restore(self, n: int, state: dict[str, NDArray[Any]]) -> None:
        """The inverse of :meth:`state`; raises ``KeyError`` or ``ValueError`` where it does not fit."""
        parts = {"incidents": self._state, "incidents.judged": self._judged, "incidents.before": self._before}
        for name, target in parts.items():
            if state[name].shape != (target.shape[0], n):
                raise ValueError(f"{name} have shape {state[name].shape}")
        self._state = state["incidents"].astype(np.int64)
        self._judged = state["incidents.judged"].astype(np.float64)
        self._before = state["incidents.before"].astype(np.float64)
