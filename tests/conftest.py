"""Real servers for the tests: NATS with the catalogue's users and permissions, PostgreSQL as the local run makes it.

One of each serves a whole session, on a free port, in a folder of its own; tests keep apart by tenant names and by databases.
A test that stops or kills a server takes one of its own (``own_nats``, ``own_postgres``). The servers die with this process.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings

from drishti.bus import streams
from drishti.bus.connection import Bus, connect
from drishti_local.servers import NatsServer, PostgresServer
from rigs import jaeger

pytest_plugins = ["rigs.otlp_receiver", "rigs.redis", "rigs.sdk_spans"]

ROOT = Path(__file__).resolve().parent.parent

# A busy machine makes an example slow, not wrong. In CI a change is judged by the same examples each time.
settings.register_profile("drishti", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("drishti")

BusFor = Callable[[str], Awaitable[Bus]]


def pytest_configure() -> None:
    # A run in the background of a shell script inherits an ignored SIGINT, and every program that tests start would too.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """What a program's ``main`` sets up for its process ends with the test that called it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's unprivileged user can pass through: pytest's own temporary folders are closed to it."""
    folder = Path(tempfile.mkdtemp(prefix="drishti-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def nats_server(server_folder: Path) -> Iterator[NatsServer]:
    """The session's NATS; nothing is declared on it yet (``nats_url`` sees to that)."""
    server = NatsServer(server_folder / "nats")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
async def nats_url(nats_server: NatsServer) -> str:
    """The address of NATS as ``admin``, with everything of the catalogue declared."""
    await _declare(nats_server)
    return nats_server.url("admin")


@pytest.fixture
async def bus_for(nats_server: NatsServer, nats_url: str) -> AsyncIterator[BusFor]:
    """Connects to the session's NATS as one of its users; closed after the test."""
    async with AsyncExitStack() as stack:

        async def connect_as(user: str) -> Bus:
            bus = await connect(nats_server.settings(user), name=user)
            stack.push_async_callback(bus.close)
            return bus

        yield connect_as


@pytest.fixture
async def nats_admin(bus_for: BusFor) -> Bus:
    """A connection that may do everything."""
    return await bus_for("admin")


@pytest.fixture
async def own_nats(server_folder: Path) -> AsyncIterator[NatsServer]:
    """A NATS for one test, declared, to be stopped, killed and restarted."""
    async with _a_nats(server_folder) as server:
        yield server


@pytest.fixture(scope="module")
async def module_nats(server_folder: Path) -> AsyncIterator[NatsServer]:
    """A NATS for the tests of one module that only look at what was put there once."""
    async with _a_nats(server_folder) as server:
        yield server


@asynccontextmanager
async def _a_nats(server_folder: Path) -> AsyncIterator[NatsServer]:
    server = NatsServer(server_folder / f"nats-{uuid.uuid4().hex[:8]}")
    server.start()
    try:
        await _declare(server)
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.home.path, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(server_folder: Path) -> Iterator[PostgresServer]:
    """The session's PostgreSQL."""
    server = PostgresServer(server_folder / "postgres")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def postgres_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """The address of an empty database of the test's own."""
    async with _a_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="module")
async def module_postgres_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """The same for the tests of one module."""
    async with _a_database(postgres_server) as url:
        yield url


@asynccontextmanager
async def _a_database(postgres_server: PostgresServer) -> AsyncIterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(postgres_server.url())
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        yield postgres_server.url(name)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@pytest.fixture
def own_postgres(server_folder: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL for one test, to be stopped, killed and restarted."""
    server = PostgresServer(server_folder / f"postgres-{uuid.uuid4().hex[:8]}")
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.home.path, ignore_errors=True)


@pytest.fixture(scope="session")
def drishti_data() -> Path:
    """The folder of recorded load and public benchmarks; a test that needs it is skipped where it is not."""
    folder = Path(os.environ.get("DRISHTI_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no recorded data in {folder}: set DRISHTI_DATA")
    return folder


@pytest.fixture(scope="session")
def jaeger_program() -> Path:
    """A real Jaeger's program; a test that needs it is skipped where there is none."""
    try:
        return jaeger.program()
    except jaeger.NoJaeger as reason:
        pytest.skip(str(reason))


async def _declare(server: NatsServer) -> None:
    bus = await connect(server.settings("admin"), name="admin")
    try:
        await streams.declare(bus.js)
    finally:
        await bus.close()
