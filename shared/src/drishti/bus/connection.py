"""The connection of a service to NATS: publish with acks, consume, replay, ask.

:func:`connect` waits until NATS is there and the connection heals itself for ever. Nothing here declares a stream: that is
:mod:`drishti.bus.streams`' job, once, before the services start.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import NamedTuple, TypeVar

import nats
import nats.errors
from nats.aio.client import PING_PROTO, Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api
from nats.js.kv import KeyValue
from nats.js.object_store import ObjectStore

from drishti.bus import streams
from drishti.bus.faults import own_errors, reason_of
from drishti.bus.publish import AckedPublisher
from drishti.bus.pull import PullSource, SourceLost
from drishti.bus.replay import MessageHandler, Replay
from drishti.errors import BusUnavailable, DuplicateMessage, QueryError
from drishti.events import DeadLetter, encode
from drishti.messages import catalogue, subjects
from drishti.messages.catalogue import Durable
from drishti.rate_limited_log import RateLimitedLog
from drishti.settings import BusSettings
from drishti.waiting import Backoff, until

log = logging.getLogger(__name__)

T = TypeVar("T")

BatchHandler = Callable[[list[Msg]], Awaitable[None]]

COMPLAIN_S = 10.0
NAK_DELAY_S = 1.0
REFUSALS_S = 1.0
"""How often the log names a refused message; the others in between are counted."""

LETTER_HEADERS = 1024
"""Room for the headers of a dead letter, which count as part of the message."""


async def connect(settings: BusSettings, *, name: str) -> Bus:
    """A connected :class:`Bus`; waits for NATS as long as it takes and says so in the log."""
    bus = Bus(name)
    await bus.start(settings)
    return bus


class ConsumerProgress(NamedTuple):
    """How far a durable consumer has got: messages that wait for delivery and for their acknowledgement, and the stream's
    sequence numbers up to which it delivered, and up to which everything is acknowledged."""

    waiting: int
    unacknowledged: int
    delivered: int
    acknowledged: int


class _Client(Client):
    """nats-py's client, whose ``flush`` is true to its name, and for subjects that are not UTF-8: a producer may send one, and
    nats-py would stop reading for ever."""

    def _build_message(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: dict[str, str] | None) -> Msg:
        readable = subject.decode(errors="replace").encode()
        message: Msg = super()._build_message(sid, readable, reply, data, headers)
        return message

    async def _send_ping(self, future: asyncio.Future[bool] | None = None) -> None:
        """After what waits to be written, so that ``flush`` returns when the server has it; nats-py's PING overtakes that."""
        self._pongs.append(asyncio.Future() if future is None else future)
        await self._send_command(PING_PROTO)
        await self._flush_pending()


