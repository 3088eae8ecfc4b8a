"""Asks the bus, every :data:`CHECK_S`, whether the streams and durable consumers of a service are there and make progress.

A service that owns a durable (``repair``) declares it again where it is gone or delivers otherwise than the catalogue says.
Streams are the administrator's: a missing one is a problem that ends by itself when it is there again.

Without an answer nothing is known: then the last findings stay, and the ping of the bus says that it is away. A bus that is
connected and does not answer for :data:`SILENT_S` is a problem of its own.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable

import nats.errors
from nats.js.errors import NotFoundError

from drishti.bus import streams
from drishti.bus.backlog import Backlog
from drishti.bus.connection import Bus
from drishti.errors import BusUnavailable
from drishti.messages.catalogue import Durable
from drishti.waiting import pause

log = logging.getLogger(__name__)

CHECK_S = 2.0
ANSWER_S = 3.0
SILENT_S = 15.0
MISSING_S = 6.0
"""So long whoever owns a durable may take to declare it again, before others call it missing."""


class StreamHealth:
    """``run`` until ``stop``. ``needs`` are streams that the service writes or reads by itself; ``durables`` may be another
    service's, whose work is watched then. Two pings for readiness, since the first is about this service and the second may be
    about another one."""

    def __init__(
        self,
        bus: Bus,
        *,
        needs: Iterable[str] = (),
        durables: Iterable[tuple[str, Durable]] = (),
        repair: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bus = bus
        self._durables = list(durables)
        self._needs = sorted(needs)
        self._repair = repair
        self._clock = clock
        self._backlogs = {
            (stream, durable.name): Backlog(stream, reader=durable.owner, ack_wait_s=durable.ack_wait_s)
            for stream, durable in self._durables
        }
        self._problems: dict[str, str] = {}
        self._unread: dict[str, str] = {}
        self._missing_since: dict[str, float] = {}
        self._answered_at = clock()

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.check()
            await pause(stop, CHECK_S)

    async def ping(self) -> None:
        """Raises :class:`BusUnavailable` where a stream is missing or cannot be read, or what is published is not stored."""
        problems = [*self._bus.unreadable().values(), *self._problems.values(), self._bus.refusing()]
        silent = self._clock() - self._answered_at
        if self._bus.nc.is_connected and silent > SILENT_S:
            problems.append(f"JetStream gives no answer for {silent:.0f} s")
        if reason := "; ".join(dict.fromkeys(filter(None, problems))):
            raise BusUnavailable(reason)

    def unread(self) -> list[str]:
        """Why what waits in the streams is not carried on; empty when all consumers do their work."""
        return list(self._unread.values())

    def behind(self) -> list[str]:
        """Which consumers do their work and have much of it before them."""
        return [note for backlog in self._backlogs.values() if (note := backlog.note())]

    async def ping_consumers(self) -> str:
        """Raises :class:`BusUnavailable` with all of :meth:`unread`; else says what is catching up."""
        if self._unread:
            raise BusUnavailable("; ".join(self._unread.values()))
        return "; ".join(self.behind())

    async def check(self) -> None:
        """Asks once about everything."""
        streams_asked = (self._note(self._problems, stream, self._stream(stream)) for stream in self._needs)
        durables_asked = (
            self._note(self._unread, stream, self._durable(stream, durable)) for stream, durable in self._durables
        )
        await asyncio.gather(*streams_asked, *durables_asked)

    async def _note(self, problems: dict[str, str], name: str, asking: Awaitable[str]) -> None:
        try:
            problem = await asking
        except (nats.errors.Error, TimeoutError) as error:
            if self._bus.nc.is_connected:
                log.debug("no answer about a stream", extra={"stream": name, "reason": str(error) or type(error).__name__})
            return
        self._answered_at = self._clock()
        before = problems.pop(name, "")
        if problem:
            problems[name] = problem
            if not before:
                log.warning("a stream is not carried on", extra={"stream": name, "reason": problem})
        elif before:
            log.info("the stream is carried on again", extra={"stream": name})

    async def _stream(self, stream: str) -> str:
        try:
            await self._bus.js.stream_info(stream)
        except NotFoundError:
            return streams.missing_stream(stream)
        return ""

    async def _durable(self, stream: str, durable: Durable) -> str:
        name, now, reader = f"{stream}/{durable.name}", self._clock(), durable.owner
        try:
            if self._repair and (done := await streams.ensure_consumer(self._bus.js, stream, durable)):
                log.warning("consumer was declared again", extra={"consumer": name, "reason": done})
            info = await self._bus.js.consumer_info(stream, durable.name, timeout=ANSWER_S)
        except NotFoundError as error:
            if streams.is_stream_missing(error):
                return streams.missing_stream(stream)
            since = self._missing_since.setdefault(name, now)
            if now - since < MISSING_S:
                return ""
            return (
                f"{reader} does not read {stream}: its consumer {durable.name} does not exist ({reader} declares it as it runs)"
            )
        self._missing_since.pop(name, None)
        backlog = self._backlogs[stream, durable.name]
        backlog.sample(now, streams.sample_of(info))
        if info.paused:
            # Somebody did that on purpose, so it is not undone here.
            until = f" until {info.config.pause_until}" if info.config.pause_until else ""
            resume = f"`nats consumer resume {stream} {durable.name}`"
            return f"{reader} does not read {stream}: its consumer {durable.name} is paused{until}; {resume} ends that"
        stalled = backlog.problem(now)
        return f"{reader} makes no progress with {stream}: {stalled}" if stalled else ""
