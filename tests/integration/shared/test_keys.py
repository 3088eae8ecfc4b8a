"""Keys in a real bucket: what is revoked stays out, whatever the bucket holds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from nats.js.errors import APIError
from nats.js.kv import KeyValue

from drishti import cli
from drishti.bus import keys, streams
from drishti.bus.connection import Bus, connect
from drishti.bus.key_ring import KeyRing
from drishti.messages import catalogue
from drishti_local.servers import NatsServer
from rigs.waiting import wait_until


@contextlib.asynccontextmanager
async def ring_of(server: NatsServer) -> AsyncIterator[KeyRing]:
    """The keys as a gateway knows them."""
    bus = await connect(server.settings("gateway"), name=catalogue.GATEWAY)
    ring, stop = KeyRing(), asyncio.Event()
    following = asyncio.create_task(ring.follow(bus, stop))
    try:
        await asyncio.wait_for(ring.loaded.wait(), 20)
        yield ring
    finally:
        stop.set()
        await following
        await bus.close()


async def fill(kv: KeyValue) -> int:
    """Puts in what fits, large things first, until there is no room for a byte; returns how many things."""
    count = 0
    for size in (900_000, 20_000, 300, 1):
        with contextlib.suppress(APIError):
            while True:
                await kv.put(f"filling-{count}", b"x" * size)
                count += 1
    return count


async def create(kv: KeyValue, name: str) -> tuple[keys.ApiKey, str]:
    return await keys.create(kv, name=name, tenant="default", role="producer", now=datetime.now(UTC))


async def test_a_key_is_revoked_in_a_full_bucket_and_refused_at_once(
    own_nats: NatsServer, admin: Bus, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kv = await admin.kv(catalogue.API_KEYS_BUCKET)
    made = [await create(kv, f"key {number}") for number in range(4)]
    assert await fill(kv) > 15
    with pytest.raises(keys.KeyProblem, match="no room for another key"):
        await create(kv, "one more")
    monkeypatch.setenv("DRISHTI_NATS_URL", own_nats.url("admin"))
    async with ring_of(own_nats) as ring:
        for key, text in made:
            assert ring.check(text) is not None
            assert await asyncio.to_thread(cli.main, ["keys", "revoke", key.id]) == 0
            await wait_until(lambda text=text: ring.check(text) is None)
            await fill(kv)  # whoever takes the room that was made does not stop the next one
    assert capsys.readouterr().out.count("is revoked since") == len(made)
    assert await streams.declare(admin.js) == []


async def test_what_is_no_key_hides_none(admin: Bus) -> None:
    kv = await admin.kv(catalogue.API_KEYS_BUCKET)
    key, _ = await create(kv, "mine")
    for name in ("what!ever", "x", "a.b"):
        await admin.publish(f"$KV.{catalogue.API_KEYS_BUCKET}.{name}", b"\xff{")
    assert await keys.list_keys(kv) == [key]
    assert (await keys.revoke(kv, key.id, now=datetime.now(UTC))).revoked_at is not None


async def test_two_who_revoke_the_same_key_both_succeed(admin: Bus) -> None:
    kv = await admin.kv(catalogue.API_KEYS_BUCKET)
    key, _ = await create(kv, "mine")
    now = datetime.now(UTC)
    first, second = await asyncio.gather(keys.revoke(kv, key.id, now=now), keys.revoke(kv, key.id, now=now))
    assert first == second
    assert first.revoked_at == now
