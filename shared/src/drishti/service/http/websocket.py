"""uvicorn's WebSocket protocol for clients that mainly receive: what they send is small and rare, and they answer pings.

The handshake came through :mod:`drishti.service.http.protocol`, with its limits. Afterwards:

* A message may have :data:`MESSAGE_BYTES` in :data:`FRAGMENTS` frames, and must be complete in the time that headers have.
* A client may send :data:`BURST_BYTES` at once and :data:`BYTES_PER_S` on average, control frames included: each ping is
  answered, so a flood of them would fill the buffer of a client that does not read. A frame counts as :data:`FRAME_BYTES` more
  than it has: reading it takes the same time however small it is.
* The first ping goes out with the answer to the handshake, and nothing else before its pong is here: many sockets that only
  take up room cost little more than their handshakes. The application waits in ``send``, as for a client that reads slowly.
* An application may write frames that were encoded once for many clients, compressed where a client can read that
  (:mod:`drishti.service.http.encoded`).
* A client that does not answer a ping within :data:`PONG_WITHIN_S` is closed by uvicorn; one that takes in nothing of what is
  sent to it, by the watch over its transport. Either way the application's next ``send`` fails as for a client that left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request

from drishti.service.http import encoded
from drishti.service.http.connection import LimitedConnection
from drishti.service.http.limits import Closed, Connections, Evictable
from drishti.service.http.transport import WatchedTransport

PING_EVERY_S = 10.0
PONG_WITHIN_S = 15.0
MESSAGE_BYTES = 64 * 1024
FRAGMENTS = 64
BURST_BYTES = 128 * 1024
BYTES_PER_S = 8 * 1024
FRAME_BYTES = 512
"""What a frame costs beside its bytes: so there may be some 250 at once, and 16 a second on average."""

PIECE_BYTES = 1024
"""What is parsed at once: more than a hundred of the smallest frames, and then they are counted."""


class LimitedWebSocketProtocol(LimitedConnection, WebSocketsSansIOProtocol):
    """One WebSocket. ``connections`` has the limits, and counts it among the others."""

    transport: WatchedTransport
    is_websocket = True

    def __init__(self, *arguments: Any, connections: Connections, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._keep_limits(connections)
        self.conn.available_extensions = [encoded.NEGOTIATED]
        self._allowance = float(BURST_BYTES)
        self._allowed_at = self.loop.time()
        self._message_since: float | None = None
        self._answers_pings = False
        self._buffer_full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.peer = self.client[0] if self.client else ""
        self._connections.adopt(self)

    def check(self, now: float) -> None:
        """Closes the connection where a limit of time is broken."""
        if self._drop_if_unread(now):
            return
        if self._message_since is not None and now - self._message_since > self._limits.header_s:
            self._fail(CloseCode.POLICY_VIOLATION, "a message did not end in time", Closed.WEBSOCKET_FLOOD)

    def evictable(self) -> Evictable | None:
        return None

    def data_received(self, data: bytes) -> None:
        now = self.loop.time()
        self._allowance = min(BURST_BYTES, self._allowance + (now - self._allowed_at) * BYTES_PER_S) - len(data)
        self._allowed_at = now
        for start in range(0, len(data), PIECE_BYTES):
            if self.disconnected or self.transport.is_closing():
                return
            if self._allowance < 0:
                self._fail(CloseCode.POLICY_VIOLATION, "too much was sent", Closed.WEBSOCKET_FLOOD)
                return
            super().data_received(data[start : start + PIECE_BYTES])
            if self.conn.handshake_exc is not None and not self.handshake_initiated:
                self._refuse_handshake()
            if len(self.frames) > FRAGMENTS:
                self._fail(CloseCode.MESSAGE_TOO_BIG, "a message had too many fragments", Closed.WEBSOCKET_FLOOD)
        if not self.frames:
            self._message_since = None
        elif self._message_since is None:
            self._message_since = now

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:  # the application's task, which reads the scope, has not begun yet
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[encoded.EXTENSION] = self

    @property
    def gone(self) -> bool:
        return self.disconnected or self.close_sent or self.transport.closing

    @property
    def deflates(self) -> bool:
        return bool(self.conn.extensions)

    def lend_writer(self, on_return: Callable[[], None]) -> encoded.Write | None:
        """See :class:`drishti.service.http.encoded.EncodedFrames`."""
        if not self.writable.is_set() or self.gone:
            return None
        return self.transport.lend(on_return)

    def end_writer(self) -> None:
        """See :class:`drishti.service.http.encoded.EncodedFrames`."""
        self.transport.take_back()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport.take_back()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        self._allowance -= len(self.conn.events) * FRAME_BYTES
        super().handle_events()

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self._fail(CloseCode.INVALID_DATA, "text must be UTF-8", Closed.WEBSOCKET_MALFORMED)
                return
        super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        self._count(Closed.WEBSOCKET_MALFORMED)
        super().handle_parser_exception()
        self._give_up()

    def _refuse_handshake(self) -> None:
        """The library has its own idea of a request, stricter than HTTP's; uvicorn would leave the client without an answer."""
        self._count(Closed.WEBSOCKET_MALFORMED)
        answer = b"".join(self.conn.data_to_send())
        self.transport.write(answer or STATUS_LINE[400] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self._hang_up()

    def start_keepalive(self) -> None:
        self.send_keepalive_ping()
        self.writable.clear()

    def handle_pong(self, event: Frame) -> None:
        super().handle_pong(event)
        if not self._answers_pings and self.pending_ping_payload is None:
            self._answers_pings = True
            self._let_write()

    def pause_writing(self) -> None:
        self._buffer_full = True
        super().pause_writing()
        self.transport.take_back()

    def resume_writing(self) -> None:
        self._buffer_full = False
        self._let_write()

    def _let_write(self) -> None:
        if self._answers_pings and not self._buffer_full:
            self.writable.set()

    def keepalive_timeout(self) -> None:
        if not (self.close_sent or self.transport.is_closing()):
            self._count(Closed.WEBSOCKET_SILENT)
        super().keepalive_timeout()
        self._give_up()

    def _fail(self, code: CloseCode, reason: str, why: Closed) -> None:
        if self.disconnected or self.transport.is_closing():
            return
        self._count(why)
        if self.handshake_complete:
            self.conn.fail(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
        self._hang_up()

    def _hang_up(self) -> None:
        self.close_sent = True
        self.transport.close()
        self._give_up()

    def _give_up(self) -> None:
        """For the application the client is gone, also while the last bytes wait for it to read them."""
        self.transport.take_back()
        self.disconnected = True
        self.writable.set()
