"""Sends an application's events, from a thread of its own.

How this works. ``add`` only appends to the bounded :class:`~drishti.sdk.buffer.Buffer`. One daemon thread per producer, started
with the first event, runs its own event loop: it lingers for some milliseconds so that events become batches, hands each
batch to the transport, and repeats it *with the same ids* until the other side confirms or refuses it. So synchronous and
asynchronous applications behave alike, an application may close and re-create its event loops, and a slow network never
holds up a request.

The thread never touches an executor: at interpreter exit executors are closed before ``atexit`` runs, and the last flush
happens there. A producer belongs to the process that made it: what a parent holds at a fork is the parent's to send, and its
child makes a producer of its own (:mod:`drishti.analytics`).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import random
import socket
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from drishti.errors import DrishtiError
from drishti.sdk.buffer import Buffer, BufferedEvent, Taken
from drishti.sdk.delivery import MAX_EVENT_BYTES, Counts, IdTaken, RefusedEvent, TooLarge, Transport, Undelivered

# Values stand in the text of each line: an application's own log format shows no extra fields.
log = logging.getLogger(__name__)

MAX_EVENTS = 200
"""Of one batch."""

LINGER_S = 0.05
RETRY_S = 0.1
RETRY_MAX_S = 5.0
RETRY_AFTER_MAX_S = 60.0
COMPLAIN_EVERY_S = 60.0
MAX_REASONS = 8
"""Different reasons of one outage that are logged at once; some carry numbers, and a log is not to be filled with them."""
CLOSE_S = 1.0
"""How long the transport may take to say good-bye."""


_inherited: list[Producer] = []
"""Of the parent, in the child of a fork: never used, never finalised."""


class _Loop(asyncio.SelectorEventLoop):
    """Resolves names in its own thread, which has nothing else to do (see the module's text on executors)."""

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        return socket.getaddrinfo(host, port, **options)


class Producer:
    """Buffers, batches, sends, repeats. Threads of the application call :meth:`add`, :meth:`flush` and :meth:`close`."""

    def __init__(
        self, make_transport: Callable[[], Transport], counts: Counts, *, capacity: int, linger_s: float = LINGER_S
    ) -> None:
        self.counts = counts
        self.transport = make_transport()
        self.buffer = Buffer(capacity)
        self._capacity = capacity
        self._linger_s = linger_s
        self._lock = threading.RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._idle = False
        self._flushes = 0
        self._closed = False
        self._complained = 0.0
        self._failing = False
        self._reasons: set[str] = set()
        self._full = False

    def add(self, item: BufferedEvent) -> bool:
        """Takes ``item`` over; ``False``, counted, when it cannot. Never waits for the network."""
        partition = self.transport.partition(item)
        if partition is None:
            self.counts.unconfigured += 1
            return False
        if self._closed:  # by another thread, a moment ago
            self.counts.lost += 1
            return False
        if not self.buffer.add(partition, item):
            self._overflow()
            return False
        if self._thread is None:
            self._start()
        elif self._idle or self.buffer.queued == MAX_EVENTS:
            self._idle = False
            self._call(self._wake)
        return True

    def flush(self) -> concurrent.futures.Future[None]:
        """Resolves when everything added before this call has been confirmed or refused. Retries start at once."""
        flushed: concurrent.futures.Future[None] = concurrent.futures.Future()
        number = self.buffer.added
        if self.buffer.settled(number) or not self._call(lambda: self._begin_flush(number, flushed)):
            flushed.set_result(None)
        return flushed

    def close(self, timeout_s: float) -> None:
        """Ends the thread; what is still buffered is lost. Flush before."""
        with self._lock:
            self._closed = True
            thread = self._thread
        if thread is not None:
            self._call(self._stop)
            thread.join(timeout_s)
        self.counts.lost += len(self.buffer)

    def abandon(self) -> None:
        """In the child of a fork: drops what waits, and leaves connection and tasks as they are.

        To finalise them would disturb the sockets that the parent uses.
        """
        self.buffer = Buffer(0)
        _inherited.append(self)

    def _overflow(self) -> None:
        self.counts.overflowed += 1
        if not self._full:
            self._full = True
            log.warning("events are dropped: %d are waiting for %s and the buffer is full", self._capacity, self.transport)

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            self._loop = _Loop()
            self._wakeup = asyncio.Event()
            self._hurry = asyncio.Event()
            self._progress = asyncio.Event()
            self._leave = asyncio.Event()
            self._sending: set[asyncio.Task[None]] = set()
            self._flushing: set[asyncio.Task[None]] = set()
            thread = threading.Thread(target=self._main, args=(self._loop,), name="drishti-producer", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter ends: what is tracked now waits for close(), which counts it as lost
                self._loop.close()
                self._loop = None
                return
            self._thread = thread

    def _call(self, function: Callable[[], object]) -> bool:
        """Has the producer's thread call ``function``; ``False`` where there is no such thread (any more)."""
        if self._loop is None:
            return False
        try:
            self._loop.call_soon_threadsafe(function)
        except RuntimeError:  # the loop was closed meanwhile
            return False
        return True

    # From here on everything runs in the producer's thread.

    def _wake(self) -> None:
        self._wakeup.set()

    def _stop(self) -> None:
        self._leave.set()
        self._wakeup.set()
        for task in [*self._sending, *self._flushing]:
            task.cancel()

    def _begin_flush(self, number: int, flushed: concurrent.futures.Future[None]) -> None:
        task = asyncio.ensure_future(self._flush(number))
        self._flushing.add(task)
        task.add_done_callback(self._flushing.discard)
        task.add_done_callback(lambda _: None if flushed.done() else flushed.set_result(None))

    def _main(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._run())
        except Exception:
            # A bug of ours must not take the application down; its events stay buffered and are counted at close.
            log.exception("the producer of events ended unexpectedly")
        finally:
            loop.close()

    async def _run(self) -> None:
        slots = asyncio.Semaphore(self.transport.slots)
        while not self._leave.is_set():
            if not self.buffer.queued:
                await self._wait_for_work()
            await self._linger()
            while not self._leave.is_set():
                await slots.acquire()
                taken = None if self._leave.is_set() else self.buffer.take(MAX_EVENTS, MAX_EVENT_BYTES)
                if taken is None:
                    slots.release()
                    break
                task = asyncio.create_task(self._deliver(taken))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)
                task.add_done_callback(lambda _: slots.release())
        await asyncio.gather(*self._sending, *self._flushing, return_exceptions=True)
        try:
            async with asyncio.timeout(CLOSE_S):
                await self.transport.close()
        except (TimeoutError, OSError, DrishtiError) as error:
            log.debug("closing the connection failed: %r", error)

    async def _wait_for_work(self) -> None:
        self._idle = True
        if not self.buffer.queued:  # else an item came before it could see the flag
            await self._wakeup.wait()
        self._idle = False
        self._wakeup.clear()

    async def _linger(self) -> None:
        """Lets a batch grow, unless it is full already or somebody waits for it."""
        if self.buffer.queued >= MAX_EVENTS or self._flushes or self._leave.is_set():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._linger_s):
                await self._wakeup.wait()
        self._wakeup.clear()

    async def _deliver(self, taken: Taken) -> None:
        items = taken.items
        await self._send(items)
        self.buffer.settle(taken)
        self._progress.set()
        self._progress = asyncio.Event()

    async def _send(self, items: list[BufferedEvent]) -> None:
        # At random: an id that somebody else could know in advance, such as an event's, could be used up by them before.
        batch_id = uuid.uuid4().hex
        delay = RETRY_S
        while True:
            try:
                refusals = await self.transport.send(batch_id, items)
            except Undelivered as error:
                self.counts.retries += 1
                self._complain(str(error))
                if error.retry_after_s is not None:
                    await asyncio.sleep(min(error.retry_after_s, RETRY_AFTER_MAX_S))
                else:
                    await self._pause(delay * random.uniform(0.5, 1.0))  # noqa: S311 - spreads retries, keeps no secret
                    delay = min(delay * 2, RETRY_MAX_S)
            except IdTaken as error:
                self.counts.ids_taken += 1
                log.warning("a batch of %d events is sent again under a new id: %s", len(items), error)
                batch_id = uuid.uuid4().hex
            except TooLarge as error:
                await self._send_halves(items, str(error))
                return
            except Exception as error:
                # A bug in a transport: the batch would fail for ever, so it is given up, logged and counted.
                log.exception("%d events were given up", len(items))
                self._count(items, [RefusedEvent(i, type(error).__qualname__) for i in range(len(items))])
                return
            else:
                self._recover()
                self._count(items, refusals)
                return

    async def _send_halves(self, items: list[BufferedEvent], reason: str) -> None:
        if len(items) == 1:
            self._count(items, [RefusedEvent(0, reason)])
            return
        middle = len(items) // 2
        await self._send(items[:middle])
        await self._send(items[middle:])

    def _count(self, items: list[BufferedEvent], refusals: list[RefusedEvent]) -> None:
        self.counts.sent += len(items) - len(refusals)
        self.counts.refused += len(refusals)
        if refusals:
            first = refusals[0]
            where = f"{first.field}: " if first.field else ""
            log.warning("%s refused %d events, one for: %s%s", self.transport, len(refusals), where, first.error)

    def _complain(self, reason: str) -> None:
        """Tells each reason once, and that it still fails from time to time: the first reason may hide the one that helps."""
        now = time.monotonic()
        news = reason not in self._reasons and len(self._reasons) < MAX_REASONS
        if news or now - self._complained > COMPLAIN_EVERY_S:
            self._complained = now
            self._reasons.add(reason)
            log.warning("%d events wait: %s does not take them: %s", len(self.buffer), self.transport, reason)
        self._failing = True

    def _recover(self) -> None:
        if self._failing:
            self._failing = self._full = False
            self._reasons.clear()
            log.info("%s takes events again", self.transport)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()

    async def _flush(self, number: int) -> None:
        self._flushes += 1
        try:
            self._wakeup.set()
            self._hurry.set()
            self._hurry = asyncio.Event()
            while not self.buffer.settled(number):
                await self._progress.wait()
        finally:
            self._flushes -= 1