class Bus:
    """One connection. Replies and acks come to inboxes under ``_INBOX_<name>``, which no other user may read."""

    nc: Client
    js: JetStreamContext

    def __init__(self, name: str) -> None:
        self.name = name
        self.nc = _Client()
        self._publisher = AckedPublisher(self.nc)
        self._sources: set[PullSource] = set()
        self._readings: set[Replay] = set()
        self._complain = RateLimitedLog(COMPLAIN_S)
        self._refusals = RateLimitedLog(REFUSALS_S)

    async def start(self, settings: BusSettings) -> None:
        """Connects, however long that takes. Raises :class:`BusUnavailable` where it never will: no address is one of NATS."""
        try:
            await self.nc.connect(
                [url.strip() for url in settings.url.split(",")],
                name=self.name,
                inbox_prefix=subjects.inbox_prefix(self.name),
                connect_timeout=2,
                max_reconnect_attempts=-1,
                reconnect_time_wait=1,
                ping_interval=10,
                max_outstanding_pings=2,
                error_cb=self._on_error,
                disconnected_cb=self._on_disconnected,
                reconnected_cb=self._on_reconnected,
                user=settings.user or None,
                password=settings.password.reveal() or None,
            )
        except nats.errors.Error as error:
            raise BusUnavailable(reason_of(error)) from error
        self.js = self.nc.jetstream(timeout=5)
        await self._publisher.start()
        log.info("connected to nats", extra={"server": self.nc.connected_url.hostname if self.nc.connected_url else ""})

    async def publish(
        self,
        subject: str,
        payload: bytes,
        *,
        msg_id: str | None = None,
        headers: dict[str, str] | None = None,
        ttl_s: float | None = None,
        timeout_s: float = 5.0,
    ) -> int:
        """Stores one message; returns its sequence once JetStream has it.

        ``msg_id`` makes a repetition within the stream's duplicate window void: then :class:`DuplicateMessage` is raised, and
        the caller decides whether it was a repetition. An id is of the whole stream, whoever publishes: where others may
        publish too, it must be one that they cannot guess. ``ttl_s`` lets the stream forget the message early. Raises
        :class:`BusUnavailable` when there was no ack: the message may or may not have been stored; and
        :class:`~drishti.errors.BusRefused` when the bus will never take it: it was not stored.
        """
        if msg_id is not None or ttl_s is not None:
            headers = dict(headers or {})
            if msg_id is not None:
                headers[api.Header.MSG_ID] = msg_id
            if ttl_s is not None:
                headers["Nats-TTL"] = f"{int(ttl_s)}s"
        return await self._publisher.publish(subject, payload, headers, timeout_s)

    async def request(self, subject: str, payload: bytes, *, timeout_s: float, headers: dict[str, str] | None = None) -> Msg:
        """One question, one answer. Raises :class:`QueryError` with code ``timeout`` or ``unavailable``."""
        try:
            return await self.nc.request(subject, payload, timeout=timeout_s, headers=headers)
        except nats.errors.NoRespondersError:
            raise QueryError(f"nobody answers {subject} at the moment", code="unavailable") from None
        except (nats.errors.TimeoutError, TimeoutError):
            raise QueryError(f"no answer to {subject} within {timeout_s:g} s", code="timeout") from None
        except nats.errors.Error as error:
            raise QueryError(f"the bus is away: {error}", code="unavailable") from error

    async def ping(self) -> None:
        """Returns when NATS answers; raises :class:`BusUnavailable` otherwise."""
        if not self.nc.is_connected:
            raise BusUnavailable("not connected to NATS")
        try:
            await self.nc.flush(timeout=2)
        except nats.errors.Error as error:
            raise BusUnavailable(f"NATS does not answer: {error or type(error).__name__}") from error

    async def consume(
        self,
        stream: str,
        durable: str,
        handler: BatchHandler,
        *,
        stop: asyncio.Event,
        max_messages: int = 200,
    ) -> None:
        """Hands what arrives to ``handler``, one call at a time, until ``stop``; then returns after the running call.

        The handler acks each message itself. When it raises, that is logged and the unacked messages are redelivered after
        a delay. A consumer of the catalogue that is missing is declared again; missing streams and lost connections are waited
        out. What was delivered and not handed over when it ends
        goes to another replica at once.
        """
        backoff = Backoff()
        declared = catalogue.durable(durable)
        complain = RateLimitedLog(COMPLAIN_S)
        while not stop.is_set():
            with self.source(stream, durable, max_messages) as source:
                try:
                    if declared is not None:
                        await self._declare(stream, declared)
                    await source.start()
                    while not stop.is_set():
                        messages = await until(stop, source.take(max_messages))
                        if messages is None:
                            break
                        handled = await self._handle(stream, durable, handler, messages)
                        del messages  # the next ones may be long in coming
                        if handled:
                            backoff.reset()
                        else:
                            await until(stop, backoff.wait())
                except (SourceLost, nats.errors.Error, TimeoutError) as error:
                    reason = str(error) or type(error).__name__
                    if complain.due():
                        log.warning("consumer lost", extra={"consumer": f"{stream}/{durable}", "reason": reason})
                    await until(stop, backoff.wait())
                finally:
                    for msg in await source.close():
                        with contextlib.suppress(nats.errors.Error):
                            await msg.nak()

    async def replay(
        self,
        stream: str,
        *,
        subjects: list[str],
        start: datetime,
        handler: MessageHandler,
        stop: asyncio.Event,
        ready: asyncio.Event | None = None,
        restarted: Callable[[], None] | None = None,
        headers_only: bool = False,
    ) -> None:
        """Hands every message since ``start``, in order and without a gap, then the live ones, to ``handler``, until ``stop``.

        Each caller sees all. ``ready`` is set when the history of the moment of the call has been handled. A handler that
        raises is logged and the message skipped: replays have no redelivery. Where the stream was deleted and made again,
        ``restarted`` is called and its messages are handed over from the first one on. ``headers_only``: without payloads.
        """
        reading = Replay(
            self,
            stream,
            subjects=subjects,
            start=start,
            handler=handler,
            ready=ready,
            restarted=restarted,
            headers_only=headers_only,
        )
        self._readings.add(reading)
        try:
            await reading.run(stop)
        finally:
            self._readings.discard(reading)

    def unreadable(self) -> dict[str, str]:
        """The streams of which a :meth:`replay` gets nothing at the moment, with the reason."""
        return {reading.stream: reading.problem for reading in self._readings if reading.problem}

    def refusing(self) -> str:
        """Why the bus does not store what this service publishes; empty while it does, or nothing is published."""
        return self._publisher.refusing()

    async def refuse(self, msg: Msg, reason: str, *, by: str, payload: bytes | None = None) -> None:
        """Puts ``msg`` (or ``payload``, a part of it) on DEAD with the reason. The caller terminates or acks the message.

        The same refusal again within the stream's duplicate window is void. A letter larger than the bus allows (the payload
        is in base64) holds the payload's beginning, and the reason says so: what cannot be dead-lettered must not be
        redelivered for ever.
        """
        meta = msg.metadata
        letter = DeadLetter(
            subject=msg.subject,
            stream=meta.stream,
            sequence=meta.sequence.stream,
            reason=reason[:2000],
            refused_by=by,
            at=int(time.time() * 1000),
            payload=msg.data if payload is None else payload,
            headers=dict(msg.headers or {}),
        )
        # The time tells a message from that with the same number in a stream that was deleted and made anew.
        refused = f"{letter.stream}/{letter.sequence}/{meta.timestamp.timestamp()}/{letter.reason}".encode()
        identity = hashlib.blake2b(refused + b"\0" + letter.payload, digest_size=16).hexdigest()
        body = _fitting(letter, self.nc.max_payload - LETTER_HEADERS)
        with contextlib.suppress(DuplicateMessage):  # the letter is there: the ack of the first attempt was lost
            await self.publish(subjects.dead(msg.subject), body, msg_id=identity)
        if self._refusals.due():
            about = {"subject": msg.subject, "sequence": letter.sequence, "reason": letter.reason}
            log.warning("message refused", extra={**about, "others": self._refusals.skipped})

    async def subjects_in(self, stream: str, pattern: str) -> set[str]:
        """The subjects matching ``pattern`` of which ``stream`` has messages. Raises :class:`BusUnavailable`."""
        with own_errors():
            return set((await self.js.stream_info(stream, subjects_filter=pattern)).state.subjects or ())

    async def progress(self, stream: str, durable: str, *, timeout_s: float) -> ConsumerProgress:
        """How far ``durable`` has got with ``stream``. Raises :class:`BusUnavailable`."""
        with own_errors():
            info = await self.js.consumer_info(stream, durable, timeout=timeout_s)
        return ConsumerProgress(
            waiting=info.num_pending or 0,
            unacknowledged=info.num_ack_pending or 0,
            delivered=info.delivered.stream_seq if info.delivered else 0,
            acknowledged=info.ack_floor.stream_seq if info.ack_floor else 0,
        )

    async def kv(self, bucket: str) -> KeyValue:
        """Raises :class:`BusUnavailable`, also where there is no such bucket."""
        with own_errors():
            return await self.js.key_value(bucket)

    async def objects(self, bucket: str) -> ObjectStore:
        return await self.js.object_store(bucket)

    async def close(self) -> None:
        """Lets what was published arrive, then disconnects."""
        await self._publisher.close()
        if self.nc.is_closed:
            return
        try:
            async with asyncio.timeout(5):
                await self.nc.drain()
        except (nats.errors.Error, TimeoutError):
            await self.nc.close()

    @contextlib.contextmanager
    def source(self, stream: str, consumer: str, batch: int) -> Iterator[PullSource]:
        source = PullSource(self.nc, stream, consumer, batch)
        self._sources.add(source)
        try:
            yield source
        finally:
            self._sources.discard(source)

    async def _declare(self, stream: str, durable: Durable) -> None:
        if done := await streams.ensure_consumer(self.js, stream, durable):
            log.warning("consumer was declared again", extra={"consumer": f"{stream}/{durable.name}", "reason": done})

    async def _handle(self, stream: str, durable: str, handler: BatchHandler, messages: list[Msg]) -> bool:
        try:
            await handler(messages)
        except Exception:
            # A bug or a fault that the handler did not see coming: nothing is lost, everything unacked is redelivered.
            log.exception("batch failed", extra={"consumer": f"{stream}/{durable}", "messages": len(messages)})
            for msg in messages:
                if not msg._ackd:  # nats-py offers no public word for "answered"
                    with contextlib.suppress(nats.errors.Error):
                        await msg.nak(delay=NAK_DELAY_S)
            return False
        return True

    async def _on_error(self, error: Exception) -> None:
        self._publisher.note_error(error)
        if self._complain.due():  # the client tries several times a second
            log.warning("nats", extra={"reason": str(error) or type(error).__name__})

    async def _on_disconnected(self) -> None:
        if not self.nc.is_closed:
            log.warning("disconnected from nats")

    async def _on_reconnected(self) -> None:
        log.info("reconnected to nats")
        for source in self._sources:
            source.lose("the connection was renewed")


def _fitting(letter: DeadLetter, limit: int) -> bytes:
    """``letter`` in at most ``limit`` bytes: where it is larger, its headers go and its payload is cut."""
    body = encode(letter)
    if len(body) <= limit:
        return body
    whole = letter.payload
    letter.headers = {}
    letter.payload = b""
    letter.truncated = True
    note = f" (of {len(whole)} bytes only the first {{}} are here: the whole is {letter.stream} {letter.sequence})"
    letter.payload = whole[: max(0, (limit - len(encode(letter)) - len(note) - 16) // 4 * 3)]
    letter.reason += note.format(len(letter.payload))
    return encode(letter)
