"""From the messages of the bus to frames. Pure: no clock, no socket, no bus.

How this works
--------------
:class:`Hub` keeps a :class:`Tenant` (history and insights) for each tenant, and a :class:`Channel` for each dashboard that
somebody looked at. What arrives marks the channels that show it; :meth:`Channel.advance` turns all marks into the next ``seq``.

A frame is built for the ``seq`` its receiver had last (:meth:`Channel.frame`): it holds the points and insights that changed
since, with their present numbers, and all values. Receivers that are up to date share one frame, encoded once; one that missed
some gets a frame of its own that covers all it missed, so ``seq`` may jump and nothing is lost. The marks of the last
:data:`MEMORY` frames are kept for that; who is further behind, or new, gets a snapshot.

Applying a frame twice is harmless: points are known by their time, insights by their key.

Bounds: :data:`MAX_TENANTS` tenants, and those of :mod:`dashboard_stream.live.history`. One of which something new comes gets
the place of one that was quiet for :data:`QUIET_MS`, or none (``refused_tenants``); one that somebody looks at gets the place
of the quietest. A tenant that somebody watches keeps its place. So those that a sender makes up hide nobody.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from msgspec import Struct

from dashboard_stream.boards.dashboards import Dashboard, Metrics, dashboard_of
from dashboard_stream.boards.readings import TOTAL, Labels, Reading, name
from dashboard_stream.boards.ready import READY, ready
from dashboard_stream.live.history import LENGTH, History, merge
from dashboard_stream.live.insights import Event, Insights, about, concerns
from dashboard_stream.live.values import Points, needs, points, present, series_of, values_now
from drishti.events import RESOLUTION_MS, Aggregate, Frame, FrameData, Insight, encode
from drishti.measures.built_in import FED
from drishti.measures.effective import MetricsOf

MAX_TENANTS = 64
QUIET_MS = 300_000
MAX_NAMES = 256
"""Names of services that are remembered of a tenant; the oldest gives way."""

MEMORY = 100
"""Ten seconds at the highest rate."""

MAX_POINTS = 30_000
"""Of a snapshot, about 600 kB. With many lines each shows a shorter past; common WebSocket clients refuse more than 1 MiB."""

MAX_TRACES = 8
"""Traces that one frame continues; further ones end at the aggregate."""

REFRESH_MS = 500
"""How long a change of a tenant's metrics may wait until its dashboards show it: definitions can come by the thousand."""

SHARED_MS = 250
"""How long an encoded frame serves further receivers: the values that follow the clock may be this old."""

Problems = Callable[[], list[str]]
"""Why the numbers are not current or leave something out, as sentences for every frame."""

TableKey = tuple[str, str]
Marks = dict[TableKey, dict[Labels, set[int]]]


class Tenant:
    """What is known of one tenant, whose registry ``metrics`` reads."""

    def __init__(self, name: str, metrics: Callable[[], Metrics]) -> None:
        self.name = name
        self._read = metrics
        self._read_at = 0
        self.metrics: Metrics = {}
        self.boards: dict[str, Dashboard] = {}
        """The dashboards as its registry has them."""
        self.version = 0
        """Of these: another one after each change of the registry that has come here."""
        self.history = History({})
        self.insights = Insights()
        self.last_message_ms = 0
        self.service_names: dict[str, str] = {}
        """The names that services were given, by their tokens: of those that the history keeps."""
        self._follow_registry()

    def refresh(self, now_ms: int) -> None:
        """Follows the registry, :data:`REFRESH_MS` after its changes at the latest, however many those are."""
        if now_ms - self._read_at >= REFRESH_MS:
            self._read_at = now_ms
            self._follow_registry()

    def _follow_registry(self) -> None:
        metrics = self._read()
        if metrics is self.metrics:
            return
        self.metrics = metrics
        self.boards = {document.name: dashboard_of(document, metrics) for document in ready(metrics)}
        self.history.require(
            merge(need for board in self.boards.values() for reading in board.readings for need in needs(reading))
        )
        self.version += 1

    def take(self, aggregate: Aggregate, now_ms: int) -> list[Labels]:
        """Keeps one revision of one window; returns the series whose number changed."""
        self.refresh(now_ms)
        changed = self.history.take(aggregate, now_ms)
        if aggregate.service_names:
            for labels in changed:
                for label, value in labels:
                    if label == "service" and value in aggregate.service_names:
                        self.service_names.pop(value, None)
                        self.service_names[value] = aggregate.service_names[value]
            while len(self.service_names) > MAX_NAMES:
                del self.service_names[next(iter(self.service_names))]
        return changed


