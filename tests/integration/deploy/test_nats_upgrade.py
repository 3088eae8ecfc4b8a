"""What a NATS without accounts has stored is there after the update, in the local run and in the compose stack."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drishti.bus import keys, streams
from drishti.bus.connection import connect
from drishti.messages import catalogue
from drishti.settings import BusSettings, Secret
from drishti_local import nats
from drishti_local.errors import LocalError
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from rigs.compose_nats import ComposeNats
from rigs.programs import blocking_program
from rigs.waiting import DEADLINE_S, wait_until_blocking

SUBJECT = "events.v1.default.kept"


@contextlib.contextmanager
def run_before_accounts(store: Path, folder: Path) -> Iterator[BusSettings]:
    """A server as earlier versions configured it: every user in the global account."""
    port = free_port()
    config = folder / "before.conf"
    config.write_text(
        f'server_name: {nats.NAME}\nlisten: "127.0.0.1:{port}"\n'
        f"jetstream {{ store_dir: {json.dumps(str(store))}, max_file_store: 10GB }}\n"
        'authorization { users = [ { user: "admin", password: "before" } ] }\n'
    )
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with blocking_program(str(nats.find_binary()), "-c", str(config), **quiet):
        wait_until_blocking(lambda: nats.answers(port), "NATS to listen")
        yield BusSettings(url=f"nats://127.0.0.1:{port}", user="admin", password=Secret("before"))


async def fill(settings: BusSettings) -> keys.ApiKey:
    """Three messages, of which analytics has acked the first, and a key."""
    bus = await connect(settings, name="admin")
    await streams.declare(bus.js)
    for number in range(3):
        await bus.publish(SUBJECT, str(number).encode())
    consumer = await bus.js.pull_subscribe_bind("analytics-events", "EVENTS")
    (first,) = await consumer.fetch(1, timeout=DEADLINE_S)
    await first.ack_sync(timeout=DEADLINE_S)
    await consumer.unsubscribe()
    kv = await bus.kv(catalogue.API_KEYS_BUCKET)
    key, _ = await keys.create(kv, name="kept", tenant="default", role="viewer", now=datetime.now(UTC))
    await bus.close()
    return key


@pytest.fixture(params=["local", "compose"])
def updated(request: pytest.FixtureRequest, server_folder: Path, tmp_path: Path) -> Iterator[NatsServer | ComposeNats]:
    server = NatsServer(server_folder / f"update-{tmp_path.name}") if request.param == "local" else ComposeNats(tmp_path)
    yield server
    server.stop()


def store_of(server: NatsServer | ComposeNats) -> Path:
    return server.home.nats if isinstance(server, NatsServer) else server.store


async def test_streams_positions_and_keys_are_there_after_the_update(updated: NatsServer | ComposeNats, tmp_path: Path) -> None:
    with run_before_accounts(store_of(updated), tmp_path) as before:
        key = await fill(before)

    for _ in range(2):  # and after the next start
        updated.start()
        bus = await connect(updated.settings("admin"), name="admin")
        assert await streams.declare(bus.js) == []
        assert (await bus.js.stream_info("EVENTS")).state.messages == 3
        info = await bus.js.consumer_info("EVENTS", "analytics-events")
        assert info.ack_floor is not None
        assert (info.ack_floor.stream_seq, info.num_pending) == (1, 2)
        assert await keys.list_keys(await bus.kv(catalogue.API_KEYS_BUCKET)) == [key]
        await bus.close()
        updated.stop()
    assert [folder.name for folder in (store_of(updated) / "jetstream").iterdir()] == ["DRISHTI"]


async def test_where_both_hold_streams_nothing_is_started_and_nothing_lost(
    updated: NatsServer | ComposeNats, tmp_path: Path
) -> None:
    updated.start()
    await fill(updated.settings("admin"))
    updated.stop()
    with run_before_accounts(store_of(updated), tmp_path) as before:
        await fill(before)

    if isinstance(updated, NatsServer):
        with pytest.raises(LocalError, match="hold streams: an older version ran"):
            updated.start()
    else:
        assert "hold streams: an older version ran on this volume after a newer one" in updated.fail()
    for account in ("$G", "DRISHTI"):
        assert (store_of(updated) / "jetstream" / account / "streams" / "EVENTS").is_dir()


async def test_an_account_that_never_held_a_stream_is_in_nobodys_way(updated: NatsServer | ComposeNats, tmp_path: Path) -> None:
    updated.start()
    updated.stop()
    with run_before_accounts(store_of(updated), tmp_path) as before:
        await fill(before)
    updated.start()
    bus = await connect(updated.settings("admin"), name="admin")
    assert (await bus.js.stream_info("EVENTS")).state.messages == 3
    await bus.close()
