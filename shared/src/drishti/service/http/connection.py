"""What an HTTP connection and a WebSocket have in common for the register of connections."""

from __future__ import annotations

import abc
import asyncio

from drishti.service.http.limits import Closed, Connections, Evictable
from drishti.service.http.transport import WatchedTransport

LEAVE_S = 3.0
"""At shutdown: how long is waited for a client to send the rest of a body, or to take in what was sent to it."""


class LimitedConnection(asyncio.Protocol, abc.ABC):
    """A :class:`~drishti.service.http.limits.Served`. Among the bases of a class it stands before one of uvicorn's protocols,
    which does the rest. :meth:`_keep_limits` comes first."""

    transport: WatchedTransport
    loop: asyncio.AbstractEventLoop
    is_websocket = False

    def _keep_limits(self, connections: Connections) -> None:
        self.peer = ""
        self._connections = connections
        self._limits = connections.limits
        self._leaving_since: float | None = None

    @abc.abstractmethod
    def check(self, now: float) -> None: ...

    @abc.abstractmethod
    def evictable(self) -> Evictable | None: ...

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.remove(self)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """uvicorn calls this when the server shuts down: clients have :data:`LEAVE_S` left."""
        self._leaving_since = self.loop.time()
        super().shutdown()  # type: ignore[misc]  # of uvicorn's protocol, the next of the bases

    def _count(self, why: Closed) -> None:
        self._connections.closed[why] += 1

    def _drop_if_unread(self, now: float) -> bool:
        """Drops the client where it takes in too little of what is sent to it; whether that was so."""
        limit_s = self._limits.answer_s if self._leaving_since is None else min(LEAVE_S, self._limits.answer_s)
        if not self.transport.unread_too_long(now, limit_s):
            return False
        self._count(Closed.ANSWER_UNREAD)
        self.transport.abort()
        return True

    def evict(self) -> None:
        self.transport.abort()

    def unread(self) -> int:
        return self.transport.get_write_buffer_size()

    def abort(self) -> None:
        self.transport.abort()
