"""A WebSocket of one browser, carried to dashboard-stream and back: two tasks, one each way, one message at a time."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import aiohttp

from gateway.asgi import Receive, Send
from gateway.dashboard.feed import TRY_AGAIN
from gateway.dashboard.upstream import close_socket


async def relay(upstream: aiohttp.ClientWebSocketResponse, receive: Receive, send: Send) -> None:
    """Messages both ways until one side closes; the other is closed with the same code."""
    outwards = asyncio.create_task(_to_browser(upstream, send))
    inwards = asyncio.create_task(_to_dashboard(upstream, receive))
    try:
        await asyncio.wait((outwards, inwards), return_when=asyncio.FIRST_COMPLETED)
        if inwards.done():
            code = inwards.result()
            await close_socket(upstream, code if sendable(code) else 1001)
        else:
            code, reason = outwards.result()
            await send({"type": "websocket.close", "code": code if sendable(code) else TRY_AGAIN, "reason": reason})
    finally:
        await cancel(outwards, inwards)


async def _to_browser(upstream: aiohttp.ClientWebSocketResponse, send: Send) -> tuple[int, str]:
    """Carries what dashboard-stream sends; returns its close code and reason."""
    while True:
        message = await upstream.receive()
        if message.type == aiohttp.WSMsgType.TEXT:
            await send({"type": "websocket.send", "text": message.data})
        elif message.type == aiohttp.WSMsgType.BINARY:
            await send({"type": "websocket.send", "bytes": message.data})
        elif message.type == aiohttp.WSMsgType.CLOSE:
            return int(message.data or 1000), message.extra or ""
        else:
            return upstream.close_code or 1006, ""


async def _to_dashboard(upstream: aiohttp.ClientWebSocketResponse, receive: Receive) -> int:
    """Carries what the browser sends; returns its close code."""
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return int(message.get("code") or 1000)
        try:
            if (text := message.get("text")) is not None:
                await upstream.send_str(text)
            elif (data := message.get("bytes")) is not None:
                await upstream.send_bytes(data)
        except (ConnectionError, aiohttp.ClientError):
            # It went away; the other task knows how and ends both.
            await asyncio.Event().wait()


def sendable(code: int) -> bool:
    """Whether a close frame may carry ``code`` (RFC 6455, 7.4; 1005 and 1006 only describe what happened)."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


async def cancel(*tasks: asyncio.Task[Any]) -> None:
    """Ends tasks that carry something, and waits for that."""
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError, aiohttp.ClientError, ConnectionError):
            await task
