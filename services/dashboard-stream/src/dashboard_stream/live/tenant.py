"""What is known of one tenant: its dashboards, the history that they need, and what models say. Pure.

Of the dashboards that a tenant made itself, and of those with values of variables or of single panels, only those are kept that
a viewer opened (:meth:`Tenant.show`). Their numbers are kept once, however many of them ask for the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import chain

from dashboard_stream.boards.dashboards import Dashboard, Metrics, View, dashboard_of
from dashboard_stream.boards.readings import Labels
from dashboard_stream.boards.ready import ready
from dashboard_stream.live.history import History, Missing, Needs, TableKey, merge
from dashboard_stream.live.insights import Insights
from dashboard_stream.live.needed import Needed
from dashboard_stream.live.values import needs
from drishti.dashboards.documents import DashboardDocument
from drishti.events import Aggregate
from drishti.messages.product.saved_funnels import FunnelResult

MAX_NAMES = 256
"""Names of services that are remembered of a tenant; the oldest gives way."""

VIEW_BYTES = 256 << 10
"""What is kept of a dashboard beside its numbers, as far as can be said before: its document, readings and encoded frames."""

REFRESH_MS = 500
"""How long a change of a tenant's metrics may wait until its dashboards show it: definitions can come by the thousand."""


class Tenant:
    """What is known of one tenant, whose registry ``metrics`` reads and whose own dashboards ``own`` reads."""

    def __init__(
        self,
        name: str,
        metrics: Callable[[], Metrics],
        own: Callable[[], Mapping[str, DashboardDocument]],
        funnels: Callable[[], Mapping[str, FunnelResult]],
    ) -> None:
        self.name = name
        self.funnels = funnels
        """The newest results of its saved funnels, by name."""
        self._read = metrics
        self._read_own = own
        self._read_at = 0
        self.metrics: Metrics = {}
        self.own: Mapping[str, DashboardDocument] = {}
        """The dashboards that it made itself."""
        self.shown: set[View] = set()
        """What is kept beside the dashboards that every tenant has: of these, with values of variables, or of single panels."""
        self.boards: dict[View, Dashboard] = {}
        """The dashboards that are kept, as its registry has them."""
        self.missing: list[Missing] = []
        """Whose past is to be read from the bus, since it is needed and not there."""
        self.version = 0
        """Of these: another one after each change of the registry that has come here."""
        self.history = History({})
        self.insights = Insights()
        self._needed = Needed()
        self._always_bytes = 0
        self.last_message_ms = 0
        self.service_names: dict[str, str] = {}
        """The names that services were given, by their tokens: of those that the history keeps."""
        self.refresh_now()
        self.missing.clear()  # at the start of the service all of the past is read anyway

    def refresh(self, now_ms: int) -> None:
        """Follows registry and documents, :data:`REFRESH_MS` after their changes at the latest, however many those are."""
        if now_ms - self._read_at >= REFRESH_MS:
            self._read_at = now_ms
            self.refresh_now()

    def refresh_now(self) -> None:
        """The same at once: a viewer asks for what may have been made a moment ago."""
        metrics, own = self._read(), self._read_own()
        if metrics is not self.metrics or own is not self.own:
            self.metrics, self.own = metrics, own
            self._build()

    def _build(self) -> None:
        documents = {document.name: document for document in ready(self.metrics)}
        self._always = [View(name) for name in documents]
        documents |= self.own
        self.shown = {view for view in self.shown if view.dashboard in documents}
        self.boards = {
            view: dashboard_of(documents[view.dashboard], self.metrics, view.chosen, view.panels)
            for view in (*self._always, *self.shown)
        }
        self._needed = Needed(needs_of([board]) for board in self.boards.values())
        self._always_bytes = _bytes(self.boards[view] for view in self._always)
        self.missing += self.history.require(self._needed.tables)
        self.version += 1

    def document(self, name: str) -> DashboardDocument | None:
        """The dashboard ``name`` as it is stored, or as every tenant has it; ``None`` where there is none."""
        if name in self.own:
            return self.own[name]
        return next((document for document in ready(self.metrics) if document.name == name), None)

    def show(self, view: View) -> None:
        """Keeps ``view`` from now on. Nothing changes for viewers of others."""
        document = self.document(view.dashboard)
        if document is None or view in self.boards:
            return
        self.shown.add(view)
        self.boards[view] = board = dashboard_of(document, self.metrics, view.chosen, view.panels)
        self._needed.add(needs := needs_of([board]))
        self.missing += self.history.require_more({key: self._needed.tables[key] for key in needs})

    def hide(self, view: View) -> None:
        """Keeps it no more: its memory is needed."""
        self.shown.remove(view)
        self._needed.remove(needs := needs_of([self.boards.pop(view)]))
        self.history.release(key for key in needs if key not in self._needed.tables)

    def room_bytes(self, more: View | None = None) -> int:
        """What is kept beside the dashboards that every tenant has takes at most, about; ``more``: with that one."""
        views, numbers = len(self.boards) - len(self._always), self._needed.bytes
        if more is not None and (document := self.document(more.dashboard)) is not None:
            views += 1
            board = dashboard_of(document, self.metrics, more.chosen, more.panels)
            numbers = self._needed.bytes_with(needs_of([board]))
        return views * VIEW_BYTES + numbers - self._always_bytes

    def take(self, aggregate: Aggregate, now_ms: int) -> dict[TableKey, list[Labels]]:
        """Keeps one revision of one window; returns the series whose number changed, by table."""
        self.refresh(now_ms)
        changed = self.history.take(aggregate, now_ms)
        if aggregate.service_names:
            for labels in chain.from_iterable(changed.values()):
                for label, value in labels:
                    if label == "service" and value in aggregate.service_names:
                        self.service_names.pop(value, None)
                        self.service_names[value] = aggregate.service_names[value]
            while len(self.service_names) > MAX_NAMES:
                del self.service_names[next(iter(self.service_names))]
        return changed


def needs_of(boards: Iterable[Dashboard]) -> dict[TableKey, Needs]:
    """What the history must keep for all of ``boards``."""
    return merge(need for board in boards for reading in board.readings for need in needs(reading))


def _bytes(boards: Iterable[Dashboard]) -> int:
    return sum(need.bytes(key.resolution) for key, need in needs_of(boards).items())