class Step(Struct):
    """What one ``seq`` brought."""

    seq: int
    marks: Marks
    keys: set[str]


class Channel:
    """One dashboard of one tenant. ``seq`` is the number of the newest frame.

    While nobody watches (``watched`` is false) nothing is remembered: whoever comes gets a snapshot.
    """

    def __init__(self, tenant: Tenant, name: str, epoch: str, problems: Problems) -> None:
        self.seq = 0
        self.watched = False
        self._name = name
        self._traces: list[str] = []
        self._tenant = tenant
        self._epoch = epoch
        self._problems = problems
        self._marks: Marks = {}
        self._keys: set[str] = set()
        self._touched = False
        self._steps: deque[Step] = deque(maxlen=MEMORY)
        self._encoded: dict[int | None, str] = {}
        self._encoded_at = 0
        self._follow_board()
        self._board_seq = 0

    def _follow_board(self) -> None:
        """Shows what the tenant's registry has by now: a change of it is a snapshot for everybody."""
        self._version = self._tenant.version
        self.dashboard = self._tenant.boards[self._name]
        self._lines: dict[TableKey, list[Reading]] = {}
        for reading in self.dashboard.readings:
            if reading.span is None:
                self._lines.setdefault((reading.metric, reading.resolution), []).append(reading)
        self._counted = {(reading.metric, "1h") for reading in self.dashboard.readings if reading.span}
        self._shows_services = any("service" in reading.definition.dimensions for reading in self.dashboard.readings)
        self._marks.clear()
        self._steps.clear()
        self._encoded.clear()
        self._board_seq = self.seq + 1

    @property
    def tenant(self) -> str:
        return self._tenant.name

    @property
    def changed(self) -> bool:
        """Whether there is something that no frame holds yet."""
        return self._touched

    def mark(self, key: TableKey, start: int, series: Iterable[Labels]) -> bool:
        """Remembers that a window of ``series`` changed; ``False`` where nobody here is concerned."""
        self._encoded.clear()
        if self._version != self._tenant.version:
            self._follow_board()
        if not self.watched:
            return False
        if key in self._lines:
            marks = self._marks.setdefault(key, {})
            for labels in series:
                marks.setdefault(labels, set()).add(start)
        elif key not in self._counted:
            return False
        self._touched = True
        return True

    def mark_insight(self, event: Event) -> bool:
        """Remembers that ``event``, an insight, is new; ``False`` where nobody here is concerned."""
        self._encoded.clear()
        if not self.watched or not concerns(event, self.dashboard.metrics):
            return False
        self._keys.add(event["key"])
        self._touched = True
        return True

    def trace(self, traceparent: str) -> None:
        """The next frame continues this trace."""
        if len(self._traces) < MAX_TRACES:
            self._traces.append(traceparent)

    def advance(self) -> list[str]:
        """Makes what was marked the next ``seq``; returns the traces that its frame continues."""
        self.seq += 1
        self._steps.append(Step(self.seq, self._marks, self._keys))
        self._marks, self._keys, self._touched = {}, set(), False
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
        else:
            steps = [step for step in self._steps if step.seq > since]
            series = self._points(steps)
            events = insights.of(set().union(*(step.keys for step in steps)), self.dashboard.metrics)
        return Frame(
            type="snapshot" if since is None else "update",
            dashboard=self.dashboard.name,
            epoch=self._epoch,
            seq=self.seq,
            ts=now_ms,
            data=FrameData(values=values, series=series, events=events, problems=self._problems(), service_names=self._names()),
        )

    def _names(self) -> dict[str, str]:
        return self._tenant.service_names if self._shows_services else {}

    def _all_points(self, now_ms: int) -> dict[str, Points]:
        lines = []
        for (metric, resolution), shown in self._lines.items():
            table = self._tenant.history.table(metric, resolution)
            for reading in shown:
                lines += [(table, labels, reading) for labels in series_of(table, reading)]
        each = MAX_POINTS // max(1, len(lines))
        windows = {
            table: table.starts(now_ms - min(each, LENGTH[reading.resolution]) * table.step + 1) for table, _, reading in lines
        }
        series = {}
        for table, labels, reading in lines:
            starts = [start for start in windows[table] if present(table, labels, start)]
            series[name(reading.metric, reading.field, labels)] = points(table, labels, reading, starts)
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
                    series[name(reading.metric, reading.field, labels)] = line
        return series


