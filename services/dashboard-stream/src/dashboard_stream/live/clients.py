"""The sockets: who watches what, and one loop that sends each of them the newest frame.

How this works
--------------
:class:`Broadcaster` sends to one client after the other. A send is started by hand (:func:`_start`): where the client's
buffer has room it is done at once, without a task; where it has none the rest of that one send goes on in a task of its own,
and the loop passes the client by until it is over. So a client that does not read costs the others nothing, and has one
pending slot: the frame that waits for its buffer. What it misses meanwhile comes as one frame that covers all of it
(:mod:`dashboard_stream.live.hub`); ``skipped`` counts the frames that clients got only so. A client that stays blocked for
``slow_s`` is closed with 4408.

A send that is started by hand relies on two habits of the libraries: an awaitable of asyncio yields a future that a task may
await (Python 3.11 has no eager tasks), and uvicorn waits for room before it writes, so a cancelled send has written nothing.
Both are tried against the real server in ``tests/integration/dashboard_stream``, by a client that stops reading.

A frame goes out when nothing has changed for :data:`QUIET_S`, :data:`COALESCE_S` after the first change at the latest, so that
the metrics of one moment travel together; not more often than every :data:`INTERVAL_S`, and every :data:`HEARTBEAT_S` even
without a change.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, MutableMapping
from typing import Any, Literal

from opentelemetry.trace import SpanKind

from dashboard_stream.live.channel import Channel
from drishti.messages import attributes
from drishti.telemetry import spans

log = logging.getLogger(__name__)

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Clock = Callable[[], float]
State = Callable[[], dict[str, float | None]]
Ended = Literal["slow", "deleted"]

QUIET_S = 0.01
COALESCE_S = 0.05
INTERVAL_S = 0.1
"""Between two frames, on average."""

LEAST_S = 0.03
"""Between two frames where the one before them came late: what analytics publishes every tenth of a second is not always a
little too early for the next frame, and then nearly a tenth of a second late."""

HEARTBEAT_S = 1.5
"""A page calls data stale after some seconds without a frame; with the pause between two looks there are 2 s at most."""

LOOK_S = 0.5


class Client:
    """One open socket. ``seq`` is what it has, ``None`` before its snapshot. ``gone`` is set when it is to be left alone:
    its connection broke, or, as ``ended`` says, it was too slow, or its dashboard was deleted."""

    def __init__(self, send: Send) -> None:
        self.seq: int | None = None
        self.ended: Ended | None = None
        self.gone = asyncio.Event()
        self.blocked_since = 0.0
        self._send = send
        self._rest: asyncio.Task[None] | None = None

    @property
    def blocked(self) -> bool:
        """Whether a frame still waits for this client to read."""
        return self._rest is not None

    def push(self, text: str, seq: int, now: float, done: Callable[[], None]) -> None:
        """Sends one frame, or begins to; ``done`` is called when a frame that had to wait is out. Not while blocked."""
        try:
            rest = _start(self._deliver(text, seq))
        except Exception:
            self._failed()
            return
        if rest is not None:
            self.blocked_since = now
            self._rest = asyncio.create_task(self._finish(rest, done), name="blocked-send")

    async def answer(self, text: str) -> None:
        """Sends what the client asked for, beside the frames, once there is room."""
        try:
            await self._send({"type": "websocket.send", "bytes": text.encode()})
        except Exception:
            self._failed()

    def end(self, why: Ended) -> None:
        """No further frames; whoever holds the socket closes it."""
        self.ended = why
        self.gone.set()

    async def cancel(self) -> None:
        """Gives up the frame that waits. Nothing of it was written: servers wait before they write."""
        if self._rest is not None:
            self._rest.cancel()
            await asyncio.wait((self._rest,))

    async def _deliver(self, text: str, seq: int) -> None:
        await self._send({"type": "websocket.send", "text": text})
        self.seq = seq

    async def _finish(self, rest: _Rest, done: Callable[[], None]) -> None:
        try:
            await rest
        except Exception:
            self._failed()
        finally:
            self._rest = None
        done()

    def _failed(self) -> None:
        # The server raises its own kinds of error for a connection that broke; the handler of the socket cleans up.
        log.debug("client is gone", exc_info=True)
        self.gone.set()


class Broadcaster:
    """Joins clients to channels and sends. ``state`` gives values about this service, which every frame carries."""

    def __init__(self, *, state: State, now: Clock = time.time, slow_s: float = 10.0) -> None:
        self.skipped = 0
        self.closed_slow = 0
        self._clients: dict[Channel, set[Client]] = {}
        self._state = state
        self._now = now
        self._slow_s = slow_s
        self._wake = asyncio.Event()
        self._sent_at: dict[Channel, float] = {}

    @property
    def clients(self) -> int:
        return sum(len(clients) for clients in self._clients.values())

    def join(self, channel: Channel, client: Client) -> None:
        """Sends ``client`` a snapshot and then what changes."""
        channel.watched = True
        self._clients.setdefault(channel, set()).add(client)
        self._sent_at.setdefault(channel, time.monotonic())
        self._push(channel, client, time.monotonic())

    def leave(self, channel: Channel, client: Client) -> None:
        clients = self._clients.get(channel, set())
        clients.discard(client)
        if not clients:
            self._clients.pop(channel, None)
            self._sent_at.pop(channel, None)
            channel.watched = False

    def snapshot(self, channel: Channel) -> str:
        """What a client would get first that joined now."""
        return channel.frame(None, self._state(), int(self._now() * 1000))

    def wake(self) -> None:
        """Something changed: frames go out soon."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Sends until ``stop``."""
        stopped = asyncio.create_task(stop.wait())
        next_due = 0.0
        try:
            while not stop.is_set():
                await self._wait(stopped, LOOK_S)
                began = time.monotonic()
                next_due = max(next_due, began) + INTERVAL_S
                for channel in list(self._clients):
                    self.send_changes(channel)
                    await asyncio.sleep(0)  # other sockets and the bus have their turn between two dashboards
                # one frame may come early, which the average has to make up for
                await asyncio.wait((stopped,), timeout=max(LEAST_S, next_due - INTERVAL_S - QUIET_S - time.monotonic()))
        finally:
            stopped.cancel()

    def send_changes(self, channel: Channel) -> None:
        """One round: a new frame where something changed or the last is long ago, to everybody who can take it."""
        now = time.monotonic()
        clients = self._clients.get(channel, set())
        if channel.gone:
            for client in clients:
                client.end("deleted")
            return
        traces: list[str] = []
        if clients and (channel.changed or now - self._sent_at[channel] >= HEARTBEAT_S):
            traces = channel.advance()
            self._sent_at[channel] = now
        about = {
            attributes.TENANT: channel.tenant,
            attributes.DASHBOARD: channel.dashboard.name,
            "drishti.clients": len(clients),
        }
        with contextlib.ExitStack() as stack:
            for traceparent in traces:
                parent = spans.extract(traceparent)
                stack.enter_context(spans.span("push frame", kind=SpanKind.PRODUCER, parent=parent, attributes=about))
            for client in list(clients):
                self._serve(channel, client, now)

    async def _wait(self, stopped: asyncio.Task[Any], timeout_s: float) -> None:
        woken = asyncio.create_task(self._wake.wait())
        try:
            await asyncio.wait((woken, stopped), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if woken.done():
                await self._wait_quiet()
        finally:
            woken.cancel()
            self._wake.clear()

    async def _wait_quiet(self) -> None:
        for _ in range(round(COALESCE_S / QUIET_S)):
            self._wake.clear()
            await asyncio.sleep(QUIET_S)
            if not self._wake.is_set():
                return

    def _serve(self, channel: Channel, client: Client, now: float) -> None:
        if client.gone.is_set():
            return
        if client.blocked:
            if now - client.blocked_since > self._slow_s:
                client.end("slow")
                self.closed_slow += 1
                log.info("client is too slow", extra={"dashboard": channel.dashboard.name, "blocked_s": round(self._slow_s)})
            return
        if client.seq != channel.seq:
            self._push(channel, client, now)

    def _push(self, channel: Channel, client: Client, now: float) -> None:
        if client.seq is not None:
            self.skipped += max(0, channel.seq - client.seq - 1)
        frame = channel.frame(client.seq, self._state(), int(self._now() * 1000))
        client.push(frame, channel.seq, now, self.wake)


class _Rest:
    """The rest of a coroutine that was started outside a task and waits for ``waits_for``; a task may await it."""

    def __init__(self, work: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self._work = work
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        waits_for = self._waits_for
        while True:
            try:
                try:
                    yield waits_for
                except BaseException as error:  # a cancellation, above all: it belongs to the coroutine
                    waits_for = self._work.throw(error)
                else:
                    waits_for = self._work.send(None)
            except StopIteration:
                return


def _start(work: Coroutine[Any, Any, None]) -> _Rest | None:
    """Runs ``work`` to its first wait; ``None`` when it needed none, else the rest of it."""
    try:
        waits_for = work.send(None)
    except StopIteration:
        return None
    return _Rest(work, waits_for)
