"""What strangers may cost an HTTP server before anybody looks at what they ask: the limits, and the register of connections.

How this works
--------------
Every connection of a server is in one :class:`Connections`. Once a second :meth:`Connections.sweep` asks each of them whether
it has broken a limit of time and closes those that have: one timer for all, and nothing per request but a few attributes.

When one connection more than allowed comes in, room is made rather than the newcomer refused: first goes the oldest connection
that has not sent a complete request, then the oldest that waits between two requests. So a client that sends its request at
once is served while any number of half-sent headers is open, also from its own address: behind a reverse proxy everybody
has the same one. Only where every connection is being served, or is a WebSocket, is the newcomer refused.
"""

from __future__ import annotations

import enum
import logging
import resource
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from drishti.settings import setting

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class HttpLimits:
    """Limits of an HTTP server. They count from the first byte, before any key is looked at."""

    header_bytes: int = setting(
        "DRISHTI_HTTP_HEADER_BYTES", "bytes of a request's line and headers; beyond: 431 and a close", 32 * 1024
    )
    header_count: int = setting("DRISHTI_HTTP_HEADER_COUNT", "headers of one request; beyond: 431 and a close", 100)
    header_s: float = setting(
        "DRISHTI_HTTP_HEADER_S", "seconds in which a request's headers must be complete; beyond: 408 and a close", 10.0
    )
    body_s: float = setting(
        "DRISHTI_HTTP_BODY_S", "seconds in which a request's body must be complete; beyond: 408 and a close", 30.0
    )
    idle_s: float = setting("DRISHTI_HTTP_IDLE_S", "seconds that a connection may wait for its next request", 10.0)
    answer_s: float = setting(
        "DRISHTI_HTTP_ANSWER_S", "seconds in which a client must take in something of its answer, 8 kB per second of them", 20.0
    )
    connections: int = setting(
        "DRISHTI_HTTP_CONNECTIONS", "open connections; fewer where the process may not open that many files", 3000
    )
    connections_per_peer: int = setting(
        "DRISHTI_HTTP_CONNECTIONS_PER_PEER", "open connections from one address; a reverse proxy is one address", 2500
    )

    def __post_init__(self) -> None:
        for name, env, least in (
            ("header_bytes", "DRISHTI_HTTP_HEADER_BYTES", 1024),
            ("header_count", "DRISHTI_HTTP_HEADER_COUNT", 10),
            ("connections", "DRISHTI_HTTP_CONNECTIONS", 1),
            ("connections_per_peer", "DRISHTI_HTTP_CONNECTIONS_PER_PEER", 1),
        ):
            if getattr(self, name) < least:
                raise ValueError(f"{env}: must be {least} or more")
        for name in ("header_s", "body_s", "idle_s", "answer_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"DRISHTI_HTTP_{name.upper()}: must be more than 0")


SWEPT_AT_ONCE = 50
"""Connections that are checked, and perhaps closed, before the event loop has its turn."""

UNREAD_BYTES = 64 * 1024 * 1024
"""What may wait in this process for all clients together to read."""


class Closed(enum.StrEnum):
    """Why the server closed a connection, for the counter and the log."""

    HEADER_SIZE = "header_size"
    HEADER_TIME = "header_time"
    BODY_TIME = "body_time"
    BODY_UNREAD = "body_unread"
    """The answer did not need the request's body, and that was too long to be read for nothing."""
    CHUNK_OVERHEAD = "chunk_overhead"
    MALFORMED = "malformed"
    PIPELINE = "pipeline"
    FLOOD = "flood"
    """Frames of HTTP/2 that ask for nothing, or too much of a header."""
    ANSWER_UNREAD = "answer_unread"
    IDLE = "idle"
    EVICTED = "evicted"
    TOO_MANY = "too_many"
    WEBSOCKET_SILENT = "websocket_silent"
    WEBSOCKET_FLOOD = "websocket_flood"
    WEBSOCKET_MALFORMED = "websocket_malformed"


class Waiting(enum.IntEnum):
    """What a connection that may be closed to make room is waiting for; the lower one goes first."""

    REQUEST = 0
    NEXT_REQUEST = 1


class Evictable(NamedTuple):
    """The place of a connection among those that may be closed to make room; the lowest goes first."""

    waiting: Waiting
    since: float


class Served(Protocol):
    """A connection, as :class:`Connections` sees it."""

    peer: str
    is_websocket: bool

    def check(self, now: float) -> None:
        """Closes itself where it has broken a limit of time. ``now`` is the event loop's clock."""

    def evictable(self) -> Evictable | None:
        """Its place among those that may be closed to make room; ``None`` while it is being served."""

    def evict(self) -> None:
        """Closes itself to make room."""

    def unread(self) -> int:
        """Bytes of answers that this process holds for a client that has not taken them in yet."""

    def abort(self) -> None:
        """Closes itself at once, whatever is still to be sent."""


class Connections:
    """All connections of one server. Accounting only: what a limit means on the wire is the protocols' affair.

    ``closed`` counts by reason what was closed. ``websockets`` counts those of the connections that are WebSockets.
    """

    def __init__(self, limits: HttpLimits, *, most: int | None = None) -> None:
        self.limits = limits
        self.most = limits.connections if most is None else min(most, limits.connections)
        self.most_websockets = max(1, self.most * 3 // 4)
        self.websockets = 0
        self.closed: Counter[Closed] = Counter()
        self._open: set[Served] = set()
        self._peers: Counter[str] = Counter()
        self._candidates: dict[str | None, list[tuple[Evictable, Served]]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Served]:
        return iter(list(self._open))

    def add(self, connection: Served) -> bool:
        """Takes a new connection in, and makes room for it if need be; ``False`` where there is none to be made."""
        self._open.add(connection)
        self._peers[connection.peer] += 1
        if self._peers[connection.peer] > self.limits.connections_per_peer and not self._evict(connection.peer, connection):
            return False
        return len(self._open) <= self.most or self._evict(None, connection)

    def remove(self, connection: Served) -> None:
        """Forgets a connection, once or more often."""
        if connection not in self._open:
            return
        self._open.remove(connection)
        self.websockets -= connection.is_websocket
        self._peers[connection.peer] -= 1
        if not self._peers[connection.peer]:
            del self._peers[connection.peer]

    def adopt(self, websocket: Served) -> None:
        """Takes in a connection that was another's until now, which removed it: a WebSocket after its handshake."""
        self._open.add(websocket)
        self._peers[websocket.peer] += 1
        self.websockets += websocket.is_websocket

    def sweep(self, now: float) -> Iterator[None]:
        """Closes what has broken a limit of time; pauses after every :data:`SWEPT_AT_ONCE` for requests to be served."""
        self._candidates.clear()
        for number, connection in enumerate(self, start=1):
            try:
                connection.check(now)
            except Exception:
                # One connection in a state that nobody thought of must not end the watch over all others.
                log.exception("a connection could not be checked")
                self.remove(connection)
                connection.abort()
            if number % SWEPT_AT_ONCE == 0:
                yield
        self._bound_unread()

    def _bound_unread(self) -> None:
        """Drops those who let most pile up, where all together hold more than :data:`UNREAD_BYTES`."""
        held = [(connection.unread(), connection) for connection in self]
        total = sum(size for size, _ in held)
        if total <= UNREAD_BYTES:
            return
        for size, connection in sorted(held, key=lambda one: one[0], reverse=True):
            self.closed[Closed.ANSWER_UNREAD] += 1
            connection.abort()
            total -= size
            if total <= UNREAD_BYTES:
                return

    def abort(self) -> None:
        """Closes everything at once."""
        for connection in self:
            connection.abort()

    def _evict(self, peer: str | None, newcomer: Served) -> bool:
        """Closes the connection (of ``peer``) that comes first among the evictable ones, if there is one.

        Looking through all of them is dear when thousands come in a second: the order is kept until the next sweep or until it
        is used up, and an entry counts only while it is still true.
        """
        order = self._candidates.get(peer)
        for fresh in (False, True):
            if fresh or order is None:
                order = self._candidates[peer] = self._order(peer, newcomer)
            while order:
                place, connection = order.pop()
                if connection in self._open and connection.evictable() == place:
                    self.closed[Closed.EVICTED] += 1
                    self.remove(connection)
                    connection.evict()
                    return True
        return False

    def _order(self, peer: str | None, newcomer: Served) -> list[tuple[Evictable, Served]]:
        candidates = [
            (place, connection)
            for connection in self._open
            if connection is not newcomer
            and (peer is None or connection.peer == peer)
            and (place := connection.evictable()) is not None
        ]
        candidates.sort(key=lambda candidate: candidate[0], reverse=True)
        return candidates


SPARE_FILES = 128
"""Files that a process needs beside its connections: logs, the bus, the database, exporters, libraries' own."""


def connections_within(limits: HttpLimits, *, files_each: int = 1) -> Connections:
    """The register for a server whose connections need ``files_each`` open files, with leave of the system to open as many.

    Where the system allows fewer, fewer connections are taken: a server that runs out of files can neither accept another
    connection nor reach the bus or the database again.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.connections * files_each + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return Connections(limits, most=most_connections(limits.connections, files_each, soft))


def most_connections(wanted: int, files_each: int, files: int) -> int:
    """How many connections fit into ``files`` open ones, at most ``wanted``; few files are shared half and half."""
    if files == resource.RLIM_INFINITY:
        return wanted
    return max(1, min(wanted, (files - min(SPARE_FILES, files // 2)) // files_each))
