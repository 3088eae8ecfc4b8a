"""The pure middle of the service: aggregates in, facts about series out. No clock, no bus.

One :class:`Engine` holds the history of all series, the detector and the incidents. A window is judged once, in order of time;
a late revision of a judged window corrects the history and raises nothing. Windows that never came are judged by
nobody: when the aggregates stop, so do the verdicts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drishti.events import Aggregate, AggregateSeries
from drishti.measures.fields import VALUE
from predictor.anomalies import findings
from predictor.anomalies.evaluation import Evaluation
from predictor.anomalies.findings import OVER_BUDGET, REDEFINED, UNWATCHED, Finding
from predictor.anomalies.groups import Group, Groups
from predictor.anomalies.incidents import Incidents
from predictor.anomalies.lifecycle import Change, Cycle, Phase
from predictor.anomalies.minutes import Context, Minutes
from predictor.anomalies.selection import selected
from predictor.seconds.detector import MODEL, evidence_s, judge
from predictor.seconds.verdicts import Verdicts
from predictor.series.budget import Budget, Metric
from predictor.series.history import GIVEN, STEPS_S, History
from predictor.series.likelihood import in_ms
from predictor.series.policies import Policies, WatchesOf
from predictor.series.ring import Floats, Ints
from predictor.series.table import CAPACITY, LENGTH, SeriesTable
from predictor.series.watch import Kind, SeriesKey, Watch, observe

DAY = 86_400 // STEPS_S["5m"]

AWAY_S = 60
"""At most so much before an incident opened is taken for its beginning, and no part of what is normal."""


class Engine:
    """``take`` every final one-second aggregate; what is worth telling comes back. ``watches_of`` says how each metric is
    judged; what it says of another moment, :meth:`rewatch` puts into effect for the series that are there."""

    def __init__(
        self,
        watches_of: WatchesOf | None = None,
        *,
        capacity: int = CAPACITY,
        minutes: Minutes | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.table = SeriesTable(capacity, budget=budget)
        self.history = History()
        self.incidents = Incidents()
        self._evaluation = Evaluation()
        self.minutes = minutes or Minutes()
        self._watches_of = watches_of or Policies().watches
        self.groups = Groups()
        self._reported_ready: dict[int, bool] = {}

    def take(self, aggregate: Aggregate) -> list[Finding]:
        """Learns one window of one metric; judges it if it is a second or a minute, later than all of that metric before."""
        if not aggregate.final or not (watches := self._watches_of(aggregate.tenant, aggregate.metric)):
            return []
        if any(watch.field == VALUE and watch.version != aggregate.version for watch in watches):
            return []  # of a KPI that was computed otherwise: other numbers
        start_s = aggregate.window_start // 1000
        ended: list[Finding] = []
        if self.groups.add(aggregate.tenant, aggregate.metric, watches).watches is not watches:
            ended = self._follow(aggregate.tenant, aggregate.metric, watches, start_s)
        group = self.groups.add(aggregate.tenant, aggregate.metric, watches)
        if aggregate.resolution in GIVEN:
            return ended + self._remember(group, aggregate, start_s)
        return ended + self._take_second(group, aggregate, start_s)

    def _take_second(self, group: Group, aggregate: Aggregate, at: int) -> list[Finding]:
        if group.judged and at <= group.judged - LENGTH:
            return []
        self._write(group, aggregate, at)
        if at <= group.judged or not len(group.rows):
            return []
        group.judged = at
        return self._judge(group, at) if group.watched else []

    def rewatch(self, at: int) -> list[Finding]:
        """Has all series judged as is said by now. What is not watched any more is forgotten, at second ``at``, and that its
        announced incidents are over, comes back. A series that is judged otherwise is learnt anew."""
        ended: list[Finding] = []
        for tenant, metric in self.groups:
            ended += self._follow(tenant, metric, self._watches_of(tenant, metric), at)
        return ended

    def give_up(self, more: Mapping[Metric, int], at: int) -> list[Finding]:
        """Forgets as many series as these metrics have ``more`` than their share; the ends of their announced incidents come
        back."""
        gone = self.table.surplus(more, at)
        ended = [finding for row in gone for finding in self._end(row, at, OVER_BUDGET)]
        if gone:
            self._forget(gone)
        return ended

    def _follow(self, tenant: str, metric: str, watches: tuple[Watch, ...], at: int) -> list[Finding]:
        """The same of one metric."""
        group = self.groups[tenant, metric]
        if watches == group.watches:
            group.watches = watches
            return []
        group.watches = watches
        by_field = {watch.field: watch for watch in watches}
        ended: list[Finding] = []
        gone: list[int] = []
        for row in group.rows.tolist():
            key, before = self.table.keys[row], self.table.watches[row]
            now = by_field.get(key.field)
            if now is None or now.series_of != before.series_of or not now.takes(key.labels):
                gone.append(row)
                ended += self._end(row, at, UNWATCHED if now is None else REDEFINED)
            else:
                if not now.watched:
                    ended += self._end(row, at, UNWATCHED)
                self.table.describe(row, now)
                self.history.describe(row, forecast=now.forecast)
        if gone:
            self._forget(gone)
        return ended

    def _end(self, row: int, at: int, reason: str) -> list[Finding]:
        """Closes the incidents of ``row``; those that were announced come back."""
        ended = []
        for lapse, model in ((self.incidents.lapse, MODEL), (self.minutes.lapse, self.minutes.model)):
            if (change := lapse(row)) is not None:
                ended.append(findings.ended(self.table, change, at, model, reason))
        return ended

    def _forget(self, gone: list[int]) -> None:
        """Forgets the series in these rows; the others move together, in their order."""
        keys, state = self.state()
        kept = np.delete(np.arange(len(keys)), gone)
        self._load([keys[row] for row in kept], [self.table.watches[row] for row in kept], selected(state, kept))

    def cycle_of(self, finding: Finding) -> Cycle:
        """The incidents to which that of ``finding`` belongs, which know whether it was announced."""
        return (self.minutes if finding.model == self.minutes.model else self.incidents).cycle

    def judged_until(self) -> int:
        """The latest second that was judged of any metric; 0 before the first."""
        return self.groups.judged_until()

    def state(self) -> tuple[list[SeriesKey], dict[str, NDArray[Any]]]:
        """The series and everything known of them, as arrays (views: copy or encode them before the next ``take``)."""
        n = len(self.table)
        reported = np.array([{None: 0, False: 1, True: 2}[self._reported_ready.get(row)] for row in range(n)], np.int64)
        judged = np.array([self.groups[key.tenant, key.metric].judged for key in self.table.keys], np.int64)
        minute = np.array([self.groups[key.tenant, key.metric].minute for key in self.table.keys], np.int64)
        own = {"reported_ready": reported, "judged": judged, "minute": minute}
        kept = (self.history, self.incidents, self._evaluation, self.minutes)
        parts = (self.table.state(), *(part.state(n) for part in kept), own)
        return list(self.table.keys), {name: array for part in parts for name, array in part.items()}

    def restore(self, keys: list[SeriesKey], state: dict[str, NDArray[Any]]) -> None:
        """The inverse of :meth:`state` for a new engine. Raises ``KeyError`` or ``ValueError`` where the state does not fit."""
        self._load(keys, [self._watch_of(key) for key in keys], state)

    def _watch_of(self, key: SeriesKey) -> Watch:
        """How a series that was saved is judged; one that is not, any more, is there until :meth:`rewatch`."""
        watches = (watch for watch in self._watches_of(key.tenant, key.metric) if watch.field == key.field)
        return next(watches, Watch(metric=key.metric, field=key.field, kind=Kind.VALUE, watched=False, title=key.metric))

    def _load(self, keys: list[SeriesKey], watches: list[Watch], state: dict[str, NDArray[Any]]) -> None:
        n = len(keys)
        self.table.restore(keys, watches, state)
        self.history.restore(n, state)
        for row, watch in enumerate(watches):
            self.history.describe(row, forecast=watch.forecast)
        self.minutes.restore(n, state)
        self.incidents.restore(n, state)
        self._evaluation.restore(n, state)
        groups: dict[tuple[str, str], Group] = {}
        rows_of: dict[tuple[str, str], list[int]] = {}
        for row, key in enumerate(keys):
            rows_of.setdefault((key.tenant, key.metric), []).append(row)
        for name, rows in rows_of.items():
            group = groups[name] = Group(tuple(dict.fromkeys(watches[row] for row in rows)), np.array(rows))
            group.judged, group.minute = int(state["judged"][rows].max()), int(state["minute"][rows].max())
        self.groups.restore(groups)
        reported = state["reported_ready"].tolist()
        self._reported_ready = {row: value == 2 for row, value in enumerate(reported) if value}

    def _write(self, group: Group, aggregate: Aggregate, at: int) -> None:
        read: dict[int, tuple[float, float]] = {}
        observed: dict[int, AggregateSeries] = {}
        for watch in group.watches:
            for key, amount, weight, series in observe(watch, aggregate):
                row = self.table.find(key)
                if row is None:
                    if at < group.judged or not weight:
                        continue  # a correction makes no series, nor does nothing
                    row = self._add(group, key, watch, at)
                if row is not None:
                    read[row] = (amount, weight)
                    if watch.mixture and series is not None:
                        observed[row] = in_ms(series, watch)
        # a new second is a second of the silent series too: an empty one
        rows = group.rows if at > group.judged else np.fromiter(read, np.int64, len(read))
        if len(rows):
            pairs = np.array([read.get(int(row), (0.0, 0.0)) for row in rows])
            self.table.write(rows, at, pairs[:, 0], pairs[:, 1])
        rows = np.fromiter(observed, np.int64, len(observed))
        self.table.likelihoods.write(rows, at, list(observed.values()), ~self.incidents.disturbed(rows))

    def _remember(self, group: Group, aggregate: Aggregate, start_s: int) -> list[Finding]:
        """Puts a minute or an hour into the history, and judges a minute. A series that is not known by the second yet begins
        here."""
        width_s = STEPS_S[aggregate.resolution]
        value_of: dict[int, float] = {}
        for watch in group.watches:
            for key, amount, weight, _ in observe(watch, aggregate, width_s):
                row = self.table.find(key)
                if row is None and weight:
                    row = self._add(group, key, watch, start_s + width_s - 1)
                if row is not None:
                    value_of[row] = amount / weight if weight else np.nan
        rows = np.fromiter(value_of, np.int64, len(value_of))
        values = np.fromiter(value_of.values(), np.float64, len(value_of))
        self.history.write(aggregate.resolution, rows, start_s, values)
        if aggregate.resolution != "1m" or start_s <= group.minute:
            return []
        group.minute = start_s
        return self._judge_minute(group, value_of, start_s) if group.watched else []

    def _judge_minute(self, group: Group, value_of: dict[int, float], start_s: int) -> list[Finding]:
        """Of those in the message that have a value, of the gauges (when they stop, whoever reported them did), and of those
        with an incident."""
        gauges = group.rows[self.table.kind[group.rows] == Kind.GAUGE].tolist()
        chosen = [row for row, value in value_of.items() if np.isfinite(value)]
        rows = np.array(sorted({*chosen, *gauges, *group.rows[self.minutes.cycle.open(group.rows)].tolist()}), np.int64)
        if not len(rows):
            return []
        values = np.array([value_of.get(row, np.nan) for row in rows.tolist()])
        end_s = start_s + STEPS_S["1m"] - 1
        busy = self.incidents.cycle.open(rows) | self.table.any_excluded(rows, start_s, end_s)
        context = Context(self.table.kind[rows], busy, self.table.watches.__getitem__, self._usual, self._recent)
        said, changes = self.minutes.take(rows, start_s, values, context)
        return [findings.of_minute(self.table, change, said, end_s, self.minutes.model) for change in changes]

    def _recent(self, row: int) -> Floats:
        """The newest values by the minute."""
        return self.history.values("1m", row)

    def _usual(self, row: int) -> float:
        """The middle of what the last day had, NaN where there is none."""
        known = self.history.values("5m", row)[-DAY:]
        known = known[np.isfinite(known)]
        return float(np.median(known)) if len(known) else np.nan

    def _add(self, group: Group, key: SeriesKey, watch: Watch, at: int) -> int | None:
        new = len(self.table)
        row = self.table.add(key, watch, at)
        if row is None:
            return None
        if row not in group.rows:  # else it was that of a series of the same metric, long silent
            if row < new:  # that of another metric or tenant
                self.groups.take_away(row)
            group.rows = np.append(group.rows, row)
        self.history.clear(row, forecast=watch.forecast)
        self.minutes.clear(row)
        self.incidents.reset(row)
        self._evaluation.reset(row)
        self._reported_ready.pop(row, None)
        return row

    def _judge(self, group: Group, at: int) -> list[Finding]:
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
        said = [self._finding(change.row, change.index, change, verdicts, at) for change in reported]
        return said + self._learning(rows, verdicts, at)

    def _adapt(self, row: int, since: int, at: int) -> None:
        """What was normal before second ``since`` is no more, and what came since is."""
        self.table.exclude(row, at - LENGTH + 1, since - 1)
        self.table.exclude(row, since, at, False)
        self.table.likelihoods.clear(row, at)
        self.minutes.moved(row)

    def _learning(self, rows: Ints, verdicts: Verdicts, at: int) -> list[Finding]:
        said = []
        for index, row in enumerate(rows.tolist()):
            ready = bool(verdicts.ready[index])
            reported = self._reported_ready.get(row)
            if reported is None or (ready and not reported):
                self._reported_ready[row] = ready
                said.append(self._finding(row, index, None, verdicts, at))
        for index, again in self._evaluation.step(rows, verdicts.judged, verdicts.ready, at):
            said.append(replace(self._finding(int(rows[index]), index, None, verdicts, at), judgement=again))
        return said

    def _finding(self, row: int, index: int, change: Change | None, verdicts: Verdicts, at: int) -> Finding:
        return findings.of_second(self.table, row, index, change, verdicts, self.incidents.judged_by, at)
