"""An HTTP server within limits: uvicorn's configuration, the sweep over its connections, and what is said of those."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Any, cast

import uvicorn
from opentelemetry import metrics

from drishti.messages import attributes
from drishti.rate_limited_log import RateLimitedLog
from drishti.service.http.limits import Closed, Connections
from drishti.service.http.protocol import LimitedHttpProtocol

log = logging.getLogger(__name__)

SWEEP_EVERY_S = 1.0
LOG_EVERY_S = 10.0
GRACE_S = 10
"""How long open requests may take to finish at shutdown."""


def configuration(app: Any, connections: Connections, *, host: str, port: int, websockets: bool) -> uvicorn.Config:
    """uvicorn's configuration for ``app`` with the protocols that keep the limits of ``connections``."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="none",
        http=cast("type[asyncio.Protocol]", partial(LimitedHttpProtocol, connections=connections)),
        ws="none",
        ws_per_message_deflate=False,
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    if websockets:
        _take_websockets(config, connections)
    return config


def _take_websockets(config: uvicorn.Config, connections: Connections) -> None:
    # Imported here: a service without WebSockets needs no library for them.
    from drishti.service.http import websocket as ws

    config.ws = cast("type[asyncio.Protocol]", partial(ws.LimitedWebSocketProtocol, connections=connections))
    config.ws_max_size = ws.MESSAGE_BYTES
    config.ws_ping_interval = ws.PING_EVERY_S
    config.ws_ping_timeout = ws.PONG_WITHIN_S


RECEIVE_BUFFER_BYTES = 64 * 1024
SEND_BUFFER_BYTES = 128 * 1024
SEGMENT_BYTES = 1460
"""What the system may hold of a connection that this program or the client has not read, in segments as across any Ethernet.

The system's own choice grows to many megabytes for each connection, of memory that no limit of this program sees. On loopback,
where a segment has 64 kB, it takes three at once from a client that is about to be refused.
"""


UNACKNOWLEDGED_S = 30.0
"""How long the system keeps what it holds for a client that takes in nothing, also after this program has closed."""


def bound_buffers(servers: Iterable[asyncio.base_events.Server]) -> None:
    """Bounds what the system keeps of each connection that ``servers`` will accept, on Linux."""
    if sys.platform != "linux":
        return
    for listening in (listening for server in servers for listening in server.sockets):
        if listening.family in (socket.AF_INET, socket.AF_INET6):
            try:
                _bound(listening.fileno())
            except OSError as error:  # some sandboxes know not all of these; the limits of this program hold without
                log.warning("the system's buffers of connections are not bounded", extra={"reason": str(error)})


def _bound(listening: int) -> None:
    with socket.socket(fileno=os.dup(listening)) as same:  # the event loop's own has no way to set options
        same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        same.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        same.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
        same.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(UNACKNOWLEDGED_S * 1000))


async def sweep(connections: Connections) -> None:
    """Closes what breaks a limit of time, and logs what was closed and why, until cancelled."""
    loop = asyncio.get_running_loop()
    due = RateLimitedLog(LOG_EVERY_S)
    logged: Counter[Closed] = Counter()
    last, skipped = loop.time(), False
    while True:
        await asyncio.sleep(SWEEP_EVERY_S)
        before, last = last, loop.time()
        skipped = last - before > 2 * SWEEP_EVERY_S and not skipped
        if skipped:
            continue  # this process was held up: what came in the meantime is read first
        for _ in connections.sweep(last):
            await asyncio.sleep(0)
        news = connections.closed - logged
        del news[Closed.IDLE]  # the usual end of a connection
        if news and due.due():
            counts = {str(reason): count for reason, count in sorted(news.items())}
            log.info("connections were closed", extra={**counts, "open": len(connections)})
            logged = connections.closed.copy()


def observe(connections: Connections, *, port: int) -> None:
    """Offers the numbers of ``connections`` to OpenTelemetry; they are read when metrics are collected."""

    def closed(_options: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
        for reason, count in connections.closed.items():
            yield metrics.Observation(count, {attributes.CLOSE_REASON: str(reason), attributes.SERVER_PORT: port})

    def open_now(_options: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
        yield metrics.Observation(len(connections), {attributes.SERVER_PORT: port})

    meter = metrics.get_meter("drishti")
    meter.create_observable_counter(
        attributes.HTTP_CONNECTIONS_CLOSED, [closed], "{connection}", "connections that broke a limit, by which"
    )
    meter.create_observable_gauge(attributes.HTTP_CONNECTIONS_OPEN, [open_now], "{connection}", "open connections")