class Hub:
    """All tenants and channels. ``epoch`` names this run: a page that sees another one starts anew."""

    def __init__(
        self,
        epoch: str,
        *,
        problems: Problems = list,
        metrics_of: MetricsOf = lambda _tenant: FED,
    ) -> None:
        self._metrics_of = metrics_of
        self.dashboards = READY
        """The names of all dashboards."""
        self.refused_tenants = 0
        self.unknown_insights = 0
        self._epoch = epoch
        self._problems = problems
        self._tenants: dict[str, Tenant] = {}
        self._channels: dict[tuple[str, str], Channel] = {}

    def take_aggregate(self, aggregate: Aggregate, now_ms: int) -> list[Channel]:
        """Keeps it; returns the watched channels whose picture changed."""
        tenant = self._tenant(aggregate.tenant, quiet_since=now_ms - QUIET_MS)
        if tenant is None:
            return []
        tenant.last_message_ms = now_ms
        series = tenant.take(aggregate, now_ms)
        if not series:
            return []
        key = (aggregate.metric, aggregate.resolution)
        start = aggregate.window_start - aggregate.window_start % RESOLUTION_MS[aggregate.resolution]
        return [channel for channel in self._of(aggregate.tenant) if channel.mark(key, start, series)]

    def take_insight(self, insight: Insight) -> list[Channel]:
        """Keeps it; returns the watched channels that show it."""
        tenant = self._tenant(insight.tenant, quiet_since=0)
        event = tenant.insights.take(insight) if tenant is not None else None
        if event is None:
            return []
        return [channel for channel in self._of(insight.tenant) if channel.mark_insight(event)]

    def channel(self, tenant: str, dashboard: str) -> Channel | None:
        """The channel; ``None`` where there is no such dashboard, or all tenants are watched and this is one more."""
        if dashboard not in self.dashboards:
            return None
        known = self._channels.get((tenant, dashboard))
        if known is None:
            home = self._tenant(tenant)
            if home is None:
                return None
            known = self._channels[tenant, dashboard] = Channel(home, dashboard, self._epoch, self._problems)
        return known

    def boards(self, tenant: str) -> list[Dashboard]:
        """Every dashboard as the registry of ``tenant`` has it."""
        metrics = self._metrics_of(tenant)
        return [dashboard_of(document, metrics) for document in ready(metrics)]

    def insights(self, tenant: str, metric: str) -> list[Event]:
        """What models say about one metric of a tenant, as frames carry it, whether or not a dashboard shows the metric.

        What they say of the whole system is not among it.
        """
        home = self._tenants.get(tenant)
        return [event for event in home.insights.newest(frozenset((metric,))) if about(event)] if home is not None else []

    def unwatched(self, tenant: str, now_ms: int) -> list[Event]:
        """Of each metric of a tenant with series that the models do not watch, the insight that says why."""
        home = self._tenants.get(tenant)
        return home.insights.unwatched(now_ms) if home is not None else []

    def _of(self, tenant: str) -> list[Channel]:
        return [channel for name in self.dashboards if (channel := self._channels.get((tenant, name))) is not None]

    def _tenant(self, name: str, *, quiet_since: int | None = None) -> Tenant | None:
        """The tenant; ``None`` where it is one more and none gives way that had no message after ``quiet_since`` (any)."""
        tenant = self._tenants.get(name)
        if tenant is None:
            if len(self._tenants) >= MAX_TENANTS and not self._make_room(quiet_since):
                self.refused_tenants += 1
                return None
            tenant = self._tenants[name] = Tenant(name, partial(self._metrics_of, name))
        return tenant

    def _make_room(self, quiet_since: int | None) -> bool:
        for candidate, tenant in sorted(self._tenants.items(), key=lambda known: known[1].last_message_ms):
            if quiet_since is not None and tenant.last_message_ms >= quiet_since:
                return False
            if not any(channel.watched for channel in self._of(candidate)):
                del self._tenants[candidate]
                for dashboard in self.dashboards:
                    self._channels.pop((candidate, dashboard), None)
                return True
        return False
