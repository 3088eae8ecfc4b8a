"""Incidents by the second: from verdicts to one alarm each. Pure; all series together.

A series opens an incident when its windows were unusual in one direction for :data:`OPEN_AFTER` seconds in a row, and
resolves it when they were calm for :data:`RESOLVE_AFTER`. While it is open, it is reported again every :data:`ONGOING_S`, as
long as the value lies outside of its band. What was outside for most of :data:`ADAPT_S`, and still is, is the new normal: the
incident ends as ``adapted``, though nothing recovered, and the seconds since its begin count as history like all others. When
the value comes back to where it was before and stays there for :data:`IMPROVED_S`, that is a recovery after all
(``RECOVERED``), and normal is what it was.

Only judged seconds open, resolve or adapt anything; what becomes of an incident that is not judged, :mod:`.lifecycle` says.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.anomalies.lifecycle import Change, Cycle, Evidence, Limits, Phase, Records, changes, restored, settle
from predictor.detectors.interface import Anomaly
from predictor.seconds.verdicts import Statistic, Verdicts
from predictor.series.ring import Bools, Ints, grown

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

LIMITS = Limits(
    resolve_after=RESOLVE_AFTER,
    unjudged_after=UNJUDGED_S,
    lapse_after=LAPSE_S,
    report_s=ONGOING_S,
    refractory_s=REFRACTORY_S,
)

RUNS = np.dtype(
    [
        ("unusual", np.int64),  # seconds in a row in which a window was unusual, and in which direction
        ("direction", np.int64),
        ("outside", np.int64),  # judged seconds in a row in which the value was outside, in any direction
        ("held", np.int64),  # seconds of the open incident in which it was
        ("improved", np.int64),  # judged seconds in a row that were better than what is normal
        ("as_before", np.int64),  # or as normal was before the incident that was adapted to
        ("adapted_since", np.int64),  # when that incident began; 0: there is none
        ("before_lower", np.float64),  # the band, in the metric's unit, that held before it; NaN where it had none
        ("before_upper", np.float64),
    ]
)

JUDGED_BY = ("value", "expected", "lower", "upper", "observed", "usual", "statistic", "window_s", "weight", "score")
"""What is remembered of a verdict, of these names in :class:`~predictor.seconds.verdicts.Verdicts`."""

JUDGED = np.dtype([*((name, np.float64) for name in JUDGED_BY), ("at", np.int64)])
"""The last verdict that was outside while the incident was open, and of which second."""


class Incidents:
    """The incidents of every row, and the runs that open one, adapt to it, or show that it recovered after all."""

    def __init__(self) -> None:
        self.cycle = Cycle(LIMITS)
        self._runs: Records = np.zeros(0, RUNS)
        self._judged: Records = np.zeros(0, JUDGED)

    def reset(self, row: int) -> None:
        """Makes ``row`` a series without a past."""
        self.cycle.reset(row)
        self._runs = grown(self._runs, row + 1)
        self._runs[row] = np.zeros((), RUNS)
        self._judged = grown(self._judged, row + 1)
        self._judged[row] = np.zeros((), JUDGED)

    def lapse(self, row: int) -> Change | None:
        """Makes ``row`` a series without a past; see :meth:`Cycle.lapse` for what comes back."""
        change = self.cycle.lapse(row)
        self.reset(row)
        return change

    def disturbed(self, rows: Ints) -> Bools:
        """Where the newest second is no part of what is normal: an incident is open or would be, but that one just ended; or
        the level is better than normal, and may not last."""
        runs = self._runs[rows]
        return np.asarray(self.cycle.open(rows) | (runs["unusual"] >= OPEN_AFTER) | (runs["improved"] > 0))

    def judged_by(self, row: int) -> tuple[dict[str, float], int]:
        """The last verdict on ``row`` that was outside while its incident was open (:data:`JUDGED_BY`), and of which second."""
        *values, at = self._judged[row].item()
        return dict(zip(JUDGED_BY, values, strict=True)), at

    def step(self, rows: Ints, verdicts: Verdicts, at: int) -> list[Change]:
        """Takes the verdicts of second ``at``, which must be later than the last, and says what changed."""
        now, runs = self.cycle.read(rows), self._runs[rows]
        judged, was_open = verdicts.judged, now["since"] > 0
        outside = was_open & verdicts.outside & (verdicts.direction == now["direction"])
        self._count(runs, verdicts, was_open, outside)
        step = self.cycle.step(
            now,
            Evidence(
                judged=judged,
                outside=outside,
                opened=(runs["unusual"] >= OPEN_AFTER) & self.cycle.may_open(now, at),
                adapted=outside & (at >= now["since"] + ADAPT_S) & (runs["held"] >= HELD * ADAPT_S),
                critical=verdicts.unusual & verdicts.grave,
            ),
            at,
        )
        better = ~was_open & ((runs["improved"] >= IMPROVED_S) | (runs["as_before"] >= IMPROVED_S))
        now["direction"] = np.where(step.opened, runs["direction"], now["direction"])
        # once it has arrived, a drift looks like a level
        clearer = step.going & outside & verdicts.unusual & (now["kind"] != Anomaly.DRIFT)
        now["kind"] = np.where(step.opened | clearer, verdicts.kind, now["kind"])
        came = (now["kind"] == Anomaly.SILENCE) & judged & (verdicts.observed > 0)
        now["kind"] = np.where(came, Anomaly.DROP, now["kind"])
        changed = changes(
            rows,
            now,
            {**step.phases(), Phase.RECOVERED: better},
            since=np.where(step.opened, at, np.where(better, runs["adapted_since"], now["since"])),
            confidence=verdicts.confidence,
            away_s=np.where(better, np.maximum(runs["improved"], runs["as_before"]), runs["outside"]),
        )
        self._adapt(now, runs, verdicts, step.adapted, better)
        runs["unusual"] = np.where(step.opened | step.closed, 0, runs["unusual"])
        runs["held"] = np.where(step.opened, 1, runs["held"])
        for run in ("improved", "as_before"):
            runs[run] = np.where(step.opened | better, 0, runs[run])
        settle(now, step)
        self.cycle.write(rows, now)
        self._runs[rows] = runs
        self._remember(rows, verdicts, outside | step.opened, at)
        return changed

    def _count(self, runs: Records, verdicts: Verdicts, was_open: Bools, outside: Bools) -> None:
        """One second more in each run, or its end; what is not judged neither ends one nor goes on with it."""
        judged, unusual = verdicts.judged, verdicts.unusual
        same = unusual & (runs["direction"] == verdicts.direction)
        runs["unusual"] = np.where(unusual, np.where(same, runs["unusual"] + 1, 1), 0)
        runs["direction"] = np.where(unusual, verdicts.direction, runs["direction"])
        runs["held"] += outside
        inside = (verdicts.observed >= runs["before_lower"]) & (verdicts.observed <= runs["before_upper"])
        as_before = (runs["adapted_since"] > 0) & ~was_open & judged & inside
        for run, goes_on in (("outside", verdicts.outside), ("improved", verdicts.improved), ("as_before", as_before)):
            runs[run] = np.where(goes_on, runs[run] + 1, np.where(judged, 0, runs[run]))

    def _adapt(self, now: Records, runs: Records, verdicts: Verdicts, adapted: Bools, better: Bools) -> None:
        """Notes what was normal before an incident that is adapted to, or that it is again."""
        runs["adapted_since"] = np.where(adapted, now["since"], np.where(better, 0, runs["adapted_since"]))
        in_unit = verdicts.statistic != Statistic.LIKELIHOOD
        for name, edge in (("before_lower", verdicts.lower), ("before_upper", verdicts.upper)):
            runs[name] = np.where(adapted, np.where(in_unit, edge, np.nan), runs[name])

    def _remember(self, rows: Ints, verdicts: Verdicts, outside: Bools, at: int) -> None:
        if outside.any():
            kept = np.zeros(int(outside.sum()), JUDGED)
            for name in JUDGED_BY:
                kept[name] = getattr(verdicts, name)[outside]
            kept["at"] = at
            self._judged[rows[outside]] = kept

    def state(self, n: int) -> dict[str, NDArray[Any]]:
        return {
            "incidents": self.cycle.state(n),
            "incidents.runs": self._runs[:n],
            "incidents.judged": self._judged[:n],
        }

    def restore(self, n: int, state: dict[str, NDArray[Any]]) -> None:
        """The inverse of :meth:`state`; raises ``KeyError`` or ``ValueError`` where it does not fit."""
        self.cycle.restore(n, state["incidents"])
        self._runs = restored("runs", state["incidents.runs"], RUNS, n)
        self._judged = restored("judgements", state["incidents.judged"], JUDGED, n)
