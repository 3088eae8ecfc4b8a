"""From the messages of the bus to frames. Pure: no clock, no socket, no bus.

How this works
--------------
:class:`Hub` keeps a :class:`Tenant` (history and insights) for each tenant, and a :class:`Channel` for each dashboard that
had a viewer. What arrives marks the channels that show it; :meth:`Channel.advance` turns all marks into the next ``seq``.

Of the dashboards that a tenant made itself, and of those with values of variables or of single panels, those are kept that
have a viewer, or had one and whose memory is not needed: together those of all tenants may take ``room_bytes``, and the one
gives way first that nobody asked for the longest.

Bounds: :data:`MAX_TENANTS` tenants, and those of :mod:`dashboard_stream.live.history`. One of which something new comes gets
the place of one that was quiet for :data:`QUIET_MS`, or none (``refused_tenants``); one with a viewer gets the place
of the quietest. A tenant with a viewer keeps its place. So those that a sender makes up hide no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from dashboard_stream.boards.dashboards import Dashboard, Metrics, View, dashboard_of
from dashboard_stream.boards.ready import READY, ready
from dashboard_stream.live.channel import Channel, Problems
from dashboard_stream.live.history import Missing
from dashboard_stream.live.insights import Event, about
from dashboard_stream.live.tenant import Tenant
from drishti.dashboards.choices import Choice
from drishti.dashboards.documents import DashboardDocument
from drishti.events import RESOLUTION_MS, Aggregate, Insight
from drishti.measures.built_in import FED
from drishti.measures.effective import MetricsOf
from drishti.messages.product.saved_funnels import FunnelResult

MAX_TENANTS = 64
QUIET_MS = 300_000

ROOM_BYTES = 128 << 20
"""What the histories of dashboards that tenants made may take together, as far as can be said before."""

ALL = Choice()
_NO_DOCUMENTS: Mapping[str, DashboardDocument] = {}

_NO_FUNNELS: Mapping[str, FunnelResult] = {}

FunnelsOf = Callable[[str], Mapping[str, FunnelResult]]
"""The newest results of a tenant's saved funnels, by name."""

DocumentsOf = Callable[[str], Mapping[str, DashboardDocument]]
"""The dashboards that a tenant made, by name; another object after each change."""


