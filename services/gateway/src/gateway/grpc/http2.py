"""The HTTP/2 of a connection: frames, header blocks, streams and windows, with limits from the first byte to the last.

How this works
--------------
HPACK is a library's; the rest is here, for the limits' sake:

* A frame may have :data:`MAX_FRAME`, known from its first three bytes; a header block :data:`HEADER_BYTES`.
* What a client may make this process do for nothing (pings, settings, resets by either side, small frames, refused requests,
  header blocks by their length) is paid for from an allowance that time and answers refill; without any left the connection
  ends: ``ENHANCE_YOUR_CALM``.
* Frames are read for :data:`READ_S` before the event loop serves others.
* Of a request that is over already no more comes than its window had room for.
* An answer of headers needs no table of the client's; one with a body waits until it fits into the client's windows.
* At shutdown ``GOAWAY`` says which requests will be answered; clients send the others elsewhere.

What a request means is a subclass's affair.
"""

from __future__ import annotations

import abc
import asyncio
from typing import cast

from drishti.service.http.connection import LimitedConnection
from drishti.service.http.limits import Closed, Connections
from drishti.service.http.transport import WatchedTransport
from gateway.grpc import frames, messages
from gateway.grpc.allowance import HEADER_COSTS, RESET_COSTS, SETTING_COSTS, SMALL_FRAME, Allowance
from gateway.grpc.frames import Code, Http2Error, Kind, Setting
from gateway.grpc.header_decoder import HeaderDecoder
from gateway.grpc.streams import Stream

MAX_FRAME = 64 * 1024
STREAM_WINDOW = 256 * 1024
CONNECTION_WINDOW = 1024 * 1024
"""What a client may send before it is told that it was read. Everything is read as it comes, so that none is ever full."""

STREAMS = 100
"""Requests of one connection at once; a client waits with the others."""

READ_S = 0.0005
"""So long frames of one connection are read before others have their turn."""

HEADER_BYTES = 16 * 1024
"""Of a header block, also decoded: what gRPC's own servers take at most. Decoding costs about a microsecond a byte."""

_NOT_HTTP2 = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n"
    b"this port takes OTLP/gRPC (HTTP/2); OTLP/HTTP and all the rest is on the gateway's other port\n"
)

_BEGINNING = frames.header_block(200, messages.HEADERS)
_OK = frames.header_block(None, messages.OK)


