"""One connection of gRPC: unary calls, each admitted or refused by its headers, before a byte of its message is kept.

What is kept is taken from the same budget as the bodies of OTLP/HTTP, byte for byte. A message must be complete within the time
of a body, and its answer be taken in within the time of an answer. A call that is refused while its message is still coming is
answered, and its stream ended without an error. Limits of frames are in :mod:`gateway.grpc.http2`; those of connections (how
many, and who goes first) in :mod:`drishti.service.http.limits`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from drishti.service.http.connection import LEAVE_S
from drishti.service.http.limits import Closed, Connections, Evictable, Waiting
from gateway.errors import RETRY_AFTER_S, Refused
from gateway.grpc import frames, messages
from gateway.grpc.calls import Open
from gateway.grpc.frames import Code, Http2Error
from gateway.grpc.http2 import Http2Connection
from gateway.grpc.streams import Stream

log = logging.getLogger(__name__)

IDLE_S = 300.0
"""How long a connection may wait for its next call: longer than the time between two exports. It goes earlier where others
need its place."""

CLIENT_CLOSED = 499
"""Recorded where the client left before its answer."""

_CRASHED = Refused(500, "the gateway failed; its log says why")
_LATE = Refused(408, "the message did not come in time")
_LEAVING = Refused(503, "the gateway is shutting down; send it again", retry_after_s=RETRY_AFTER_S)


class GrpcConnection(Http2Connection):
    """``methods``: path → how a call of it begins. ``open_ones`` are the server's: what it waits for at its end."""

    def __init__(
        self,
        connections: Connections,
        methods: Mapping[bytes, Open],
        open_ones: set[GrpcConnection],
        tasks: set[asyncio.Task[None]],
    ) -> None:
        super().__init__(connections)
        self._methods = methods
        self._open_ones = open_ones
        self._tasks = tasks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open_ones.add(self)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open_ones.discard(self)
        super().connection_lost(exc)

    # what the register of connections asks

    def check(self, now: float) -> None:
        """Closes what breaks a limit of time."""
        limits = self._limits
        if self.transport.is_closing() or self._drop_if_unread(now):
            return
        self._allowance.refill(now)
        if not self._has_settings or self._block:
            if now - self._since > limits.header_s:
                self._count(Closed.HEADER_TIME)
                self.transport.close_now()
            return
        leaving_s = 0.0 if self._leaving_since is None else now - self._leaving_since
        for number, stream in list(self._streams.items()):
            if stream.answer:
                if now - stream.since > limits.answer_s:
                    self._count(Closed.ANSWER_UNREAD)
                    self._reset(number, Code.ENHANCE_YOUR_CALM)
            elif not stream.answering and (now - stream.since > limits.body_s or leaving_s > LEAVE_S):
                self._count(Closed.BODY_TIME)
                self._refuse(number, stream, _LEAVING if leaving_s else _LATE)
        if not self._streams and now - self._since > IDLE_S:
            self._count(Closed.IDLE)
            self.shutdown()

    def evictable(self) -> Evictable | None:
        if not self._has_settings:
            return Evictable(Waiting.REQUEST, self._since)
        if not self._streams:
            return Evictable(Waiting.NEXT_REQUEST, self._since)
        if any(stream.answering for stream in self._streams.values()):
            return None
        return Evictable(Waiting.REQUEST, min(stream.since for stream in self._streams.values()))

    # calls

    def _begin(self, number: int, headers: list[tuple[bytes, bytes]], ended: bool) -> Stream | None:
        fields = dict(headers)
        is_post = fields[b":method"] == b"POST"
        if not is_post or not messages.is_protobuf(fields.get(b"content-type", b"")):
            self._write_headers(number, frames.header_block(415 if is_post else 405, ()), ended=ended)
            self._allowance.spend(1.0)
            return None
        coding = fields.get(b"grpc-encoding", b"identity").strip().lower()
        try:
            if coding not in messages.CODINGS:
                raise Refused(415, "the message must be compressed by gzip or deflate, or not at all")
            open_call = self._methods.get(fields[b":path"])
            if open_call is None:
                raise Refused(404, "there is no such method: OTLP's three services have Export")
            return Stream(open_call(fields, headers), coding, self.loop.time(), self._first_window)
        except Refused as refused:
            self._write_status(number, refused, ended=ended)
            return None

    def _take(self, number: int, stream: Stream) -> bool:
        received, call = stream.received, stream.call
        try:
            call.hold(len(received))
            if len(received) >= messages.PREFIX_BYTES:
                length = messages.prefix_of(received).length
                if length > call.most_bytes:
                    raise Refused(413, f"the message is larger than {call.most_bytes} bytes")
                if len(received) > messages.PREFIX_BYTES + length:
                    raise Refused(400, "the call has more than one message")
        except Refused as refused:
            self._refuse(number, stream, refused)
            return False
        return True

    def _end(self, number: int, stream: Stream) -> None:
        received = stream.received
        if (
            len(received) < messages.PREFIX_BYTES
            or len(received) != messages.PREFIX_BYTES + messages.prefix_of(received).length
        ):
            self._refuse(number, stream, Refused(400, "the message is missing, or ends too early"))
            return
        stream.answering = True
        task = self.loop.create_task(self._answer(number, stream), name="grpc call")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, number: int, stream: Stream) -> None:
        call = stream.call
        compressed = stream.received[0] == 1
        message = bytes(memoryview(stream.received)[messages.PREFIX_BYTES :])
        stream.received = bytearray()
        try:
            if compressed and stream.coding == messages.IDENTITY:
                raise Refused(400, "the message is compressed, and the call does not say how: grpc-encoding")
            stream.answer = messages.framed(await call.answer(message, stream.coding if compressed else b""))
        except Refused as refused:
            call.end(refused.status)
            self._answer_refused(number, stream, refused)
        except Exception:
            # A bug here must cost this call only; the traceback is in the log.
            log.exception("call failed")
            call.end(_CRASHED.status)
            self._answer_refused(number, stream, _CRASHED)
        else:
            call.end(200)
            if self._streams.get(number) is stream:  # else the client left
                stream.since = self.loop.time()
                self._write_answer(number, stream)

    def _answer_refused(self, number: int, stream: Stream, refused: Refused) -> None:
        if self._streams.get(number) is stream:
            self._write_status(number, refused, ended=True)

    def _refuse(self, number: int, stream: Stream, refused: Refused) -> None:
        """Ends a call whose message is not complete, or never will be."""
        stream.call.end(refused.status)
        self._write_status(number, refused, ended=stream.ended)

    def _write_status(self, number: int, refused: Refused, *, ended: bool) -> None:
        self._write_headers(number, frames.header_block(200, messages.refusal(refused)), ended=ended)
        try:
            self._allowance.spend(1.0)
        except Http2Error as error:
            self._fail(error)

    def _abandon(self, stream: Stream) -> None:
        if not stream.answering:  # what is being stored goes on
            stream.call.end(CLIENT_CLOSED)
