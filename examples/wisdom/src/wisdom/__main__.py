"""``python -m wisdom``: the application and the people who use it, in one process."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import random
import signal
import socket
import sys
from collections.abc import Iterator

import uvicorn

from drishti import settings
from drishti.analytics import analytics
from drishti.errors import SettingsError
from drishti.telemetry import logs
from wisdom import arrivals
from wisdom.app import build_app
from wisdom.faults import Faults
from wisdom.habits import Crowd
from wisdom.history import History
from wisdom.load import Load
from wisdom.settings import DESTINATIONS, WisdomSettings, take_client_env
from wisdom.store import Store

log = logging.getLogger("wisdom")

GRACE_S = 3

EXAMPLES = """try it:
  DEMO_SPEED=5 python -m wisdom
  DEMO_FAULT=latency DEMO_FAULT_AFTER=60 python -m wisdom
  curl -X POST localhost:8010/api/wisdom -H 'content-type: application/json' \\
       -d '{"user_id": "me", "session_id": "s1", "query": "How do I begin to meditate?"}'"""


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: one pair serves the application and its driver."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m wisdom",
        description="A sample wisdom application under recorded load, to be watched with Drishti.",
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--no-load", action="store_true", help="serve the application only; drive it yourself")
    arguments = parser.parse_args()
    client_env = take_client_env(os.environ)
    try:
        logs.configure()
        loaded = settings.load(WisdomSettings, os.environ)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if client_env is not None:
        log.info("destination taken from %s", client_env)
    try:
        listening = socket.create_server((loaded.host, loaded.port), backlog=512)
    except OSError as error:
        sys.stderr.write(f"cannot listen at {loaded.host}:{loaded.port} (DEMO_HOST, DEMO_PORT): {error.strerror}\n")
        return 1
    asyncio.run(_run(loaded, listening, load=not arguments.no_load))
    return 0


async def _run(loaded: WisdomSettings, listening: socket.socket, *, load: bool) -> None:
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    rng = random.Random(loaded.seed)
    faults = Faults(loaded.fault, after_s=loaded.fault_after_s, for_s=loaded.fault_for_s, rng=rng)
    store = Store(loaded.database_url)
    await store.open()
    app = build_app(store, faults, rng)
    server = _Server(
        uvicorn.Config(app, log_config=None, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_S)
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="application")
    serving.add_done_callback(lambda _: stop.set())
    try:
        log.info("the wisdom application listens at http://%s:%d (try /docs)", loaded.host, listening.getsockname()[1])
        if load:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_driver(loaded, listening.getsockname()[1], faults).run(stop))
                if loaded.history_days:
                    after_s = loaded.history_after_s
                    history = History(Crowd(loaded.seed), analytics, store, days=loaded.history_days, after_s=after_s)
                    tasks.create_task(history.run(stop))
        await stop.wait()
        log.info("stopping")
    finally:
        faults.leave()
        server.should_exit = True
        await serving


def _driver(loaded: WisdomSettings, port: int, faults: Faults) -> Load:
    hour = arrivals.recorded(loaded.data)
    if hour is None:
        hour = arrivals.drawn(loaded.seed)
        log.info("no recorded traffic in %s (DRISHTI_DATA): drawn with the same statistics", loaded.data)
    else:
        log.info("recorded traffic: %d requests of one hour, at %g times its speed", len(hour), loaded.speed)
    host = "127.0.0.1" if loaded.host in ("0.0.0.0", "") else loaded.host  # noqa: S104 - compared, not bound
    return Load(host, port, arrivals.forever(hour, loaded.speed), faults, random.Random(loaded.seed + 1))


def _epilog() -> str:
    destinations = f"{', '.join(DESTINATIONS)}, DRISHTI_API_KEY"
    where = (destinations, "where events go; else those of DRISHTI_HOME/client.env (DRISHTI_HOME: .drishti)")
    return f"{settings.explained(WisdomSettings, where, settings.OTLP)}\n\n{EXAMPLES}"


if __name__ == "__main__":
    raise SystemExit(main())
