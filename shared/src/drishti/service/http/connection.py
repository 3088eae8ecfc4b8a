"""What an HTTP connection and a WebSocket have in common for the register of connections."""

from __future__ import annotations

import asyncio

from drishti.service.http.limits import Closed, Connections
from drishti.service.http.transport import WatchedTransport

LEAVE_S = 3.0
"""At shutdown: how long is waited for a client to send the rest of a body, or to take in what was sent to it."""


class LimitedConnection:
    """Mixed into uvicorn's protocols, which do the rest. :meth:`_keep_limits` comes first.

    With ``check`` and ``evictable``, which the protocols have themselves, it is a :class:`~drishti.service.http.limits.Served`.
    """

    transport: WatchedTransport
    loop: asyncio.AbstractEventLoop
    is_websocket = False

    def _keep_limits(self, connections: Connections) -> None:
        self.peer = ""
        self._connections = connections
        self._limits = connections.limits
        self._leaving_since: float | None = None

    def _leave(self) -> None:
        """The server shuts down: clients have :data:`LEAVE_S` left."""
        self._leaving_since = self.loop.time()

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
