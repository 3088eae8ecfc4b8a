"""The step that prepares the bus of the compose stack, against a real NATS."""

from __future__ import annotations

import asyncio
import secrets
import sys
from datetime import UTC, datetime

import pytest

from drishti.bus import keys
from drishti.bus.connection import connect
from drishti.bus.key_ring import KeyRing
from drishti.messages import catalogue
from drishti_local.servers import NatsServer
from rigs.compose import ROOT
from rigs.programs import outcome


@pytest.fixture
def environment(own_nats: NatsServer) -> dict[str, str]:
    admin = own_nats.settings("admin")
    return {
        "DRISHTI_NATS_URL": admin.url,
        "NATS_USER": admin.user,
        "NATS_PASSWORD": admin.password.reveal(),
        "DRISHTI_API_KEY": f"dk_1234abcd_{secrets.token_urlsafe(32)}",
        "DRISHTI_SERVICES_KEY": f"dk_abcd1234_{secrets.token_urlsafe(32)}",
    }


async def prepare(environment: dict[str, str]) -> tuple[int, str, str]:
    """Status, output and complaints of the step."""
    script = str(ROOT / "deploy" / "docker" / "prepare.py")
    return await outcome(sys.executable, script, env=environment)


async def test_keys_of_the_environment_are_accepted_and_repetition_changes_nothing(
    own_nats: NatsServer, environment: dict[str, str]
) -> None:
    status, output, _ = await prepare(environment)
    assert (status, output.splitlines()) == (0, ["admin key 1234abcd", "service key abcd1234"])
    assert await prepare(environment) == (0, "the bus is as the catalogue says\n", "")

    bus = await connect(own_nats.settings("gateway"), name=catalogue.GATEWAY)
    ring, stop = KeyRing(), asyncio.Event()
    following = asyncio.create_task(ring.follow(bus, stop))
    async with asyncio.timeout(10):
        await ring.loaded.wait()
    for name, role in (("DRISHTI_API_KEY", "admin"), ("DRISHTI_SERVICES_KEY", "service")):
        principal = ring.check(f"Bearer {environment[name]}")
        assert principal is not None
        assert (principal.tenant, principal.role) == ("default", role)
    stop.set()
    await following
    await bus.close()


async def test_key_of_the_services_that_an_earlier_version_made_gets_its_role(
    own_nats: NatsServer, environment: dict[str, str]
) -> None:
    await prepare(environment)
    bus = await connect(own_nats.settings("admin"), name=catalogue.ADMIN)
    kv = await bus.kv(catalogue.API_KEYS_BUCKET)
    await keys.set_role(kv, text=environment["DRISHTI_SERVICES_KEY"], role="producer")

    assert await prepare(environment) == (0, "the bus is as the catalogue says\n", "")

    assert {key.id: key.role for key in await keys.list_keys(kv)} == {"1234abcd": "admin", "abcd1234": "service"}
    await bus.close()


async def test_revoked_key_stays_revoked_and_is_reported(own_nats: NatsServer, environment: dict[str, str]) -> None:
    await prepare(environment)
    bus = await connect(own_nats.settings("admin"), name=catalogue.ADMIN)
    kv = await bus.kv(catalogue.API_KEYS_BUCKET)
    await keys.revoke(kv, "1234abcd", now=datetime.now(UTC))

    status, output, _ = await prepare(environment)

    assert status == 0
    assert output.startswith("admin key 1234abcd was revoked and stays so")
    assert {key.id: key.revoked_at is not None for key in await keys.list_keys(kv)} == {"1234abcd": True, "abcd1234": False}
    await bus.close()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"DRISHTI_API_KEY": None}, "DRISHTI_API_KEY is not set"),
        ({"DRISHTI_API_KEY": "short"}, "the text of a key needs 24 or more"),
        ({"DRISHTI_API_KEY": "same" * 9, "DRISHTI_SERVICES_KEY": "same" * 9}, "must differ from DRISHTI_API_KEY"),
    ],
)
async def test_wrong_key_ends_the_step_with_one_line(
    environment: dict[str, str], change: dict[str, str | None], complaint: str
) -> None:
    environment = {name: value for name, value in (environment | change).items() if value is not None}
    status, output, complaints = await prepare(environment)
    assert (status, output) == (1, "")
    assert complaint in complaints
    assert "Traceback" not in complaints
