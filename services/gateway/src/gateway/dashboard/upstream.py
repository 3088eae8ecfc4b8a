"""The connections to dashboard-stream on behalf of all viewers of one dashboard."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 30.0
"""How long dashboard-stream may take to begin its answer."""

CLOSE_TIMEOUT_S = 2.0
MAX_FRAME_BYTES = 16 * 1024 * 1024


class UpstreamSocket(aiohttp.ClientWebSocketResponse):
    """A WebSocket that remembers the headers with which its handshake was answered."""

    def __init__(
        self, reader: Any, writer: Any, protocol: Any, response: aiohttp.ClientResponse, *more: Any, **named: Any
    ) -> None:
        super().__init__(reader, writer, protocol, response, *more, **named)
        self.handshake: CIMultiDictProxy[str] = response.headers


async def open_socket(
    session: aiohttp.ClientSession, url: URL, headers: CIMultiDict[str], origin: str | None, protocols: tuple[str, ...] = ()
) -> UpstreamSocket:
    """Raises :class:`aiohttp.ClientError` or :class:`TimeoutError`. ``session`` makes :class:`UpstreamSocket`."""
    async with asyncio.timeout(CONNECT_TIMEOUT_S + ANSWER_TIMEOUT_S):
        socket = await session.ws_connect(
            url,
            headers=headers,
            protocols=protocols,
            origin=origin,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S),
            max_msg_size=MAX_FRAME_BYTES,
        )
    if not isinstance(socket, UpstreamSocket):
        raise TypeError("the session must be made with ws_response_class=UpstreamSocket")
    return socket


class Upstream:
    """One dashboard of one tenant, as pages of one origin may see it. ``url`` is that of its WebSocket."""

    def __init__(self, session: aiohttp.ClientSession, url: URL, headers: CIMultiDict[str], origin: str | None) -> None:
        self._session = session
        self._url = url
        self._headers = headers
        self._origin = origin

    async def open(self) -> UpstreamSocket:
        """Another connection in place of one that was lost. Raises as :func:`open_socket`."""
        return await open_socket(self._session, self._url, self._headers, self._origin)


async def close_socket(socket: aiohttp.ClientWebSocketResponse, code: int) -> None:
    """Says goodbye, and hangs up where no goodbye comes back, be it because more and more messages come instead."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await socket.close(code=code)
