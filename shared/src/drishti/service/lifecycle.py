"""What every service does around its work: logs, signals, telemetry, an HTTP server, and the order of leaving.

The order of shutdown, for all: the stop event is set (SIGTERM or SIGINT), the service stops accepting, finishes what runs,
closes its connections, and last flushes its telemetry.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import uvicorn
import uvloop

from drishti import settings
from drishti.errors import DrishtiError, SettingsError
from drishti.messages import subjects
from drishti.service.http import server as http_server
from drishti.service.http.limits import Connections, HttpLimits, connections_within
from drishti.service.watchdog import WatchdogSettings, watching
from drishti.telemetry import logs, setup

log = logging.getLogger(__name__)

S = TypeVar("S")

GC_THRESHOLD = 10_000
"""New containers before Python's collector looks for cycles. A request's own hundreds, which no cycle holds, are gone by then:
at the 700 of the default, the collector is called several times for nothing in every few requests."""


def run(
    serve: Callable[[S, asyncio.Event], Awaitable[None]],
    settings_type: type[S],
    *,
    name: str,
    about: str | None,
    takes_own_signals: bool = False,
) -> None:
    """Runs ``serve(settings, stop)`` to its end, with the settings of the environment; ``--help`` lists them after ``about``.

    A wrong setting ends the process with status 2 and a list of all that is wrong, and a loop that is blocked ends it, too
    (:mod:`drishti.service.watchdog`). A service whose metrics and
    spans go through its own port (``takes_own_signals``) sends the last of them before the port closes.
    """
    parser = _parser(settings_type, name, about or "")
    parser.parse_args()
    try:
        logs.configure()
        watchdog = settings.load(WatchdogSettings, os.environ)
        loaded = settings.load(settings_type, os.environ)
    except SettingsError as error:
        parser.exit(2, f"{error}\n")
    try:
        uvloop.run(_run(serve, loaded, name, takes_own_signals, watchdog))
    except* CannotListen as group:
        reason = _first(group)
    except* SettingsError as group:  # of a file that a setting names
        reason = _first(group)
    else:
        return
    if isinstance(reason, SettingsError):
        parser.exit(2, f"{reason}\n")
    log.error("%s", reason)
    sys.exit(1)


def _first(group: BaseExceptionGroup[Exception]) -> BaseException:
    """The first failure in a group of groups."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _parser(settings_type: type[Any], name: str, about: str) -> argparse.ArgumentParser:
    logging_too = ("LOG_LEVEL, LOG_FORMAT", "level of the log [INFO], and its format: text or json [text]")
    (watchdog,) = settings.entries(WatchdogSettings)
    watchdog_too = (watchdog.env, f"{watchdog.doc} [{watchdog.default:g}]")
    return argparse.ArgumentParser(
        prog=f"python -m {name.replace('-', '_')}",
        description=about,
        epilog=settings.explained(settings_type, logging_too, watchdog_too, settings.OTLP),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


async def _run(
    serve: Callable[[S, asyncio.Event], Awaitable[None]],
    loaded: S,
    name: str,
    takes_own_signals: bool,
    watchdog: WatchdogSettings,
) -> None:
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    stop, asked = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, asked.set)
    # What is published of a metric goes on in the trace of its exemplar and makes spans and metrics of services: with exemplars
    # there, no trace would ever end.
    signals = setup.configure(name, setup.gateway_of(os.environ), namespace=subjects.OWN_NAMESPACE, exemplars=False)
    log.info("starting", extra={"service": name})

    async def leave_when_asked() -> None:
        await asked.wait()
        if takes_own_signals:
            await asyncio.gather(asyncio.to_thread(signals.end_metrics), asyncio.to_thread(signals.flush_spans))
        stop.set()

    leaving = asyncio.create_task(leave_when_asked(), name="leave")
    with watching(watchdog, name):
        try:
            await serve(loaded, stop)
        finally:
            leaving.cancel()
            await asyncio.to_thread(signals.shutdown)
            log.info("stopped", extra={"service": name})


class CannotListen(DrishtiError):
    """The address of a service is taken or not allowed; what the system said stands in the log."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"cannot listen on {host}:{port}: another program uses this port, or the address is not of this machine"
        )


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the service has one pair for everything it runs."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:  # uvicorn has logged the system's reason
            raise CannotListen(self.config.host, self.config.port) from None
        http_server.bound_buffers(self.servers)


async def serve_http(
    app: Any,
    *,
    host: str,
    port: int,
    stop: asyncio.Event,
    ready: asyncio.Event | None = None,
    websockets: bool = True,
    connections: Connections | None = None,
) -> None:
    """Serves ``app`` until ``stop``; then answers what is open, at most :data:`drishti.service.http.server.GRACE_S`.

    ``ready`` is set when it listens. A service that only answers health checks says ``websockets=False`` and needs no library
    for them. ``connections`` has the limits and will hold what is open.
    """
    if connections is None:
        connections = connections_within(HttpLimits())
    config = http_server.configuration(app, connections, host=host, port=port, websockets=websockets)
    http_server.observe(connections, port=port)
    server = _Server(config)
    serving = asyncio.create_task(server.serve(), name="http")
    sweeping = asyncio.create_task(http_server.sweep(connections), name="http-limits")
    try:
        while not server.started:
            if serving.done():
                serving.result()  # a port in use ends here, logged
                raise RuntimeError(f"the application did not start on {host}:{port}")
            await asyncio.sleep(0.01)
        log.info("listening", extra={"host": host, "port": port})
        if ready is not None:
            ready.set()
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((serving, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
    finally:
        server.should_exit = True
        try:
            await serving
        finally:
            sweeping.cancel()
            connections.abort()
