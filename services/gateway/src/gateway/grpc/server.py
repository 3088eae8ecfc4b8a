"""The port of OTLP/gRPC: opens, serves within limits, and closes when every call that has begun is answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from drishti.service.http import server as http_server
from drishti.service.http.limits import Connections
from drishti.service.lifecycle import CannotListen
from gateway.grpc.calls import Open
from gateway.grpc.connection import GrpcConnection

log = logging.getLogger(__name__)

ASKED_EVERY_S = 0.05
"""How often is asked at shutdown whether a connection is left."""


async def serve_grpc(
    methods: Mapping[bytes, Open],
    *,
    host: str,
    port: int,
    stop: asyncio.Event,
    connections: Connections,
    ready: asyncio.Event | None = None,
) -> None:
    """Serves ``methods`` until ``stop``; then answers the calls that have begun, for as long as HTTP's requests may take.

    ``ready`` is set when it listens. ``connections`` has the limits and will hold what is open; nobody else's are in it.
    """
    loop = asyncio.get_running_loop()
    open_ones: set[GrpcConnection] = set()
    tasks: set[asyncio.Task[None]] = set()
    try:
        server = await loop.create_server(lambda: GrpcConnection(connections, methods, open_ones, tasks), host, port)
    except OSError as error:
        log.error("cannot listen", extra={"reason": str(error)})  # noqa: TRY400 - the reason is in it
        raise CannotListen(host, port) from None
    http_server.bound_buffers([server])
    http_server.observe(connections, port=port)
    log.info("listening for OTLP/gRPC", extra={"host": host, "port": port})
    if ready is not None:
        ready.set()
    sweeping = asyncio.create_task(http_server.sweep(connections), name="grpc-limits")
    try:
        await stop.wait()
    finally:
        server.close()
        await _drain(open_ones)
        sweeping.cancel()
        connections.abort()


async def _drain(open_ones: set[GrpcConnection]) -> None:
    """Waits until every connection has ended by itself, or :data:`drishti.service.http.server.GRACE_S` are over."""
    loop = asyncio.get_running_loop()
    for connection in list(open_ones):
        connection.shutdown()
    until = loop.time() + http_server.GRACE_S
    while open_ones and loop.time() < until:  # noqa: ASYNC110 - connections come and go, nobody counts them
        await asyncio.sleep(ASKED_EVERY_S)
