"""Reading a stream in order, from an instant on and then live, each caller for itself.

How this works. An ordered reader has a consumer of its own in the server's memory, which the server may forget at any moment: a
restart, an administrator, a stream that is deleted. Whatever happens, a new consumer goes on after the last message that was
handled, so nothing is missed and nothing comes twice. Four things need more than that:

* A stream that was deleted and made again counts from 1: "after the last one" would wait for ever. It is known by the instant
  of its creation; then the reader begins anew, and says so (``restarted``).
* A consumer that is paused, or that has messages and hands out none, looks like a quiet one. It is asked about every
  :data:`CHECK_S` and replaced.
* Messages that are purged leave nothing behind by which a reader could know. Where the reader keeps a state by subject
  (``restarted`` is given), the stream must hold as many messages as subjects were seen, else it is read anew.
* What cannot be read is said in :attr:`Replay.problem`, so that readiness can say it too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING

import nats.errors
from nats.aio.msg import Msg
from nats.js import api
from nats.js.errors import NotFoundError

from drishti.bus.backlog import Backlog
from drishti.bus.pull import PullSource, SourceLost
from drishti.bus.streams import missing_stream, sample_of
from drishti.rate_limited_log import RateLimitedLog
from drishti.waiting import Backoff, until

if TYPE_CHECKING:
    from drishti.bus.connection import Bus

log = logging.getLogger(__name__)

MessageHandler = Callable[[Msg], Awaitable[None]]

BATCH = 256
CHECK_S = 5.0
SAY_S = 10.0

INACTIVE_S = 60.0
"""How long the server keeps a replay's consumer without requests, so that a dead replica leaves nothing behind."""


class Replay:
    """One ordered reading; :meth:`run` until ``stop``. ``problem`` says why nothing can be read now; empty while it can."""

    def __init__(
        self,
        bus: Bus,
        stream: str,
        *,
        subjects: list[str],
        start: datetime,
        handler: MessageHandler,
        ready: asyncio.Event | None,
        restarted: Callable[[], None] | None,
        headers_only: bool = False,
    ) -> None:
        self.stream = stream
        self.problem = ""
        self._bus = bus
        self._subjects = subjects
        self._start = start
        self._handler = handler
        self._ready = ready
        self._restarted = restarted
        self._headers_only = headers_only
        self._created: datetime | None = None
        self._last = 0
        self._seen: set[str] = set()
        self._backoff = Backoff()
        self._say = RateLimitedLog(SAY_S)

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                info = await self._create()
            except (nats.errors.Error, TimeoutError) as error:
                missing = isinstance(error, NotFoundError)
                self.problem = missing_stream(self.stream) if missing else f"{self.stream} cannot be read: {_text(error)}"
                if self._say.due():
                    log.warning("stream cannot be read", extra={"stream": self.stream, "reason": self.problem})
                await until(stop, self._backoff.wait())
                continue
            self.problem = ""
            if not info.num_pending:
                self._set_ready()
            with self._bus.source(self.stream, info.name, BATCH) as source:
                checking = asyncio.create_task(self._check(info.name, source), name=f"check {self.stream}")
                try:
                    await source.start()
                    await self._read(source, stop)
                except (SourceLost, nats.errors.Error) as error:
                    log.info("replay starts again", extra={"stream": self.stream, "after": self._last, "reason": str(error)})
                    await until(stop, self._backoff.wait())
                finally:
                    checking.cancel()
                    await source.close()
                    with contextlib.suppress(nats.errors.Error, TimeoutError):
                        await self._bus.js.delete_consumer(self.stream, info.name)

    async def _read(self, source: PullSource, stop: asyncio.Event) -> None:
        expected = 1
        while (messages := await until(stop, source.take(BATCH))) is not None:
            self._backoff.reset()
            for msg in messages:
                meta = msg.metadata
                if meta.sequence.consumer != expected:
                    raise SourceLost(f"{self.stream}: gap before sequence {meta.sequence.stream}")
                expected += 1
                self._last = meta.sequence.stream
                if self._restarted is not None:
                    self._seen.add(msg.subject)
                await self._handle(msg)
                if not meta.num_pending:
                    self._set_ready()

    async def _create(self) -> api.ConsumerInfo:
        info = await self._bus.js.stream_info(self.stream)
        if self._created is not None and (info.created != self._created or info.state.last_seq < self._last):
            log.warning("the stream was made again, it is read from its beginning", extra={"stream": self.stream})
            self._begin_anew()
        self._created = info.created
        config = api.ConsumerConfig(
            filter_subjects=self._subjects,
            headers_only=self._headers_only or None,
            ack_policy=api.AckPolicy.NONE,
            mem_storage=True,
            num_replicas=1,
            inactive_threshold=INACTIVE_S,
        )
        if self._last:
            config.deliver_policy = api.DeliverPolicy.BY_START_SEQUENCE
            config.opt_start_seq = self._last + 1
        else:
            config.deliver_policy = api.DeliverPolicy.BY_START_TIME
            config.opt_start_time = self._start
        return await self._bus.js.add_consumer(self.stream, config)

    def _begin_anew(self) -> None:
        self._last = 0
        self._seen.clear()
        if self._restarted is not None:
            self._restarted()

    async def _purged(self) -> bool:
        """Whether messages that were handled are gone from the stream."""
        if self._restarted is None:
            return False
        state = (await self._bus.js.stream_info(self.stream)).state
        return state.last_seq == self._last and state.messages < len(self._seen)

    async def _check(self, consumer: str, source: PullSource) -> None:
        """Ends the reading (``source.lose``) where its consumer is gone, paused, or hands out nothing of what it has."""
        backlog = Backlog(self.stream, reader="this reader")
        while True:
            await asyncio.sleep(CHECK_S)
            try:
                info = await self._bus.js.consumer_info(self.stream, consumer)
                purged = source.idle and await self._purged()
            except NotFoundError:
                source.lose("the consumer is gone")
                return
            except (nats.errors.Error, TimeoutError):
                continue  # the source notices a lost connection by itself
            if info.paused:
                source.lose("the consumer is paused")
                return
            if purged:
                self._begin_anew()
                source.lose("messages were purged")
                return
            now = time.monotonic()
            backlog.sample(now, sample_of(info)._replace(unacknowledged=0))
            stalled = backlog.problem(now)
            self.problem = f"{self.stream} is not read: {stalled}" if stalled else ""
            if self.problem and source.idle:
                source.lose(self.problem)
                return

    async def _handle(self, msg: Msg) -> None:
        try:
            await self._handler(msg)
        except Exception:
            # One message must not end the reading of all; the traceback says which and why.
            log.exception("message failed", extra={"subject": msg.subject})

    def _set_ready(self) -> None:
        if self._ready is not None:
            self._ready.set()


def _text(error: Exception) -> str:
    return str(error) or type(error).__name__