class Http2Connection(LimitedConnection):
    """The server's side of one connection."""

    def __init__(self, connections: Connections) -> None:
        self._keep_limits(connections)
        self.loop = asyncio.get_running_loop()
        self._since = self.loop.time()
        self._rest = b""
        self._paused = self._greeted = self._has_settings = False
        self._header_bytes = min(HEADER_BYTES, self._limits.header_bytes)
        self._decoder = HeaderDecoder(self._header_bytes)
        self._streams: dict[int, Stream] = {}
        self._last = 0
        self._block: list[bytes] = []
        self._block_of = self._block_flags = self._block_size = 0
        self._unacknowledged = self._unwanted = 0
        self._window = self._first_window = frames.DEFAULT_WINDOW
        self._allowance = Allowance(self._since)

    @abc.abstractmethod
    def _begin(self, number: int, headers: list[tuple[bytes, bytes]], ended: bool) -> Stream | None:
        """The stream of a new request; ``None`` where it is answered already."""

    @abc.abstractmethod
    def _take(self, number: int, stream: Stream) -> bool:
        """Looks at more of a body; whether it is still wanted."""

    @abc.abstractmethod
    def _end(self, number: int, stream: Stream) -> None:
        """All of a body has come."""

    @abc.abstractmethod
    def _abandon(self, stream: Stream) -> None:
        """The client does not wait for the answer any more."""

    # the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = WatchedTransport(cast("asyncio.Transport", transport), self._close)
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if peer else ""
        if not self._connections.add(self):
            self._count(Closed.TOO_MANY)
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for stream in self._streams.values():
            self._abandon(stream)
        self._streams.clear()

    def _close(self) -> None:
        self.transport.close_now()

    def shutdown(self) -> None:
        """Answers the requests that have begun, and takes no others."""
        self._leaving_since = self.loop.time()
        if self._greeted:
            self.transport.write(frames.goaway(self._last, Code.NO_ERROR))
        self._leave_if_done()

    def _leave_if_done(self) -> None:
        if self._leaving_since is not None and not self._streams:
            self.transport.close_now()

    def _fail(self, error: Http2Error) -> None:
        if self.transport.is_closing():
            return
        self._count(Closed.FLOOD if error.code == Code.ENHANCE_YOUR_CALM else Closed.MALFORMED)
        self.transport.write(frames.goaway(self._last, error.code, str(error)))
        self.transport.close_now()

    # what comes in

    def data_received(self, data: bytes) -> None:
        self._rest = self._rest + data if self._rest else data
        if not self._paused:  # else what came before is still to be read
            self._read()

    def _read(self) -> None:
        try:
            more = self._read_frames() if self._greeted or self._greet() else False
        except Http2Error as error:
            self._fail(error)
            return
        if self.transport.is_closing():
            return
        if more and not self._paused:
            self.transport.pause_reading()
        elif self._paused and not more:
            self.transport.resume_reading()
        self._paused = more
        if more:
            self.loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        if not self.transport.is_closing():
            self._read()

    def _greet(self) -> bool:
        """Whether the client's first bytes are there, which are always the same."""
        if not frames.PREFACE.startswith(self._rest[: len(frames.PREFACE)]):
            self._count(Closed.MALFORMED)
            self.transport.write(_NOT_HTTP2)
            self.transport.close_now()
            return False
        if len(self._rest) < len(frames.PREFACE):
            return False
        self._rest = self._rest[len(frames.PREFACE) :]
        self._greeted = True
        ours = (
            (Setting.MAX_CONCURRENT_STREAMS, STREAMS),
            (Setting.INITIAL_WINDOW_SIZE, STREAM_WINDOW),
            (Setting.MAX_FRAME_SIZE, MAX_FRAME),
            (Setting.MAX_HEADER_LIST_SIZE, self._header_bytes),
        )
        self.transport.write(frames.settings(ours) + frames.window_update(0, CONNECTION_WINDOW - frames.DEFAULT_WINDOW))
        return True

    def _read_frames(self) -> bool:
        """Reads what is whole of the bytes that came, and not too much; whether there may be more."""
        data, at = self._rest, 0
        until = self.loop.time() + READ_S
        try:
            while len(data) - at >= frames.HEADER_BYTES:
                start = at + frames.HEADER_BYTES
                length = int.from_bytes(data[at : at + 3], "big")
                if length > MAX_FRAME:
                    raise Http2Error(Code.FRAME_SIZE_ERROR, f"a frame may have {MAX_FRAME} bytes")
                if start + length > len(data):
                    break
                kind, flags = data[at + 3], data[at + 4]
                number = int.from_bytes(data[at + 5 : start], "big") & frames.MAX_WINDOW
                at = start + length
                self._take_frame(kind, flags, number, data[start:at])
                if self.transport.is_closing():
                    return False
                if self.loop.time() > until:
                    return True
        finally:
            self._rest = data[at:]
        return False

    def _take_frame(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        if self._block and (kind != Kind.CONTINUATION or number != self._block_of):
            raise Http2Error(Code.PROTOCOL_ERROR, "a header block must be complete before anything else is sent")
        if not self._has_settings and kind != Kind.SETTINGS:
            raise Http2Error(Code.PROTOCOL_ERROR, "the first frame must be SETTINGS")
        if kind == Kind.DATA:
            self._take_data(flags, number, payload)
        elif kind == Kind.HEADERS:
            self._take_headers(number, frames.block_of(payload, flags), flags)
        else:
            self._allowance.spend(RESET_COSTS if kind == Kind.RST_STREAM else 1.0)
            self._take_other(kind, flags, number, payload)

    def _take_other(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        size = len(payload)
        if kind == Kind.WINDOW_UPDATE:
            frames.expect(number <= self._last, size == 4)
            self._widen(number, int.from_bytes(payload, "big") & frames.MAX_WINDOW)
        elif kind == Kind.PING:
            frames.expect(number == 0, size == 8)
            if not flags & frames.ACK:
                self.transport.write(frames.frame(Kind.PING, 0, payload, frames.ACK))
        elif kind == Kind.SETTINGS:
            frames.expect(number == 0, size % 6 == 0 and not (flags & frames.ACK and payload))
            self._has_settings = True
            if not flags & frames.ACK:
                self._take_settings(payload)
        elif kind == Kind.CONTINUATION:
            if not self._block:
                raise Http2Error(Code.PROTOCOL_ERROR, "CONTINUATION without HEADERS")
            self._take_headers(number, payload, flags)
        elif kind == Kind.RST_STREAM:
            frames.expect(0 < number <= self._last, size == 4)
            stream = self._streams.pop(number, None)
            if stream is not None:
                self._abandon(stream)
                self._at_rest()
        elif kind == Kind.GOAWAY:
            frames.expect(number == 0, size >= 8)
            if not self._streams:
                self.transport.close_now()
        elif kind == Kind.PRIORITY:
            frames.expect(number > 0, size == 5)
        elif kind == Kind.PUSH_PROMISE:
            raise Http2Error(Code.PROTOCOL_ERROR, "a client may not push")

    def _take_settings(self, payload: bytes) -> None:
        for at in range(0, len(payload), 6):
            self._allowance.spend(SETTING_COSTS)
            name, value = int.from_bytes(payload[at : at + 2], "big"), int.from_bytes(payload[at + 2 : at + 6], "big")
            if name == Setting.INITIAL_WINDOW_SIZE:
                if value > frames.MAX_WINDOW:
                    raise Http2Error(Code.FLOW_CONTROL_ERROR, "the window is too large")
                change, self._first_window = value - self._first_window, value
                for stream in self._streams.values():
                    stream.window += change
                    if stream.window > frames.MAX_WINDOW:
                        raise Http2Error(Code.FLOW_CONTROL_ERROR, "the window of a stream is too large")
            elif name == Setting.MAX_FRAME_SIZE and not frames.LEAST_MAX_FRAME <= value < 2**24:
                raise Http2Error(Code.PROTOCOL_ERROR, "no such size of a frame")
        self.transport.write(frames.frame(Kind.SETTINGS, 0, b"", frames.ACK))
        self._write_waiting()

    def _widen(self, number: int, count: int) -> None:
        stream = self._streams.get(number)
        if number == 0:
            self._window += count
            if not count or self._window > frames.MAX_WINDOW:
                raise Http2Error(Code.FLOW_CONTROL_ERROR if count else Code.PROTOCOL_ERROR, "no such window")
        elif stream is not None:
            stream.window += count
            if not count or stream.window > frames.MAX_WINDOW:
                self._break_off(number, Code.FLOW_CONTROL_ERROR if count else Code.PROTOCOL_ERROR)
        self._write_waiting()

    def _take_headers(self, number: int, part: bytes, flags: int) -> None:
        """HEADERS, or the CONTINUATION of some."""
        if not self._block:
            frames.expect(number > 0, right_size=True)
            self._since, self._block_of, self._block_size = self.loop.time(), number, 0
            self._block_flags = flags
        self._block.append(part)
        self._block_size += len(part)
        if self._block_size > self._header_bytes:
            raise Http2Error(Code.ENHANCE_YOUR_CALM, f"headers may have {self._header_bytes} bytes")
        if not flags & frames.END_HEADERS:
            return
        block, self._block = b"".join(self._block), []
        self._allowance.spend(len(block) * HEADER_COSTS)
        headers = self._decoder.decode(block)
        ended = bool(self._block_flags & frames.END_STREAM)
        if number <= self._last:
            self._take_trailers(number, ended)
        elif number % 2 == 0:
            raise Http2Error(Code.PROTOCOL_ERROR, "a client's streams have odd numbers")
        else:
            self._last = number
            self._take_request(number, headers, ended)

    def _take_trailers(self, number: int, ended: bool) -> None:
        stream = self._streams.get(number)
        if stream is None or stream.ended:
            self._allowance.spend(1.0)  # of a request that is over already
        elif ended:
            stream.ended = True
            self._end(number, stream)
        else:
            self._break_off(number, Code.PROTOCOL_ERROR)

    def _take_request(self, number: int, headers: list[tuple[bytes, bytes]], ended: bool) -> None:
        if self._leaving_since is not None or len(self._streams) >= STREAMS:
            self._turn_away(number, Code.REFUSED_STREAM)
        elif len(headers) > self._limits.header_count or not frames.is_request(headers):
            self._turn_away(number, Code.PROTOCOL_ERROR)
        elif (stream := self._begin(number, headers, ended)) is not None:
            self._streams[number] = stream
            if ended:
                stream.ended = True
                self._end(number, stream)

    def _take_data(self, flags: int, number: int, payload: bytes) -> None:
        ends = bool(flags & frames.END_STREAM)
        size = len(payload)
        if size < SMALL_FRAME and not ends:
            self._allowance.spend(1.0)
        frames.expect(0 < number <= self._last, right_size=True)
        self._unacknowledged += size
        if self._unacknowledged > CONNECTION_WINDOW // 2:
            self.transport.write(frames.window_update(0, self._unacknowledged))
            self._unacknowledged = 0
        stream = self._streams.get(number)
        if stream is None:
            self._unwanted -= size  # of a request that was over before all of it had come
            if self._unwanted < 0:
                raise Http2Error(Code.FLOW_CONTROL_ERROR, "more of a request that is over than its window had room for")
            return
        if stream.ended:
            self._break_off(number, Code.STREAM_CLOSED)
            return
        stream.received += frames.unpadded(payload, flags)
        if not self._take(number, stream):
            return
        if ends:
            stream.ended = True
            self._end(number, stream)
            return
        stream.unacknowledged += size
        if stream.unacknowledged > STREAM_WINDOW // 2:
            self.transport.write(frames.window_update(number, stream.unacknowledged))
            stream.unacknowledged = 0

    # what goes out

    def _write_waiting(self) -> None:
        for number, stream in list(self._streams.items()):
            if stream.answer:
                self._write_answer(number, stream)

    def _write_answer(self, number: int, stream: Stream) -> None:
        """Writes the stream's answer, if the client's windows have room for it; else it waits for them."""
        body = stream.answer
        if len(body) > min(self._window, stream.window):
            return
        self._window -= len(body)
        self.transport.write(frames.answer(number, _BEGINNING, body, _OK))
        del self._streams[number]
        self._allowance.earn()
        self._at_rest()

    def _write_headers(self, number: int, block: bytes, *, ended: bool) -> None:
        """An answer of headers alone. Where the request has not ended, what is still to come of it is not wanted."""
        last = frames.frame(Kind.HEADERS, number, block, frames.END_HEADERS | frames.END_STREAM)
        self.transport.write(last if ended else last + frames.reset(number, Code.NO_ERROR))
        if not ended:
            self._unwanted += STREAM_WINDOW
        self._streams.pop(number, None)
        self._at_rest()

    def _turn_away(self, number: int, code: Code) -> None:
        """Resets a request before it has begun."""
        self._allowance.spend(1.0)
        self.transport.write(frames.reset(number, code))
        self._unwanted += STREAM_WINDOW

    def _break_off(self, number: int, code: Code) -> None:
        """Resets a request whose client has made it necessary, which costs what its own reset costs."""
        self._reset(number, code)
        self._allowance.spend(RESET_COSTS)

    def _reset(self, number: int, code: Code) -> None:
        stream = self._streams.pop(number)
        self.transport.write(frames.reset(number, code))
        self._unwanted += STREAM_WINDOW
        self._abandon(stream)
        self._at_rest()

    def _at_rest(self) -> None:
        if not self._streams:
            self._since = self.loop.time()
            self._leave_if_done()
