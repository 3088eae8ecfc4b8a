"""One connection to dashboard-stream, and everybody who watches what comes over it.

How this works
--------------
Each frame is encoded as a WebSocket message once, and the same bytes are written to all viewers who have the frame before
(``_current``), :data:`AT_ONCE` at a time, so that requests have their turn in between. Frames that come while a round lasts are
written together in the next one: where the machine is busy, rounds carry more and do not fall behind.

A viewer whose buffer is full, or who is new, is not among them. Its own task waits until it takes in what it has, and gives it
what it misses: the frames of the last second, or one frame that covers everything since its last one, which dashboard-stream is
asked for (``state/{name}?epoch=…&seq=…``; one request for all who miss the same). So a slow viewer costs the others nothing,
and has one frame waiting. One that takes in nothing for ``slow_s`` is closed with 4408.

Where the connection is lost, viewers are kept for :data:`HOLD_S` while another one is tried; its snapshot, of another ``epoch``
where dashboard-stream was restarted, goes to everybody. Close codes of dashboard-stream's own go to everybody, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

import aiohttp
import msgspec

from drishti.dashboards.sharing import HEADER, SharingTerms, decode_terms
from drishti.service.http.encoded import EncodedFrames, text_frame
from gateway.asgi import Receive
from gateway.dashboard.frames import FrameLog, Position, SharedFrame, shared_frame
from gateway.dashboard.upstream import CLOSE_TIMEOUT_S, Upstream, UpstreamSocket

log = logging.getLogger(__name__)

AT_ONCE = 100
"""Viewers that are written to before others have their turn: about a millisecond."""

FETCHES = 4
"""Requests for frames of viewers that missed some, at once."""

HOLD_S = 10.0
RETRY_S = 0.25
TRY_AGAIN = 1012
"""The close code where dashboard-stream went away without one: "service restart"; clients come again."""

TOO_SLOW = 4408
Close = tuple[int, str]

_RESTARTING: Close = (TRY_AGAIN, "the dashboards are restarting")
_SLOW: Close = (TOO_SLOW, "the client did not read for too long")


class Viewer:
    """One open WebSocket. ``position``: the frame that it has; ``behind`` is set while it misses some."""

    __slots__ = ("admitted", "behind", "closed", "frames", "position")

    def __init__(self, frames: EncodedFrames, admitted: Callable[[], bool]) -> None:
        self.frames = frames
        self.admitted = admitted
        self.position: Position | None = None
        self.behind = asyncio.Event()
        self.behind.set()
        self.closed: asyncio.Future[Close] = asyncio.get_running_loop().create_future()

    def end(self, close: Close) -> None:
        """No further frames; whoever holds the socket closes it."""
        if not self.closed.done():
            self.closed.set_result(close)

    def write(self, frame: SharedFrame) -> bool:
        """Writes the frame, or what is one for this purpose; ``False`` where the viewer cannot take it now."""
        if frame.encoded and not self.frames.write_encoded(frame.encoded):
            return False
        self.position = frame.position
        return True


class Counts:
    """Of all feeds: frames that a viewer got only as part of a later one, and viewers that were closed with 4408."""

    def __init__(self) -> None:
        self.skipped = 0
        self.closed_slow = 0


class Feed:
    """The viewers of one :class:`Upstream`. It lives as long as it has any; ``ended`` is called once, when it has none left."""

    def __init__(self, upstream: Upstream, terms: SharingTerms, counts: Counts, ended: Callable[[], object]) -> None:
        self.terms = terms
        self._counts = counts
        self._upstream = upstream
        self._ended: Callable[[], object] | None = ended
        self._viewers: set[Viewer] = set()
        self._current: set[Viewer] = set()
        self._log = FrameLog()
        self._connected = asyncio.Event()
        self._news = asyncio.Event()
        self._fetches = asyncio.Semaphore(FETCHES)
        self._fetching: dict[Position | None, asyncio.Task[SharedFrame | None]] = {}
        self._running: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._viewers)

    def viewers(self) -> list[Viewer]:
        return list(self._viewers)

    def start(self, socket: UpstreamSocket) -> None:
        """Takes over the connection."""
        self._running = asyncio.create_task(self._run(socket), name="dashboard-feed")

    async def stop(self) -> None:
        """Ends everything; viewers that are left are told to come again."""
        self._finish(_RESTARTING)
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait((self._running,))

    def join(self, viewer: Viewer) -> None:
        """Counts one more viewer, who has to :meth:`leave`."""
        self._viewers.add(viewer)

    def leave(self, viewer: Viewer) -> None:
        """The last viewer ends the feed."""
        self._current.discard(viewer)
        self._viewers.discard(viewer)
        if not self._viewers:
            self._finish(_RESTARTING)
            if self._running is not None:
                self._running.cancel()

    async def serve(self, viewer: Viewer, receive: Receive) -> Close | None:
        """Feeds a viewer that joined, until it is gone (``None``) or is to be closed with what is returned."""
        reading = asyncio.create_task(_read(receive), name="read-viewer")
        attending = asyncio.create_task(self._attend(viewer), name="attend-viewer")
        try:
            await asyncio.wait((reading, attending, viewer.closed), return_when=asyncio.FIRST_COMPLETED)
            if attending.done() and not attending.cancelled():
                attending.result()
            return viewer.closed.result() if viewer.closed.done() else None
        finally:
            reading.cancel()
            attending.cancel()

    # from dashboard-stream

    async def _run(self, socket: UpstreamSocket) -> None:
        close = _RESTARTING
        handing_on = asyncio.create_task(self._hand_on(), name="hand-frames-on")
        handing_on.add_done_callback(self._handed_on)
        try:
            opened: UpstreamSocket | None = socket
            while opened is not None:
                try:
                    close = await self._take_all(opened)
                finally:
                    self._connected.clear()
                    await close_socket(opened, 1001)
                if _is_final(close):
                    return
                close = _RESTARTING
                opened = await self._reopen()
                if opened is not None and decode_terms(opened.handshake.get(HEADER)) is None:
                    close = await _close_of(opened)
                    return
        except Exception:
            # A frame that cannot be read, or a bug here: it costs the viewers of this dashboard a new connection.
            log.exception("the viewers of a dashboard lost their connection")
        finally:
            handing_on.cancel()
            self._finish(close)

    async def _take_all(self, socket: UpstreamSocket) -> Close:
        """Takes in every frame; returns how the connection ended."""
        while True:
            message = await socket.receive()
            if message.type == aiohttp.WSMsgType.TEXT:
                text: str = message.data
                self._log.append(shared_frame(text, text_frame(text.encode())))
                self._connected.set()
                self._news.set()
            elif message.type == aiohttp.WSMsgType.CLOSE:
                return int(message.data or 1000), message.extra or ""
            elif message.type != aiohttp.WSMsgType.BINARY:
                return socket.close_code or 1006, ""

    async def _hand_on(self) -> None:
        """Round after round gives everybody what is new, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            packets: dict[Position | None, SharedFrame | None] = {}
            for number, viewer in enumerate(list(self._current), start=1):
                position = viewer.position
                if position in packets:
                    packet = packets[position]
                else:
                    packet = packets[position] = self._log.packet(position)
                if packet is None or not viewer.write(packet):
                    self._fall_behind(viewer)
                if number % AT_ONCE == 0:
                    await asyncio.sleep(0)

    def _handed_on(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("frames are not handed on", exc_info=error)
            if self._running is not None:
                self._running.cancel()

    async def _reopen(self) -> UpstreamSocket | None:
        deadline = time.monotonic() + HOLD_S
        log.warning("the connection to dashboard-stream was lost", extra={"viewers": len(self._viewers)})
        while time.monotonic() < deadline:
            try:
                return await self._upstream.open()
            except aiohttp.WSServerHandshakeError as error:
                if error.status < 500:
                    return None  # those who come again learn why
            except (aiohttp.ClientError, TimeoutError):
                pass  # it is not back yet
            await asyncio.sleep(RETRY_S)
        return None

    def _finish(self, close: Close) -> None:
        if self._ended is not None:
            self._ended()
            self._ended = None
        for viewer in self._viewers:
            viewer.end(close)

    # those who are behind

    def _fall_behind(self, viewer: Viewer) -> None:
        self._counts.skipped += 1
        self._current.discard(viewer)
        viewer.behind.set()

    async def _attend(self, viewer: Viewer) -> None:
        """Has ``viewer`` catch up whenever it is behind; returns when it is gone or too slow."""
        while True:
            await viewer.behind.wait()
            try:
                async with asyncio.timeout(self.terms.slow_s):
                    await viewer.frames.writable.wait()
            except TimeoutError:
                self._counts.closed_slow += 1
                viewer.end(_SLOW)
            if viewer.frames.gone or viewer.closed.done():
                return
            await self._connected.wait()
            if not self._catch_up(viewer):
                await self._fetch(viewer)

    def _catch_up(self, viewer: Viewer) -> bool:
        """Gives a viewer what it misses, where that is at hand; from then on it gets every frame that it can take."""
        packet = self._log.packet(viewer.position)
        if packet is None:
            return False
        viewer.behind.clear()
        self._current.add(viewer)
        if not viewer.write(packet):
            self._fall_behind(viewer)
        return True

    async def _fetch(self, viewer: Viewer) -> None:
        """Gets a viewer one frame for everything that it misses; it may be behind again by then."""
        since = viewer.position
        task = self._fetching.get(since)
        if task is None:
            task = self._fetching[since] = asyncio.create_task(self._fetched(since), name="fetch-frame")
            task.add_done_callback(lambda _: self._fetching.pop(since, None))
        frame = await asyncio.shield(task)
        if frame is None or not self._log.is_of(frame):
            await asyncio.sleep(RETRY_S)
        elif viewer.position == since:
            viewer.write(frame)

    async def _fetched(self, since: Position | None) -> SharedFrame | None:
        try:
            async with self._fetches:
                text = await self._upstream.frame(since)
            frame = shared_frame(text, text_frame(text))
        except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as error:
            log.debug("a frame could not be fetched", extra={"reason": str(error)})
            return None
        if frame.snapshot:
            self._log.insert_snapshot(frame)
        return frame


async def _read(receive: Receive) -> None:
    """Returns when the viewer is gone; what it sends is read and ignored, as dashboard-stream does."""
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def _close_of(socket: UpstreamSocket) -> Close:
    """The code with which a connection that is not for sharing is closed: why there are no frames any more."""
    try:
        message = await socket.receive(timeout=CLOSE_TIMEOUT_S)
    except TimeoutError:
        return _RESTARTING
    finally:
        await close_socket(socket, 1001)
    if message.type != aiohttp.WSMsgType.CLOSE:
        return _RESTARTING
    return int(message.data or TRY_AGAIN), message.extra or ""


def _is_final(close: Close) -> bool:
    """Whether dashboard-stream meant the viewers: all of its own codes but that this one connection was too slow."""
    return 4000 <= close[0] <= 4999 and close[0] != TOO_SLOW


async def close_socket(socket: aiohttp.ClientWebSocketResponse, code: int) -> None:
    """Says goodbye, and hangs up where no goodbye comes back, be it because more and more messages come instead."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await socket.close(code=code)
