"""uvicorn's HTTP/1.1 protocol with limits from the first byte to the last.

How this works
--------------
uvicorn parses with httptools and leaves every limit to whoever stands in front of it; nobody has to stand in front of us. This
subclass knows how far the request has come that is being received (``_reading``), how many requests are not answered yet
(``_unanswered``), whether it waits for another (``_idle``), and since when (``_since``). From these follow all limits:

* Bytes are given to the parser in pieces no larger than a header may be, so that a header that is too long is noticed.
* What a chunked body brings beside its data (sizes, extensions, trailers) is bounded by the data. Trailers are dropped: uvicorn
  would add them to the headers that the application is looking at.
* At most :data:`~drishti.service.http.refusals.PIPELINED` requests wait behind one that is being served.
* A request that is refused here is answered after those before it, and the connection ends. What is still being sent is read
  and thrown away for a moment, within bounds: a close with unread bytes would reset the connection, and many clients would
  never see the answer. So it is with an answer that was given before the body was read, unless little is left of that.
* ``Upgrade`` to anything but a WebSocket is ignored, as HTTP has it. The parser would take the body that follows for another
  request; it is given the request again, without the header.

What is relied on of uvicorn's internals is checked by ``tests/unit/shared/test_http_protocol.py``.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from drishti.service.http.connection import LEAVE_S, LimitedConnection
from drishti.service.http.limits import Closed, Connections, Evictable, Waiting
from drishti.service.http.refusals import (
    BODY_LATE,
    CHUNK_SIZES,
    CONNECT,
    HEADER_LATE,
    MALFORMED,
    PIPELINE,
    PIPELINED,
    TOO_MANY,
    TOO_MANY_WEBSOCKETS,
    LastAnswer,
    encoded,
    malformed,
)
from drishti.service.http.transport import WatchedTransport

CHUNK_OVERHEAD = 16
"""Bytes that a chunked body may bring for each byte of data; chunks of one byte need 5."""

SHORT_REST_BYTES = 64 * 1024
"""What may be left of a body that nobody wants, for the connection to be used again after it."""

DISCARD_BYTES = 32 * 1024 * 1024
DISCARD_S = 5.0
"""What is read of a longer one so that its sender gets to see the answer: as much as exporters send at once."""

DISCARD_REFUSED_BYTES = 64 * 1024
DISCARD_REFUSED_S = 1.0
"""The same after what is no request, or too much of one."""


_NOTHING, _HEADER, _BODY = range(3)
"""How far the request has come that is being received. Plain numbers: they are looked at several times per request."""


class _Stop(Exception):
    """Ends the parsing from within one of its callbacks."""


class LimitedHttpProtocol(LimitedConnection, HttpToolsProtocol):
    """One connection. ``connections`` has the limits, and knows every other connection of the server."""

    transport: WatchedTransport

    def __init__(self, *arguments: Any, connections: Connections, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._keep_limits(connections)
        self._most = connections.limits.header_bytes
        self._reading = _NOTHING
        self._idle = False
        self._since = 0.0
        self._unanswered = 0
        self._received = False
        self._header_bytes = 0
        self._body_bytes = 0
        self._wire_bytes = 0
        self._trailers = 0
        self._keep_alive: bool | None = None
        self._other_upgrade = False
        self._refused: LastAnswer | None = None
        self._discard_until: float | None = None
        self._discardable = 0

    # the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(WatchedTransport(cast("asyncio.Transport", transport), self._close))
        self.peer = self.client[0] if self.client else ""
        self._since = self.loop.time()
        if not self._connections.add(self):
            self._refuse(TOO_MANY)

    def _close(self) -> None:
        """uvicorn is done with the connection; the client may still be sending a body."""
        if self._reading == _BODY and self._leaving_since is None:
            self._count(Closed.BODY_UNREAD)
            self._discard(DISCARD_BYTES, DISCARD_S)
        else:
            self.transport.close_now()

    def _discard(self, count: int, seconds: float) -> None:
        """Ends our side of the connection, and reads on for a while."""
        self._discardable = count
        self._discard_until = self.loop.time() + seconds
        self.transport.end_writing()
        self.flow.resume_reading()

    # what other parts of the server ask

    def check(self, now: float) -> None:
        """Closes the connection where a limit of time is broken."""
        limits, leaving = self._limits, self._leaving_since
        if self._drop_if_unread(now):
            return
        if self._discard_until is not None:
            if now > self._discard_until or leaving is not None:
                self.transport.close_now()
        elif self._refused is not None or self.transport.is_closing():
            return
        elif self._reading == _BODY:
            limit_s = limits.body_s if self._unanswered else limits.header_s
            if now - self._since > limit_s or (leaving is not None and now - leaving > LEAVE_S):
                self._refuse(BODY_LATE)
        elif self._idle:
            if now - self._since > limits.idle_s:
                self._count(Closed.IDLE)
                self.transport.close_now()
        elif (self._reading == _HEADER or not self._unanswered) and now - self._since > limits.header_s:
            self._refuse(HEADER_LATE)

    def evictable(self) -> Evictable | None:
        if self._idle:
            return Evictable(Waiting.NEXT_REQUEST, self._since)
        if self._unanswered > (1 if self._reading == _BODY else 0):
            return None
        return Evictable(Waiting.REQUEST, self._since)

    # what comes in

    def data_received(self, data: bytes) -> None:
        if self._idle and len(data) <= self._most:  # mostly a whole request
            self._idle = False
            try:
                self.parser.feed_data(data)
            except (httptools.HttpParserUpgrade, httptools.HttpParserError) as stopped:
                self._since = self.loop.time()
                self._stopped(stopped, data)
                return
            if self._reading == _NOTHING and self._unanswered:
                return
            self._since = self.loop.time()
            self._look_at_rest(len(data), whole=True, in_body=False)
        elif self._refused is not None or self._discard_until is not None:
            self._throw_away(len(data))
        else:
            self._feed_in_pieces(memoryview(data))

    def _feed_in_pieces(self, rest: memoryview) -> None:
        if self._idle:
            self._idle = False
            self._since = self.loop.time()
        self._received = True
        while rest:
            piece = rest[: self._most if self._reading == _BODY else self._most - self._header_bytes]
            rest = rest[len(piece) :]
            if not self._feed(piece):
                if self._discard_until is not None:
                    self._throw_away(len(rest))
                return

    def _feed(self, piece: memoryview) -> bool:
        """Gives the parser a piece; whether it may be given more."""
        in_body = self._reading == _BODY
        whole = self._reading == _HEADER or not (in_body or self._unanswered)
        if in_body:
            self._wire_bytes += len(piece)
        try:
            self.parser.feed_data(piece)
        except (httptools.HttpParserUpgrade, httptools.HttpParserError) as stopped:
            return self._stopped(stopped, piece)
        return self._look_at_rest(len(piece), whole=whole, in_body=in_body)

    def _look_at_rest(self, size: int, *, whole: bool, in_body: bool) -> bool:
        """Checks the limits of a request that is not complete after a piece of ``size`` bytes; whether they are kept.

        ``whole``: all of the piece belongs to that request's header; ``in_body``: the body had begun before the piece.
        """
        if self._reading == _BODY:
            if not in_body:
                self._expect_body()
            if self._wire_bytes - self._body_bytes > self._most + CHUNK_OVERHEAD * self._body_bytes:
                self._refuse(CHUNK_SIZES)
                return False
        elif self._reading == _HEADER or not (self._unanswered or self._idle):
            self._header_bytes += size if whole else 0
            if self._header_bytes >= self._most:
                message = f"the request line and the headers are longer than {self._most} bytes"
                self._refuse(LastAnswer(431, message, Closed.HEADER_SIZE))
                return False
        return True

    def _stopped(self, stopped: Exception, data: bytes | memoryview) -> bool:
        """The parser stopped, at an ``Upgrade`` or at an error; whether it may be given more."""
        if isinstance(stopped, httptools.HttpParserUpgrade):
            return self._upgrade(memoryview(data)[stopped.args[0] :])
        self._refuse(self._refused or malformed(stopped))
        return False

    def _expect_body(self) -> None:
        """The body does not come with the headers: an answer that does not wait for a long one will end the connection."""
        self._since = self.loop.time()
        if self._rest_of_body() > SHORT_REST_BYTES:
            self._keep_alive, self.cycle.keep_alive = self.cycle.keep_alive, False

    def _rest_of_body(self) -> float:
        """Bytes that are still to come; infinite where nobody knows, or they wait for a ``100 Continue``."""
        if not self.expect_100_continue:
            for name, value in self.headers:
                if name == b"content-length":
                    return int(value) - self._body_bytes
        return float("inf")

    def _throw_away(self, size: int) -> None:
        if self._discard_until is None:  # requests before the refused one are still being answered
            self.flow.pause_reading()
            return
        self._discardable -= size
        if self._discardable < 0:
            self.transport.close_now()

    def _upgrade(self, rest: memoryview) -> bool:
        if not self._other_upgrade:
            return self._upgrade_to_websocket(rest)
        self._other_upgrade = False
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(CONNECT)
            return False
        head = [method, b" ", self.url, b" HTTP/", self.parser.get_http_version().encode(), b"\r\n"]
        for name, value in self.headers:
            if name != b"upgrade":
                head += [name, b": ", value, b"\r\n"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        try:
            self.parser.feed_data(b"".join([*head, b"\r\n"]))
        except httptools.HttpParserError as error:
            return self._stopped(error, b"")
        if self._reading == _BODY:
            self._expect_body()
        return self._feed(rest) if rest else True

    def _upgrade_to_websocket(self, rest: memoryview) -> bool:
        if rest or self._unanswered:
            self._refuse(MALFORMED)  # nothing may follow a handshake, nor it something, before it is answered
        elif self._connections.websockets >= self._connections.most_websockets:
            self._refuse(TOO_MANY_WEBSOCKETS)
        else:
            self._reading = _NOTHING
            self._connections.remove(self)
            self.handle_websocket_upgrade()
        return False

    # the parser's callbacks

    def on_message_begin(self) -> None:
        HttpToolsProtocol.on_message_begin(self)
        self._reading = _HEADER
        if self._unanswered:  # it came behind others: its time begins now
            self._since = self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._reading == _BODY:
            self._trailers += 1
            if self._trailers > self._limits.header_count:
                self._stop(CHUNK_SIZES)
            return
        # As uvicorn does, without calling it for every header.
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if len(self.headers) > self._limits.header_count:
            self._stop(LastAnswer(431, f"there are more than {self._limits.header_count} headers", Closed.HEADER_SIZE))
        if len(self.pipeline) >= PIPELINED:
            self._stop(PIPELINE)
        upgrades = self.parser.should_upgrade()
        # Private to uvicorn, which asks the same below: another opinion of what asks for a WebSocket could differ from its own.
        if upgrades and not self._should_upgrade():
            self._other_upgrade = True
            return
        HttpToolsProtocol.on_headers_complete(self)
        if upgrades:
            return
        self._reading = _BODY
        self._unanswered += 1
        self._header_bytes = self._body_bytes = self._wire_bytes = self._trailers = 0
        self._keep_alive = None

    # The next two do what uvicorn's do, without asking once more whether the request is an upgrade.

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self._reading != _BODY:  # an upgrade, which has none
            return
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()
        self._reading = _NOTHING
        if self._keep_alive and not self.cycle.response_started and self._leaving_since is None:
            self.cycle.keep_alive = True
        if not self._unanswered:  # the rest of a body whose request was answered before
            self._wait_for_next()

    def _stop(self, refusal: LastAnswer) -> None:
        self._refused = refusal
        raise _Stop

    # what goes out

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self._unanswered -= 1
        if self.transport.closing:
            return
        if self.pipeline:
            self.flow.resume_reading()
            # Private to uvicorn: it keeps the tasks that its shutdown waits for, and what else belongs to a request's start.
            self._start_asgi_task(*self.pipeline.pop())
        elif self._refused is not None:
            self._answer(self._refused)
        else:
            self.flow.resume_reading()
            if self._reading == _NOTHING:
                self._wait_for_next()
            elif not self._unanswered:
                self._since = self.loop.time()

    def _wait_for_next(self) -> None:
        self._idle = True
        self._since = self.loop.time()

    def _refuse(self, refusal: LastAnswer) -> None:
        """Answers with ``refusal`` when all requests before are answered; the request that is being read gets no other."""
        self._refused = refusal
        self._count(refusal.reason)
        if self._reading == _BODY and not self._give_up_request():
            self.transport.close_now()
        elif self._unanswered:
            self.flow.pause_reading()
        elif self._received or refusal is TOO_MANY:
            self._answer(refusal)
        else:
            self.transport.close_now()

    def _give_up_request(self) -> bool:
        """Takes the request whose body is coming from the application; whether it can still be answered by another."""
        cycle = self.cycle
        if cycle.response_complete:
            return False
        self._unanswered -= 1
        if self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
            return True
        cycle.disconnected = True
        cycle.message_event.set()
        return not cycle.response_started

    def _answer(self, refusal: LastAnswer) -> None:
        self.transport.write(encoded(refusal, self.server_state.default_headers))
        if refusal is TOO_MANY or self._leaving_since is not None:
            self.transport.close_now()
        else:
            self._discard(DISCARD_REFUSED_BYTES, DISCARD_REFUSED_S)
