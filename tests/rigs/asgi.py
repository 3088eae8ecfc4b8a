"""Requests to an ASGI application without a server, and a sink for what the SDK's middleware measures of them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from drishti.events import RequestEvent


class Sink:
    """Keeps the requests that a middleware tells of."""

    def __init__(self) -> None:
        self.requests: list[RequestEvent] = []

    def track_request(self, request: RequestEvent) -> bool:
        self.requests.append(request)
        return True

    @property
    def only(self) -> RequestEvent:
        (request,) = self.requests
        return request


def scope_of(path: str, method: str = "GET", headers: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    """The scope of one HTTP request, as a server makes it; ``fields`` are added to it."""
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in (headers or {}).items()],
        **fields,
    }


async def call(
    app: Any, path: str, method: str = "GET", headers: dict[str, str] | None = None, *, body: bytes = b"", **fields: Any
) -> list[dict[str, Any]]:
    """The messages that ``app`` sends for one request of a client that stays connected."""
    sent: list[dict[str, Any]] = []
    requests = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not requests:
            await asyncio.Event().wait()
        return requests.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope_of(path, method, headers, **fields), receive, send)
    return sent


def body_of(sent: list[dict[str, Any]]) -> bytes:
    """The body of the answer whose messages :func:`call` gave."""
    return b"".join(message.get("body", b"") for message in sent)


async def get_json(app: Any, path: str) -> tuple[int, Any]:
    """Status and decoded body of ``GET path``."""
    sent = await call(app, path)
    return sent[0]["status"], json.loads(body_of(sent))


async def empty_answer(_scope: Any, _receive: Any, send: Any) -> None:
    """The smallest application: 200 and no body."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})
