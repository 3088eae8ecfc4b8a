"""One connection to dashboard-stream, and everybody who watches what comes over it.

How this works
--------------
Each frame is encoded as a WebSocket message once, and the same bytes are written to all viewers who have the frame before
(:mod:`gateway.dashboard.groups`), :data:`AT_ONCE` at a time, so that requests have their turn in between. Frames that come
while a round lasts are written together in the next one: where the machine is busy, rounds carry more and do not fall behind.

A viewer whose buffer is full, or who is new, is in no group. Its own task waits until it takes in what it has, and gives it
what it misses: one frame merged of those of the last seconds, or a snapshot, for which dashboard-stream is asked over the same
connection, once for all who need one. So a slow viewer costs the others nothing, and has one frame waiting. One that takes in
nothing for ``slow_s`` is closed with 4408.

Where the connection is lost, viewers are kept for :data:`HOLD_S` while another one is tried; its snapshot, of another ``epoch``
where dashboard-stream was restarted, goes to everybody. Close codes of dashboard-stream's own go to everybody, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from functools import partial
from typing import Protocol

import aiohttp

from drishti.dashboards.sharing import ASK_SNAPSHOT, HEADER, SharingTerms, decode_terms
from gateway.asgi import Receive
from gateway.dashboard.frames import FrameLog, SharedFrame
from gateway.dashboard.groups import Groups
from gateway.dashboard.upstream import CLOSE_TIMEOUT_S, Upstream, UpstreamSocket, close_socket
from gateway.dashboard.viewers import Close, Viewer

log = logging.getLogger(__name__)

AT_ONCE = 100
"""Viewers that are written to before others have their turn: about a millisecond."""

TICK_S = 0.1
"""How often viewers that asked for fewer frames are looked at: as often as frames come."""

HOLD_S = 30.0
RETRY_S = 0.25
TRY_AGAIN = 1012
"""The close code where dashboard-stream went away without one: "service restart"; clients reconnect."""

TOO_SLOW = 4408

RESTARTING: Close = (TRY_AGAIN, "the dashboards are restarting")
_SLOW: Close = (TOO_SLOW, "the client did not read for too long")


class Counts:
    """Of all feeds: frames that a viewer got only as part of a later one, and viewers that were closed with 4408."""

    def __init__(self) -> None:
        self.skipped = 0
        self.closed_slow = 0


class Owner(Protocol):
    """What is notified of a feed's end: ``ended`` is called once, ``idle`` whenever its last viewer left."""

    counts: Counts

    def idle(self, feed: Feed) -> None: ...

    def ended(self, feed: Feed) -> None: ...


