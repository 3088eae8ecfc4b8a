"""The reference for viewers of a dashboard: one message for all connections ten times a second, by ``websockets``.

``python -m benchmarks.live_reference``; ``REFERENCE_PORT``, ``REFERENCE_BYTES``. On the event loop that the services have,
without compression as they do; no key, no snapshot, no limits.
"""

from __future__ import annotations

import asyncio
import os
import time
from http import HTTPStatus

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.http11 import Request, Response

EVERY_S = 0.1


async def _ready(connection: ServerConnection, request: Request) -> Response | None:
    return connection.respond(HTTPStatus.OK, "ready\n") if request.path == "/readyz" else None


async def _serve(port: int, size: int) -> None:
    connections: set[ServerConnection] = set()

    async def keep(connection: ServerConnection) -> None:
        connections.add(connection)
        try:
            await connection.wait_closed()
        finally:
            connections.discard(connection)

    async with serve(keep, "127.0.0.1", port, compression=None, process_request=_ready):
        due = time.monotonic()
        while True:
            due += EVERY_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            head = f'{{"type":"update","ts":{int(time.time() * 1000)},"data":"'
            broadcast(connections, head + "x" * (size - len(head) - 2) + '"}')


if __name__ == "__main__":
    uvloop.run(_serve(int(os.environ["REFERENCE_PORT"]), int(os.environ["REFERENCE_BYTES"])))
