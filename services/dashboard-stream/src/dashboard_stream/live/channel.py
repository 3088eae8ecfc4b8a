"""One dashboard of one tenant, and its frames. Pure.

A frame is built for the ``seq`` its receiver had last (:meth:`Channel.frame`): it holds the points and insights that changed
since, with their present numbers, and all values. Receivers that are up to date share one frame, encoded once; one that missed
some gets a frame of its own that covers all it missed, so ``seq`` may jump and nothing is lost. The marks of the last
:data:`MEMORY` frames are kept for that; who is further behind, or new, gets a snapshot.

Applying a frame twice is harmless: points are known by their time, insights by their key.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from dashboard_stream.boards.dashboards import Dashboard, View
from dashboard_stream.boards.readings import TOTAL, Labels, Reading
from dashboard_stream.live.history import LENGTH, TableKey
from dashboard_stream.live.insights import Event, concerns
from dashboard_stream.live.tenant import Tenant
from dashboard_stream.live.values import Points, key_of, points, present, series_of, values_now
from drishti.dashboards.documents import DashboardDocument
from drishti.events import Frame, FrameData, encode
from drishti.messages.product.saved_funnels import FunnelResult

MEMORY = 100
"""Ten seconds at the highest rate."""

MAX_POINTS = 30_000
"""Of a snapshot, about 600 kB. With many lines each shows a shorter past; common WebSocket clients refuse more than 1 MiB."""

MAX_TRACES = 8
"""Traces that one frame continues; further ones end at the aggregate."""

SHARED_MS = 250
"""How long an encoded frame serves further receivers: the values that follow the clock may be this old."""

Problems = Callable[[], list[str]]
"""Why the numbers are not current or leave something out, as sentences for every frame."""

Marks = dict[TableKey, dict[Labels, set[int]]]

NOTHING = Dashboard(document=DashboardDocument(name="deleted", title="deleted"), readings=())
"""What is left of a dashboard that was deleted, until those who look at it hear of it."""


class Step(Struct):
    """What one ``seq`` brought."""

    seq: int
    marks: Marks
    keys: set[str]
    funnels: set[str] = set()


class Channel:
    """One dashboard of one tenant, with what was chosen for its variables. ``seq`` is the number of the newest frame of the
    run ``epoch``.

    While nobody watches (``watched`` is false) nothing is remembered: whoever comes gets a snapshot.
    """

    def __init__(self, tenant: Tenant, view: View, epoch: str, problems: Problems) -> None:
        self.seq = 0
        self._watched = False
        self._view = view
        self._traces: list[str] = []
        self._tenant = tenant
        self._epoch = epoch
        self._problems = problems
        self._marks: Marks = {}
        self._keys: set[str] = set()
        self._funnels: set[str] = set()
        self._touched = False
        self._steps: deque[Step] = deque(maxlen=MEMORY)
        self._encoded: dict[int | None, str] = {}
        self._encoded_at = 0
        self._follow_board()
        self._board_seq = 0

    def _follow_board(self) -> None:
        """Shows what the tenant's registry has by now: a change of it is a snapshot for everybody."""
        self._version = self._tenant.version
        self.dashboard = self._tenant.boards.get(self._view, NOTHING)
        self._lines: dict[TableKey, list[Reading]] = {}
        for reading in self.dashboard.readings:
            if reading.span is None:
                self._lines.setdefault(key_of(reading), []).append(reading)
        self._counted = {key_of(reading) for reading in self.dashboard.readings if reading.span}
        self._shows_services = any("service" in reading.definition.dimensions for reading in self.dashboard.readings)
        self._marks.clear()
        self._steps.clear()
        self._encoded.clear()
        self._board_seq = self.seq + 1

    @property
    def tenant(self) -> str:
        return self._tenant.name

    @property
    def watched(self) -> bool:
        return self._watched

    @watched.setter
    def watched(self, watched: bool) -> None:
        if watched and not self._watched and self.seq:
            # What changed while nobody watched is in no step: frames of before are followed by a snapshot.
            self.seq += 1
            self._steps.clear()
            self._encoded.clear()
            self._board_seq = self.seq
        self._watched = watched

    @property
    def gone(self) -> bool:
        """Whether the dashboard was deleted: there are no further frames."""
        return self._view not in self._tenant.boards

    @property
    def changed(self) -> bool:
        """Whether there is something that no frame holds yet."""
        return self._touched

    def mark(self, start: int, changed: Mapping[TableKey, Iterable[Labels]]) -> bool:
        """Remembers that the window at ``start`` of these series changed; ``False`` where nobody here is concerned."""
        self._encoded.clear()
        if self._version != self._tenant.version:
            self._follow_board()
        if not self._watched:
            return False
        concerned = False
        for key, series in changed.items():
            if key in self._lines:
                marks = self._marks.setdefault(key, {})
                for labels in series:
                    marks.setdefault(labels, set()).add(start)
            elif key not in self._counted:
                continue
            concerned = True
        self._touched |= concerned
        return concerned

    def mark_insight(self, event: Event) -> bool:
        """Remembers that ``event``, an insight, is new; ``False`` where nobody here is concerned."""
        self._encoded.clear()
        if not self._watched or not concerns(event, self.dashboard.metrics):
            return False
        self._keys.add(event["key"])
        self._touched = True
        return True

    def mark_funnel(self, name: str) -> bool:
        """Remembers that the saved funnel ``name`` has a new result; ``False`` where nobody here is concerned."""
        self._encoded.clear()
        if not self._watched or name not in self.dashboard.funnels:
            return False
        self._funnels.add(name)
        self._touched = True
        return True

    def trace(self, traceparent: str) -> None:
        """The next frame continues this trace."""
        if len(self._traces) < MAX_TRACES:
            self._traces.append(traceparent)

    def advance(self) -> list[str]:
        """Makes what was marked the next ``seq``; returns the traces that its frame continues."""
        self.seq += 1
        self._steps.append(Step(self.seq, self._marks, self._keys, self._funnels))
        self._marks, self._keys, self._funnels, self._touched = {}, set(), set(), False
        self._encoded.clear()
        traces, self._traces = self._traces, []
        return traces

    def frame(self, since: int | None, state: Mapping[str, float | None], now_ms: int) -> str:
        """The frame for a receiver that has ``since`` (``None``: nothing), encoded; ``state`` joins its values."""
        self._tenant.refresh(now_ms)
        if self._version != self._tenant.version:
            self._follow_board()
        if since is not None and (since < self._board_seq or not self._steps or since < self._steps[0].seq - 1):
            since = None
        if now_ms - self._encoded_at > SHARED_MS:
            self._encoded.clear()
            self._encoded_at = now_ms
        encoded = self._encoded.get(since)
        if encoded is None:
            encoded = self._encoded[since] = encode(self.build(since, state, now_ms)).decode()
        return encoded

    def _off(self) -> frozenset[str]:
        """The metrics of this dashboard that its tenant has switched off: their silence is no number."""
        return frozenset(reading.metric for reading in self.dashboard.readings if not reading.definition.enabled)

    def build(self, since: int | None, state: Mapping[str, float | None], now_ms: int) -> Frame:
        """The same, not encoded."""
        history, insights = self._tenant.history, self._tenant.insights
        freshness = max(0, now_ms - history.published_at) if history.published_at else None
        values: dict[str, float | None] = {
            **values_now(history, self.dashboard.readings, now_ms, off=self._off()),
            "freshness_ms": freshness,
            "stream.refused_series": history.refused,
            "stream.ignored_windows": history.ignored,
            **state,
        }
        events: list[Event]
        if since is None:
            series, events = self._all_points(now_ms), insights.newest(self.dashboard.metrics)
            funnels = self.dashboard.funnels
        else:
            steps = [step for step in self._steps if step.seq > since]
            series = self._points(steps)
            events = insights.of(set().union(*(step.keys for step in steps)), self.dashboard.metrics)
            funnels = self.dashboard.funnels.intersection(set().union(*(step.funnels for step in steps)))
        return Frame(
            type="snapshot" if since is None else "update",
            dashboard=self.dashboard.name,
            epoch=self._epoch,
            seq=self.seq,
            ts=now_ms,
            data=FrameData(
                values=values,
                series=series,
                events=events,
                problems=self._problems(),
                service_names=self._names(),
                funnels=self._results(funnels),
            ),
        )

    def _results(self, names: frozenset[str]) -> dict[str, FunnelResult]:
        known = self._tenant.funnels() if names else {}
        return {name: known[name] for name in sorted(names) if name in known}

    def _names(self) -> dict[str, str]:
        return self._tenant.service_names if self._shows_services else {}

    def _all_points(self, now_ms: int) -> dict[str, Points]:
        lines = []
        for key, shown in self._lines.items():
            table = self._tenant.history.table(*key)
            for reading in shown:
                lines += [(table, labels, reading) for labels in series_of(table, reading)]
        each = MAX_POINTS // max(1, len(lines))
        windows = {
            table: table.starts(now_ms - min(each, LENGTH[reading.resolution]) * table.step + 1) for table, _, reading in lines
        }
        series = {}
        for table, labels, reading in lines:
            starts = [start for start in windows[table] if present(table, labels, start)]
            series[reading.named(labels)] = points(table, labels, reading, starts)
        return series

    def _points(self, steps: Iterable[Step]) -> dict[str, Points]:
        marks: Marks = {}
        for step in steps:
            for key, by_labels in step.marks.items():
                merged = marks.setdefault(key, {})
                for labels, starts in by_labels.items():
                    merged.setdefault(labels, set()).update(starts)
        series = {}
        for key, by_labels in marks.items():
            table = self._tenant.history.table(*key)
            for reading in self._lines[key]:
                touched = {labels: starts for labels, starts in by_labels.items() if reading.covers(labels)}
                if reading.share is not None:
                    touched = {TOTAL: set().union(*by_labels.values())}
                for labels, starts in touched.items():
                    line = points(table, labels, reading, sorted(starts))
                    series[reading.named(labels)] = line
        return series