class Hub:
    """All tenants and channels. ``epoch`` names this run; each channel adds a number of its own (``<epoch>.<n>``), so that
    ``epoch`` and ``seq`` of a frame say what its receiver has, whatever became of the channel since."""

    def __init__(
        self,
        epoch: str,
        *,
        problems: Problems = list,
        metrics_of: MetricsOf = lambda _tenant: FED,
        documents_of: DocumentsOf = lambda _tenant: _NO_DOCUMENTS,
        funnels_of: FunnelsOf = lambda _tenant: _NO_FUNNELS,
        room_bytes: int = ROOM_BYTES,
    ) -> None:
        self._funnels_of = funnels_of
        self._metrics_of = metrics_of
        self._documents_of = documents_of
        self._room_bytes = room_bytes
        self.refused_tenants = 0
        self.unknown_insights = 0
        self._epoch = epoch
        self._problems = problems
        self._tenants: dict[str, Tenant] = {}
        self._channels: dict[tuple[str, View], Channel] = {}
        self._asked: dict[tuple[str, View], None] = {}
        """Those of them that give way, the one that was asked for last at the end."""
        self._channels_made = 0

    def take_aggregate(self, aggregate: Aggregate, now_ms: int) -> list[Channel]:
        """Keeps it; returns the watched channels whose picture changed."""
        tenant = self._tenant(aggregate.tenant, quiet_since=now_ms - QUIET_MS)
        if tenant is None:
            return []
        tenant.last_message_ms = now_ms
        changed = tenant.take(aggregate, now_ms)
        if not changed:
            return []
        start = aggregate.window_start - aggregate.window_start % RESOLUTION_MS[aggregate.resolution]
        return [channel for channel in self._of(aggregate.tenant) if channel.mark(start, changed)]

    def take_insight(self, insight: Insight) -> list[Channel]:
        """Keeps it; returns the watched channels that show it."""
        tenant = self._tenant(insight.tenant, quiet_since=0)
        event = tenant.insights.take(insight) if tenant is not None else None
        if event is None:
            return []
        return [channel for channel in self._of(insight.tenant) if channel.mark_insight(event)]

    def funnel_changed(self, tenant: str, name: str) -> list[Channel]:
        """A saved funnel has a new result; returns the watched channels that show it."""
        return [channel for channel in self._of(tenant) if channel.mark_funnel(name)]

    def metrics(self, tenant: str) -> Metrics:
        return self._metrics_of(tenant)

    def names(self, tenant: str) -> list[str]:
        """The dashboards that ``tenant`` can look at."""
        return [*READY, *self._documents_of(tenant)]

    def document(self, tenant: str, name: str) -> DashboardDocument | None:
        """The dashboard as it is stored, or as every tenant has it; ``None`` where there is none."""
        own = self._documents_of(tenant)
        if name in own or name not in READY:
            return own.get(name)
        return next(document for document in ready(self._metrics_of(tenant)) if document.name == name)

    def channel(self, tenant: str, dashboard: str, choice: Choice = ALL) -> Channel | None:
        """The channel, with what was chosen of it; ``None`` where there is no such dashboard, or no room for one more:
        of tenants, or of what is kept."""
        view = View(dashboard, *choice)
        known = self._channels.get((tenant, view))
        if known is None or known.gone:
            if self.document(tenant, dashboard) is None:
                return None
            home = self._tenant(tenant)
            if home is None or not self._kept(home, view):
                return None
            self._forget_gone(tenant)
            self._channels_made += 1
            epoch = f"{self._epoch}.{self._channels_made}"
            known = self._channels[tenant, view] = Channel(home, view, epoch, self._problems)
        if (tenant, view) in self._asked:
            self._asked[tenant, view] = self._asked.pop((tenant, view))
        return known

    def boards(self, tenant: str) -> list[Dashboard]:
        """Every dashboard as the registry of ``tenant`` has it."""
        metrics = self._metrics_of(tenant)
        return [dashboard_of(document, metrics) for document in (*ready(metrics), *self._documents_of(tenant).values())]

    def take_missing(self) -> list[tuple[str, Missing]]:
        """Whose past is to be read from the bus, by tenant; each is handed over once. What comes goes to
        :meth:`take_aggregate`, and that it came to :meth:`filled`."""
        result = []
        for name, tenant in self._tenants.items():
            result += [(name, missing) for missing in tenant.missing]
            tenant.missing.clear()
        return result

    def filled(self, tenant: str, missing: Missing) -> None:
        """All of what was missing came."""
        home = self._tenants.get(tenant)
        if home is not None and home.history.filled(missing):
            home.version += 1  # everybody who looks gets a snapshot

    def _kept(self, home: Tenant, view: View) -> bool:
        """Keeps what ``view`` needs, where there is room, perhaps that of dashboards without a viewer."""
        if view in home.boards:
            return True
        home.refresh_now()
        if home.document(view.dashboard) is None:
            return False
        if view not in home.boards:
            others = [tenant for tenant in self._tenants.values() if tenant is not home]
            while sum(tenant.room_bytes() for tenant in others) + home.room_bytes(view) > self._room_bytes:
                if not self._hide_one():
                    return False
            home.show(view)
            self._asked[home.name, view] = None
        return True

    def _hide_one(self) -> bool:
        """Gives up the one of what is kept for nobody that was asked for first; ``False`` where there is none."""
        for name, view in self._asked:
            channel = self._channels.get((name, view))
            if channel is not None and channel.watched:
                continue
            del self._asked[name, view]
            self._channels.pop((name, view), None)
            tenant = self._tenants.get(name)
            if tenant is not None and view in tenant.shown:
                tenant.hide(view)
            return True
        return False

    def _forget_gone(self, tenant: str) -> None:
        """Forgets channels of dashboards that were deleted, once nobody looks at them."""
        for key, channel in list(self._channels.items()):
            if key[0] == tenant and channel.gone and not channel.watched:
                del self._channels[key]
                self._asked.pop(key, None)

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
        home = self._tenants.get(tenant)
        views = home.boards if home is not None else ()
        return [channel for view in views if (channel := self._channels.get((tenant, view))) is not None]

    def _tenant(self, name: str, *, quiet_since: int | None = None) -> Tenant | None:
        """The tenant; ``None`` where it is one more and none gives way that had no message after ``quiet_since`` (any)."""
        tenant = self._tenants.get(name)
        if tenant is None:
            if len(self._tenants) >= MAX_TENANTS and not self._make_room(quiet_since):
                self.refused_tenants += 1
                return None
            tenant = self._tenants[name] = Tenant(
                name,
                partial(self._metrics_of, name),
                partial(self._documents_of, name),
                partial(self._funnels_of, name),
            )
        return tenant

    def _make_room(self, quiet_since: int | None) -> bool:
        for candidate, tenant in sorted(self._tenants.items(), key=lambda known: known[1].last_message_ms):
            if quiet_since is not None and tenant.last_message_ms >= quiet_since:
                return False
            if not any(channel.watched for channel in self._of(candidate)):
                del self._tenants[candidate]
                for view in tenant.boards:
                    self._channels.pop((candidate, view), None)
                    self._asked.pop((candidate, view), None)
                return True
        return False
