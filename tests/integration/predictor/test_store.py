"""What the object store keeps of the predictors' artefacts, and what it does not."""

from __future__ import annotations

import time

import pytest

from conftest import BusFor
from drishti.bus import objects
from drishti.bus.connection import Bus
from drishti.errors import BusUnavailable
from predictor.artefacts.store import ModelStore

CHUNKS = "$O.models.C."


@pytest.fixture
async def bus(bus_for: BusFor) -> Bus:
    """With the predictor's own rights."""
    return await bus_for("predictor")


async def chunks(admin: Bus) -> set[str]:
    return set((await admin.js.stream_info("OBJ_models", subjects_filter=CHUNKS + ">")).state.subjects or ())


async def test_what_was_cut_short_is_swept_and_what_is_named_stays(
    bus: Bus, nats_admin: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ModelStore(bus)
    await store.sweep(time.time())
    before = await chunks(nats_admin)
    await store.save("store-00", b"kept" * 100_000)
    kept = await chunks(nats_admin)
    for _ in range(3):  # what nats-py has sent of an object whose sender is killed: it names the chunks at the end
        await bus.publish(CHUNKS + "lost", b"lost" * 30_000)
    assert await chunks(nats_admin) - kept == {CHUNKS + "lost"}

    assert await store.sweep(time.time()) == 0, "somebody may be saving it now"
    monkeypatch.setattr(objects, "CUT_SHORT_S", -60.0)
    assert await store.sweep(time.time()) == 1
    assert await chunks(nats_admin) == kept
    assert await store.load("store-00") == b"kept" * 100_000
    assert len(kept - before) <= 1


async def test_a_store_that_is_away_is_said_so(bus: Bus) -> None:
    with pytest.raises(BusUnavailable, match="object store"):
        await objects.Objects(bus, "nowhere").sweep(time.time())


async def test_a_large_artefact_may_take_its_time(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ModelStore(bus)
    payload = b"0123456789" * 2_000_000
    await store.save("store-01", payload)
    monkeypatch.setattr(objects, "LOAD_S", 0.0)
    assert await store.load("store-01") == payload