class Feed:
    """The viewers of one :class:`Upstream`."""

    def __init__(self, upstream: Upstream, terms: SharingTerms, owner: Owner) -> None:
        self.terms = terms
        self._upstream = upstream
        self._owner = owner
        self._over = False
        self._viewers: set[Viewer] = set()
        self._groups = Groups()
        self._full: set[Viewer] = set()  # they have all that came so far, and no room for more
        self._paced = 0
        self._log = FrameLog()
        self._socket: UpstreamSocket | None = None
        self._connected = asyncio.Event()
        self._news = asyncio.Event()
        self._asking: asyncio.Task[None] | None = None
        self._answered = asyncio.Event()
        self._asked_at = 0.0
        self._running: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._viewers)

    def viewers(self) -> list[Viewer]:
        return list(self._viewers)

    def start(self, socket: UpstreamSocket) -> asyncio.Task[None]:
        """Takes over the connection, until :meth:`end`; the task ends when the connection is closed."""
        self._running = asyncio.create_task(self._run(socket), name="dashboard-feed")
        return self._running

    def end(self) -> None:
        """Ends everything; viewers that are left are told to reconnect."""
        self._finish(RESTARTING)
        if self._running is not None:
            self._running.cancel()

    def join(self, viewer: Viewer) -> None:
        """Counts one more viewer, who has to :meth:`leave`."""
        self._viewers.add(viewer)
        self._paced += bool(viewer.every_s)

    def leave(self, viewer: Viewer) -> None:
        viewer.frames.end_writer()
        self._full.discard(viewer)
        self._viewers.discard(viewer)
        self._paced -= bool(viewer.every_s)
        if not self._viewers and not self._over:
            self._owner.idle(self)

    async def serve(self, viewer: Viewer, receive: Receive) -> Close | None:
        """Feeds a viewer that joined, until it is gone (``None``) or is to be closed with what is returned."""
        reading = asyncio.create_task(_read(receive), name="read-viewer")
        attending = asyncio.create_task(self._attend(viewer), name="attend-viewer")
        try:
            await asyncio.wait((reading, attending, viewer.closed), return_when=asyncio.FIRST_COMPLETED)
            if attending.done():
                attending.result()
            return viewer.closed.result() if viewer.closed.done() else None
        finally:
            reading.cancel()
            attending.cancel()

    # from dashboard-stream

    async def _run(self, socket: UpstreamSocket) -> None:
        close = RESTARTING
        handing_on = asyncio.create_task(self._hand_on(), name="hand-frames-on")
        handing_on.add_done_callback(self._handed_on)
        try:
            opened: UpstreamSocket | None = socket
            while opened is not None:
                self._socket = opened
                try:
                    close = await self._take_all(opened)
                finally:
                    self._socket = None
                    self._connected.clear()
                    self._answered.set()
                    await close_socket(opened, 1001)
                if _is_final(close):
                    return
                close = RESTARTING
                opened = await self._reopen()
                if opened is not None and decode_terms(opened.handshake.get(HEADER)) is None:
                    close = await _close_of(opened)
                    return
        except Exception:
            # A frame that cannot be read, or a bug here: it costs the viewers of this dashboard a new connection.
            log.exception("the viewers of a dashboard lost their connection")
        finally:
            handing_on.cancel()
            if self._asking is not None:
                self._asking.cancel()
            self._finish(close)

    async def _take_all(self, socket: UpstreamSocket) -> Close:
        """Takes in every frame; returns how the connection ended."""
        while True:
            message = await socket.receive()
            if message.type == aiohttp.WSMsgType.TEXT:
                self._log.append(SharedFrame(message.data.encode()))
                self._owner.counts.skipped += len(self._full)
                self._full.clear()
                self._connected.set()
                self._news.set()
            elif message.type == aiohttp.WSMsgType.BINARY:  # what was asked for
                self._log.insert_snapshot(SharedFrame(message.data))
                self._answered.set()
            elif message.type == aiohttp.WSMsgType.CLOSE:
                return int(message.data or 1000), message.extra or ""
            else:
                return socket.close_code or 1006, ""

    async def _hand_on(self) -> None:
        """Round after round gives everybody what is new, until cancelled."""
        while True:
            await self._wait_round()
            now = time.monotonic()
            # What comes while this round lasts is for the next one: all have the same frame after it.
            for group, packet in [(group, self._log.packet(group.kind.position)) for group in self._groups.due(now)]:
                if packet is None:
                    for viewer in list(group.writes):
                        viewer.frames.end_writer()
                    continue
                for _ in self._groups.write(group, packet, now, AT_ONCE):
                    await asyncio.sleep(0)

    async def _wait_round(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TICK_S if self._paced else None):
                await self._news.wait()
        self._news.clear()

    def _handed_on(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("frames are not handed on", exc_info=error)
            self.end()

    async def _reopen(self) -> UpstreamSocket | None:
        deadline = time.monotonic() + HOLD_S
        log.warning("the connection to dashboard-stream was lost", extra={"viewers": len(self._viewers)})
        while time.monotonic() < deadline:
            try:
                return await self._upstream.open()
            except aiohttp.WSServerHandshakeError as error:
                if error.status < 500:
                    return None  # those who reconnect learn why
            except (aiohttp.ClientError, TimeoutError):
                pass  # it is not back yet
            await asyncio.sleep(RETRY_S)
        return None

    def _finish(self, close: Close) -> None:
        if not self._over:
            self._over = True
            self._owner.ended(self)
        for viewer in self._viewers:
            viewer.end(close)

    # those who are behind

    def _fall_behind(self, viewer: Viewer) -> None:
        if self._groups.remove(viewer):
            viewer.behind.set()
            self._full.add(viewer)

    async def _attend(self, viewer: Viewer) -> None:
        """Has ``viewer`` catch up whenever it is behind; returns when it is gone or too slow."""
        while True:
            await viewer.behind.wait()
            try:
                async with asyncio.timeout(self.terms.slow_s):
                    await viewer.frames.writable.wait()
            except TimeoutError:
                self._owner.counts.closed_slow += 1
                viewer.end(_SLOW)
            if viewer.frames.gone or viewer.closed.done():
                return
            await self._connected.wait()
            packet = self._log.packet(viewer.position)
            if packet is None:
                await self._wait_snapshot()
                continue
            write = viewer.frames.lend_writer(partial(self._fall_behind, viewer))
            if write is None:
                continue
            viewer.behind.clear()
            self._full.discard(viewer)
            self._groups.add(viewer, packet, write, time.monotonic())

    async def _wait_snapshot(self) -> None:
        """Has a snapshot come, one for all who wait; returns when it came or the connection was lost."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), name="ask-for-snapshot")
        await asyncio.wait((self._asking,))

    async def _ask(self) -> None:
        try:
            await asyncio.sleep(self._asked_at + RETRY_S - time.monotonic())
            self._asked_at = time.monotonic()
            self._answered.clear()
            if self._socket is not None:
                with contextlib.suppress(aiohttp.ClientError, ConnectionError):
                    await self._socket.send_str(ASK_SNAPSHOT)
                    await self._answered.wait()
        finally:
            self._asking = None


async def _read(receive: Receive) -> None:
    """Returns when the viewer is gone; what it sends is read and ignored, as dashboard-stream does."""
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def _close_of(socket: UpstreamSocket) -> Close:
    """The code with which a connection that is not for sharing is closed: why there are no frames any more."""
    try:
        message = await socket.receive(timeout=CLOSE_TIMEOUT_S)
    except TimeoutError:
        return RESTARTING
    finally:
        await close_socket(socket, 1001)
    if message.type != aiohttp.WSMsgType.CLOSE:
        return RESTARTING
    return int(message.data or TRY_AGAIN), message.extra or ""


def _is_final(close: Close) -> bool:
    """Whether dashboard-stream meant the viewers: all of its own codes but that this one connection was too slow."""
    return 4000 <= close[0] <= 4999 and close[0] != TOO_SLOW
