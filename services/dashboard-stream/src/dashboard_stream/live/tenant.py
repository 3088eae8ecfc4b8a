"""What is known of one tenant: its dashboards, the history that they need, and what models say. Pure.

Of the dashboards that a tenant made itself only those are kept that somebody opened (:meth:`Tenant.show`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import chain

from dashboard_stream.boards.dashboards import Dashboard, Metrics, dashboard_of
from dashboard_stream.boards.readings import Labels
from dashboard_stream.boards.ready import READY, ready
from dashboard_stream.live.history import History, Missing, Needs, TableKey, merge
from dashboard_stream.live.insights import Insights
from dashboard_stream.live.values import needs
from drishti.dashboards.documents import DashboardDocument
from drishti.events import Aggregate

MAX_NAMES = 256
"""Names of services that are remembered of a tenant; the oldest gives way."""

REFRESH_MS = 500
"""How long a change of a tenant's metrics may wait until its dashboards show it: definitions can come by the thousand."""


class Tenant:
    """What is known of one tenant, whose registry ``metrics`` reads and whose own dashboards ``own`` reads."""

    def __init__(self, name: str, metrics: Callable[[], Metrics], own: Callable[[], Mapping[str, DashboardDocument]]) -> None:
        self.name = name
        self._read = metrics
        self._read_own = own
        self._read_at = 0
        self.metrics: Metrics = {}
        self.own: Mapping[str, DashboardDocument] = {}
        """The dashboards that it made itself."""
        self.shown: dict[str, None] = {}
        """Which of these are kept, the first one opened first."""
        self.boards: dict[str, Dashboard] = {}
        """The dashboards that are kept, as its registry has them."""
        self.missing: list[Missing] = []
        """Whose past is to be read from the bus, since it is needed and not there."""
        self.version = 0
        """Of these: another one after each change of the registry that has come here."""
        self.history = History({})
        self.insights = Insights()
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
        """The same at once: somebody asks for what may have been made a moment ago."""
        metrics, own = self._read(), self._read_own()
        if metrics is not self.metrics or own is not self.own:
            self.metrics, self.own = metrics, own
            self._build()

    def _build(self) -> None:
        self.shown = {name: None for name in self.shown if name in self.own}
        documents = (*ready(self.metrics), *(self.own[name] for name in self.shown))
        self.boards = {document.name: dashboard_of(document, self.metrics) for document in documents}
        self.missing += self.history.require(needs_of(self.boards.values()))
        self.version += 1

    def show(self, name: str) -> None:
        """Keeps the dashboard ``name`` of its own from now on."""
        self.shown[name] = None
        self._build()

    def hide(self, name: str) -> None:
        """Keeps it no more: its room is needed."""
        del self.shown[name]
        self._build()

    def room_bytes(self, more: str | None = None) -> int:
        """What its own dashboards take beside those that every tenant has; ``more``: with that one."""
        boards = list(self.boards.values())
        if more is not None:
            boards.append(dashboard_of(self.own[more], self.metrics))
        return _bytes(boards) - _bytes(board for board in boards if board.name in READY)

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
