"""What every service does around its work: logs, signals, telemetry, an HTTP server, and the order of leaving.

The order of shutdown, for all: the stop event is set (SIGTERM or SIGINT), the service stops accepting, finishes what runs,
closes its connections, and last flushes its telemetry.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
import uvloop

from drishti import logs, telemetry
from drishti.errors import SettingsError

log = logging.getLogger(__name__)

GRACE_S = 10
"""How long open requests may take to finish at shutdown."""


def run(main: Callable[[asyncio.Event], Awaitable[None]], *, name: str) -> None:
    """Runs ``main(stop)`` to its end. A wrong setting ends the process with status 2 and a list of all that is wrong."""
    logs.configure()
    try:
        uvloop.run(_run(main, name))
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None


async def _run(main: Callable[[asyncio.Event], Awaitable[None]], name: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    signals = telemetry.configure(name)
    log.info("starting", extra={"service": name})
    try:
        await main(stop)
    finally:
        await asyncio.to_thread(signals.shutdown)
        log.info("stopped", extra={"service": name})


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the service has one pair for everything it runs."""

    def install_signal_handlers(self) -> None:
        return


async def serve_http(
    app: Any, *, host: str, port: int, stop: asyncio.Event, ready: asyncio.Event | None = None, websockets: bool = True
) -> None:
    """Serves ``app`` until ``stop``; then answers what is open, at most :data:`GRACE_S`. ``ready`` is set when it listens.

    A service that only answers health checks says ``websockets=False`` and needs no library for them.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="none",
        http="httptools",
        ws="websockets-sansio" if websockets else "none",
        ws_per_message_deflate=False,
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config)
    serving = asyncio.create_task(server._serve(), name="http")
    try:
        while not server.started:
            if serving.done():
                serving.result()
                raise RuntimeError(f"the HTTP server did not start on {host}:{port}: is the port in use?")
            await asyncio.sleep(0.01)
        log.info("listening", extra={"host": host, "port": port})
        if ready is not None:
            ready.set()
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((serving, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
    finally:
        server.should_exit = True
        await serving
