"""Which viewers share a connection to dashboard-stream: those of one tenant who ask for the same address from the same page.

Who opens the first connection learns from dashboard-stream whether its frames are for sharing
(:mod:`drishti.dashboards.sharing`); others who come meanwhile wait for that. What is not for sharing is carried alone.

A connection whose last viewer left stays for :data:`LINGER_S`, so that one whose socket broke can go on from the frame that it
has. A viewer whose key no longer opens the dashboard is closed with 4401 or 4403 within some seconds.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterable
from typing import NamedTuple

import aiohttp
from multidict import CIMultiDict
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from yarl import URL

from drishti.dashboards.sharing import HEADER, decode_terms
from drishti.messages import attributes
from gateway.dashboard.feed import Counts, Feed
from gateway.dashboard.upstream import Upstream, UpstreamSocket, open_socket
from gateway.dashboard.viewers import Viewer

KEYS_EVERY_S = 2.0
"""How often keys are looked at, where any of them changed; one must be refused twice, since all are for a moment when the bus
is read anew."""

LINGER_S = 15.0
LINGERING = 64
"""Connections that stay without viewers; the one whose viewers left first gives way."""

COLLECTED_AFTER = 64
"""So many feeds end before Python's collector is called: each is in cycles and holds large frames, and by itself the collector
looks at old objects only after a million new ones."""

TOO_MANY = (4429, "too many clients, try again later")

Opened = Feed | UpstreamSocket | aiohttp.ClientError | TimeoutError


class Request(NamedTuple):
    """A WebSocket that somebody asks for. ``first_headers`` go to dashboard-stream with the first connection, ``own_headers``
    with those that are made for all viewers."""

    url: URL
    tenant: str
    origin: str | None
    protocols: tuple[str, ...]
    first_headers: CIMultiDict[str]
    own_headers: CIMultiDict[str]

    @property
    def shared_by(self) -> tuple[object, ...]:
        """What is equal for all who may share a connection."""
        return (self.url, self.tenant, self.origin, self.protocols, tuple(self.own_headers.items()))


class Feeds:
    """All connections that are shared. ``key_changes`` counts the changes of keys."""

    def __init__(self, key_changes: Callable[[], int]) -> None:
        self._key_changes = key_changes
        self._feeds: dict[object, Feed] = {}
        self._keys: dict[Feed, object] = {}
        self._lingering: dict[Feed, asyncio.TimerHandle] = {}
        self._opening: dict[object, asyncio.Future[Opened]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._ended = 0
        self.counts = Counts()

    async def open(self, session: aiohttp.ClientSession, request: Request, viewer: Viewer) -> Feed | UpstreamSocket:
        """The feed that ``viewer`` has joined and has to leave, or a connection for it alone.

        Raises :class:`aiohttp.ClientError` or :class:`TimeoutError` where dashboard-stream cannot be reached or refuses.
        """
        key = request.shared_by
        while True:
            feed = self._feeds.get(key)
            if feed is None and (opening := self._opening.get(key)) is not None:
                opened = await asyncio.shield(opening)
                if isinstance(opened, Exception):
                    raise opened
                if isinstance(opened, Feed):
                    continue
                return await open_socket(session, request.url, request.first_headers, request.origin, request.protocols)
            if feed is None:
                opened = await self._open(session, request)
                if not isinstance(opened, Feed):
                    return opened
                feed = opened
            if len(self) >= feed.terms.max_clients:
                viewer.end(TOO_MANY)
            self._stay(feed)
            feed.join(viewer)
            return feed

    async def _open(self, session: aiohttp.ClientSession, request: Request) -> Feed | UpstreamSocket:
        key = request.shared_by
        opening = self._opening[key] = asyncio.get_running_loop().create_future()
        opened: Opened = aiohttp.ClientConnectionError("whoever asked first left before there was an answer")
        try:
            socket = await open_socket(session, request.url, request.first_headers, request.origin, request.protocols)
            terms = decode_terms(socket.handshake.get(HEADER))
            if terms is None:
                opened = socket
                return socket
            opened = Feed(Upstream(session, request.url, request.own_headers, request.origin), terms, self)
            self._feeds[key] = opened
            self._keys[opened] = key
            running = opened.start(socket)
            self._running.add(running)
            running.add_done_callback(self._running.discard)
            return opened
        except (aiohttp.ClientError, TimeoutError) as error:
            opened = error
            raise
        finally:
            del self._opening[key]
            opening.set_result(opened)

    def idle(self, feed: Feed) -> None:
        """Has a feed wait for another viewer; see :class:`gateway.dashboard.feed.Owner`."""
        self._lingering[feed] = asyncio.get_running_loop().call_later(LINGER_S, feed.end)
        if len(self._lingering) > LINGERING:
            next(iter(self._lingering)).end()

    def ended(self, feed: Feed) -> None:
        """Forgets a feed; see :class:`gateway.dashboard.feed.Owner`."""
        self._stay(feed)
        del self._feeds[self._keys.pop(feed)]
        self._ended += 1
        if self._ended % COLLECTED_AFTER == 0:
            gc.collect()

    def _stay(self, feed: Feed) -> None:
        if (ending := self._lingering.pop(feed, None)) is not None:
            ending.cancel()

    async def close(self) -> None:
        """Ends all feeds; viewers are told to reconnect."""
        for feed in list(self._keys):
            feed.end()
        if self._running:
            await asyncio.wait(self._running)

    async def follow_keys(self) -> None:
        """Closes viewers whose keys open the dashboard no more, until cancelled."""
        seen = self._key_changes()
        refused: set[Viewer] = set()
        while True:
            await asyncio.sleep(KEYS_EVERY_S)
            if refused or self._key_changes() != seen:
                seen = self._key_changes()
                viewers = [viewer for feed in self._keys for viewer in feed.viewers()]
                refusals = {viewer: close for viewer in viewers if (close := viewer.refusal()) is not None}
                for viewer in refusals.keys() & refused:
                    viewer.end(refusals[viewer])
                refused = refusals.keys() - refused

    def observe(self, meter: Meter) -> None:
        """Offers numbers to OpenTelemetry; they are read when metrics are collected."""

        def viewers(_options: CallbackOptions) -> Iterable[Observation]:
            yield Observation(len(self))

        def skipped(_options: CallbackOptions) -> Iterable[Observation]:
            yield Observation(self.counts.skipped)

        def closed_slow(_options: CallbackOptions) -> Iterable[Observation]:
            yield Observation(self.counts.closed_slow)

        meter.create_observable_gauge(attributes.GATEWAY_VIEWERS, [viewers], "{viewer}", "open WebSockets that share frames")
        meter.create_observable_counter(
            attributes.GATEWAY_VIEWERS_SKIPPED, [skipped], "{frame}", "frames for which a viewer had no room: it got later ones"
        )
        meter.create_observable_counter(
            attributes.GATEWAY_VIEWERS_SLOW, [closed_slow], "{viewer}", "viewers that were closed since they did not read"
        )

    def __len__(self) -> int:
        """How many viewers there are."""
        return sum(len(feed) for feed in self._keys)
