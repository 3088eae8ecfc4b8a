"""The pure middle of the service: aggregates in, facts about series out. No clock, no bus.

One :class:`Engine` holds the history of all series, the detector and the incidents. A window is judged once, in order of time;
a late revision of a judged window corrects the history and raises nothing. Windows that never came are judged by
nobody: when the aggregates stop, so do the verdicts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drishti.events import RESOLUTION_MS, Aggregate, AggregateSeries
from predictor.anomalies.evaluation import Evaluation
from predictor.anomalies.incidents import JUDGED_BY, Incidents
from predictor.anomalies.lifecycle import Change, Cycle, Phase
from predictor.anomalies.minutes import Context, Minutes, Said
from predictor.seconds.detector import MODEL, evidence_s, judge
from predictor.seconds.verdicts import Statistic, Verdicts
from predictor.series.history import GIVEN, STEPS_S, History
from predictor.series.ring import Floats, Ints
from predictor.series.table import LENGTH, SeriesTable
from predictor.series.watch import WATCHES, Kind, SeriesKey, Watch, observe

DAY = 86_400 // STEPS_S["5m"]

AWAY_S = 60
"""At most so much before an incident opened is taken for its beginning, and no part of what is normal."""

BY_COLUMN = ("detector.numbers",)
"""Of the state: arrays whose last axis is the series; of the others it is the first."""


@dataclass(frozen=True)
class Lack:
    """Why a series is not judged: its window of ``window_s`` seconds held ``held`` of ``needed`` observations (of a rate:
    expected events); or too little of its past is known, where it is not ``ready``."""

    held: float
    needed: float
    window_s: float
    ready: bool = True


@dataclass(frozen=True)
class Finding:
    """One thing to tell about a series: a change of an incident, or of what is known (``learning``, ``ready``, not judged).

    ``value``, ``expected``, ``lower`` and ``upper`` are of one ``statistic`` of ``window_s`` seconds, which ended with second
    ``judged_at`` (``None``: with ``at``) and held ``weight`` observations; NaN where there is none. ``observed`` and ``usual``
    are in the metric's unit. ``lack`` is there where the series is not judged now.
    """

    key: SeriesKey
    watch: Watch
    at: int
    change: Change | None
    ready: bool
    score: float
    value: float
    expected: float
    lower: float
    upper: float
    confidence: float = 1.0
    model: str = MODEL
    """Which detector says so: that of seconds, or that of minutes."""
    statistic: Statistic = Statistic.MEAN
    window_s: float = 0.0
    weight: float = 0.0
    observed: float = math.nan
    usual: float = math.nan
    judged_at: int | None = None
    lack: Lack | None = None
    judgement: bool | None = None
    """Of a series without a ``change``: that it is judged again, or is not judged now."""


@dataclass
class _Group:
    """The series that come in the same messages: those of one metric of one tenant."""

    rows: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    judged: int = 0
    minute: int = 0


class Engine:
    """``take`` every final one-second aggregate; what is worth telling comes back."""

    def __init__(
        self,
        watches: Iterable[Watch] = WATCHES,
        *,
        capacity: int = 512,
        minutes: Minutes | None = None,
    ) -> None:
        self.table = SeriesTable(capacity)
        self.history = History()
        self.incidents = Incidents()
        self._evaluation = Evaluation()
        self.minutes = minutes or Minutes()
        self._watches: dict[str, list[Watch]] = {}
        for watch in watches:
            self._watches.setdefault(watch.metric, []).append(watch)
        self._groups: dict[tuple[str, str], _Group] = {}
        self._reported_ready: dict[int, bool] = {}

    def take(self, aggregate: Aggregate) -> list[Finding]:
        """Learns one window of one metric; judges it if it is a second or a minute, later than all of that metric before."""
        if not aggregate.final or aggregate.metric not in self._watches:
            return []
        if aggregate.resolution in GIVEN:
            return self._remember(aggregate)
        at = aggregate.window_start // RESOLUTION_MS["1s"]
        group = self._groups.setdefault((aggregate.tenant, aggregate.metric), _Group())
        if group.judged and at <= group.judged - LENGTH:
            return []
        self._write(group, aggregate, at)
        if at <= group.judged or not len(group.rows):
            return []
        group.judged = at
        return self._judge(group, at)

    def cycle_of(self, finding: Finding) -> Cycle:
        """The incidents to which that of ``finding`` belongs, which know whether it was announced."""
        return (self.minutes if finding.model == self.minutes.model else self.incidents).cycle

    def judged_until(self) -> int:
        """The latest second that was judged of any metric; 0 before the first."""
        return max((group.judged for group in self._groups.values()), default=0)

    def state(self) -> tuple[list[SeriesKey], dict[str, NDArray[Any]]]:
        """The series and everything known of them, as arrays (views: copy or encode them before the next ``take``)."""
        n = len(self.table)
        reported = np.array([{None: 0, False: 1, True: 2}[self._reported_ready.get(row)] for row in range(n)], np.int64)
        judged = np.array([self._groups[key.tenant, key.metric].judged for key in self.table.keys], np.int64)
        minute = np.array([self._groups[key.tenant, key.metric].minute for key in self.table.keys], np.int64)
        own = {"reported_ready": reported, "judged": judged, "minute": minute}
        kept = (self.history, self.incidents, self._evaluation, self.minutes)
        parts = (self.table.state(), *(part.state(n) for part in kept), own)
        return list(self.table.keys), {name: array for part in parts for name, array in part.items()}

    def restore(self, keys: list[SeriesKey], state: dict[str, NDArray[Any]]) -> None:
        """The inverse of :meth:`state` for a new engine. Raises ``KeyError`` or ``ValueError`` where the state does not fit."""
        known = {(w.metric, w.field): w for group in self._watches.values() for w in group}
        kept = [row for row, key in enumerate(keys) if (key.metric, key.field) in known]
        keys = [keys[row] for row in kept]
        n = len(keys)
        state = {name: array[..., kept] if name in BY_COLUMN else array[kept] for name, array in state.items()}
        self.table.restore(keys, [known[key.metric, key.field] for key in keys], state)
        self.history.restore(n, state)
        self.minutes.restore(n, state)
        self.incidents.restore(n, state)
        self._evaluation.restore(n, state)
        for row, key in enumerate(keys):
            group = self._groups.setdefault((key.tenant, key.metric), _Group())
            group.rows = np.append(group.rows, row)
            group.judged = max(group.judged, int(state["judged"][row]))
            group.minute = max(group.minute, int(state["minute"][row]))
            if state["reported_ready"][row]:
                self._reported_ready[row] = state["reported_ready"][row] == 2

    def _write(self, group: _Group, aggregate: Aggregate, at: int) -> None:
        found: dict[int, tuple[float, float]] = {}
        observed: dict[int, AggregateSeries] = {}
        for watch in self._watches[aggregate.metric]:
            for key, amount, weight, series in observe(watch, aggregate):
                row = self.table.find(key)
                if row is None:
                    if at < group.judged or not weight:
                        continue  # a correction makes no series, nor does nothing
                    row = self._add(group, key, watch, at)
                if row is not None:
                    found[row] = (amount, weight)
                    if watch.mixture and series is not None:
                        observed[row] = series
        # a new second is a second of the silent series too: an empty one
        rows = group.rows if at > group.judged else np.fromiter(found, np.int64, len(found))
        if len(rows):
            pairs = np.array([found.get(int(row), (0.0, 0.0)) for row in rows])
            self.table.write(rows, at, pairs[:, 0], pairs[:, 1])
        rows = np.fromiter(observed, np.int64, len(observed))
        self.table.likelihoods.write(rows, at, list(observed.values()), ~self.incidents.disturbed(rows))

    def _remember(self, aggregate: Aggregate) -> list[Finding]:
        """Puts a minute or an hour into the history, and judges a minute. A series that is not known by the second yet begins
        here."""
        group = self._groups.setdefault((aggregate.tenant, aggregate.metric), _Group())
        start_s = aggregate.window_start // 1000
        width_s = STEPS_S[aggregate.resolution]
        found: dict[int, float] = {}
        for watch in self._watches[aggregate.metric]:
            for key, amount, weight, _ in observe(watch, aggregate, width_s):
                row = self.table.find(key)
                if row is None and weight:
                    row = self._add(group, key, watch, start_s + width_s - 1)
                if row is not None:
                    found[row] = amount / weight if weight else np.nan
        rows = np.fromiter(found, np.int64, len(found))
        values = np.fromiter(found.values(), np.float64, len(found))
        self.history.write(aggregate.resolution, rows, start_s, values)
        if aggregate.resolution != "1m" or start_s <= group.minute:
            return []
        group.minute = start_s
        return self._judge_minute(group, found, start_s)

    def _judge_minute(self, group: _Group, found: dict[int, float], start_s: int) -> list[Finding]:
        """Of those in the message that have a value, of the gauges (when they stop, whoever reported them did), and of those
        with an incident."""
        gauges = group.rows[self.table.kind[group.rows] == Kind.GAUGE].tolist()
        chosen = [row for row, value in found.items() if np.isfinite(value)]
        rows = np.array(sorted({*chosen, *gauges, *group.rows[self.minutes.cycle.open(group.rows)].tolist()}), np.int64)
        if not len(rows):
            return []
        values = np.array([found.get(row, np.nan) for row in rows.tolist()])
        end_s = start_s + STEPS_S["1m"] - 1
        busy = self.incidents.cycle.open(rows) | self.table.any_excluded(rows, start_s, end_s)
        context = Context(self.table.kind[rows], self.table.side[rows], busy, self._usual, self._recent)
        said, changes = self.minutes.take(rows, start_s, values, context)
        return [self._of_minute(change, said, end_s) for change in changes]

    def _of_minute(self, change: Change, said: Said, end_s: int) -> Finding:
        index, watch = change.index, self.table.watches[change.row]
        judged = bool(said.judged[index])
        return Finding(
            key=self.table.keys[change.row],
            watch=watch,
            at=end_s,
            change=change,
            ready=not said.learning[index],
            score=float(said.score[index]),
            value=float(said.value[index]),
            expected=float(said.expected[index]),
            lower=float(said.lower[index]),
            upper=float(said.upper[index]),
            confidence=float(said.confidence[index]),
            model=self.minutes.model,
            statistic=Statistic(int(said.statistic[index])),
            window_s=float(said.window_s[index]),
            judged_at=int(said.judged_at[index]) + STEPS_S["1m"] - 1,
            lack=None if judged else Lack(0.0, 1.0, float(STEPS_S["1m"])),
        )

    def _recent(self, row: int) -> Floats:
        """The newest values by the minute."""
        return self.history.values("1m", row)

    def _usual(self, row: int) -> float:
        """The middle of what the last day had, NaN where there is none."""
        known = self.history.values("5m", row)[-DAY:]
        known = known[np.isfinite(known)]
        return float(np.median(known)) if len(known) else np.nan

    def _add(self, group: _Group, key: SeriesKey, watch: Watch, at: int) -> int | None:
        new = len(self.table)
        row = self.table.add(key, watch, at)
        if row is None:
            return None
        if row not in group.rows:  # else it was that of a series of the same metric, long silent
            if row < new:  # that of another metric or tenant
                for other in self._groups.values():
                    other.rows = other.rows[other.rows != row]
            group.rows = np.append(group.rows, row)
        self.history.clear(row)
        self.minutes.clear(row)
        self.incidents.reset(row)
        self._evaluation.reset(row)
        self._reported_ready.pop(row, None)
        return row

    def _judge(self, group: _Group, at: int) -> list[Finding]:
        rows = group.rows
        verdicts = judge(self.table, rows, at, self.incidents.cycle.open(rows))
        changes = self.incidents.step(rows, verdicts, at)
        for change in changes:
            if change.phase is Phase.OPENED:
                # the evidence began up to a window earlier
                size = evidence_s(Kind(int(self.table.kind[change.row]))) + min(change.away_s, AWAY_S)
                self.table.exclude(change.row, at - size - 1, at)
                self.table.likelihoods.forget_newest(change.row)
            elif change.phase is Phase.ADAPTED:
                self._adapt(change.row, change.since, at)
            elif change.phase is Phase.RECOVERED:
                self._adapt(change.row, at - change.away_s + 1, at)
        for row in rows[self.incidents.disturbed(rows)].tolist():
            self.table.exclude(row, at, at)
        # a level that got better is reported only where it had been reported as the new normal
        reported = [change for change in changes if change.since]
        findings = [self._finding(change.row, change.index, change, verdicts, at) for change in reported]
        return findings + self._learning(rows, verdicts, at)

    def _adapt(self, row: int, since: int, at: int) -> None:
        """What was normal before second ``since`` is no more, and what came since is."""
        self.table.exclude(row, at - LENGTH + 1, since - 1)
        self.table.exclude(row, since, at, False)
        self.table.likelihoods.clear(row, at)
        self.minutes.moved(row)

    def _learning(self, rows: Ints, verdicts: Verdicts, at: int) -> list[Finding]:
        findings = []
        for index, row in enumerate(rows.tolist()):
            ready = bool(verdicts.ready[index])
            reported = self._reported_ready.get(row)
            if reported is None or (ready and not reported):
                self._reported_ready[row] = ready
                findings.append(self._finding(row, index, None, verdicts, at))
        for index, again in self._evaluation.step(rows, verdicts.judged, verdicts.ready, at):
            findings.append(replace(self._finding(int(rows[index]), index, None, verdicts, at), judgement=again))
        return findings

    def _finding(self, row: int, index: int, change: Change | None, verdicts: Verdicts, at: int) -> Finding:
        judged, ready = bool(verdicts.judged[index]), bool(verdicts.ready[index])
        by, judged_at = {name: float(getattr(verdicts, name)[index]) for name in JUDGED_BY}, at
        lack = None
        if not judged:
            lack = Lack(by["weight"], float(verdicts.needed[index]), by["window_s"], ready)
            by, judged_at = self.incidents.judged_by(row)
            if change is None or change.phase is Phase.LAPSED:
                by = {**by, **dict.fromkeys(("value", "expected", "lower", "upper"), math.nan)}
        return Finding(
            key=self.table.keys[row],
            watch=self.table.watches[row],
            at=at,
            change=change,
            ready=ready,
            score=by["score"],
            value=by["value"],
            expected=by["expected"],
            lower=by["lower"],
            upper=by["upper"],
            confidence=float(verdicts.confidence[index]),
            statistic=Statistic(int(by["statistic"])),
            window_s=by["window_s"],
            weight=by["weight"],
            observed=by["observed"],
            usual=by["usual"],
            judged_at=judged_at,
            lack=lack,
        )
