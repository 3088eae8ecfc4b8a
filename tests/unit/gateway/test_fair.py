"""Places that tenants get in turn."""

from __future__ import annotations

import asyncio

import pytest

from gateway.ingest.fair import FairPlaces, Reader


async def test_a_place_goes_to_the_tenant_that_waits_for_its_turn_longest() -> None:
    places, order = FairPlaces(1), []

    async def work(tenant: str) -> None:
        await places.enter(tenant)
        order.append(tenant)
        await asyncio.sleep(0)
        places.leave()

    await asyncio.gather(*(work(tenant) for tenant in ["much"] * 5 + ["little"] * 2 + ["one"]))
    assert order == ["much", "much", "little", "one", "much", "little", "much", "much"]


async def test_as_many_are_in_at_once_as_there_are_places() -> None:
    places, inside, most = FairPlaces(3), 0, 0

    async def work(tenant: str) -> None:
        nonlocal inside, most
        await places.enter(tenant)
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1
        places.leave()

    await asyncio.gather(*(work(f"t{n % 4}") for n in range(40)))
    assert (inside, most) == (0, 3)


@pytest.mark.parametrize("granted", [False, True])
async def test_a_wait_that_is_cancelled_keeps_no_place(granted: bool) -> None:
    places = FairPlaces(1)
    await places.enter("a")
    waiting = asyncio.create_task(places.enter("b"))
    await asyncio.sleep(0)
    if granted:
        places.leave()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    if not granted:
        places.leave()
    async with asyncio.timeout(5):
        await places.enter("c")


async def test_a_reader_that_fails_reads_on() -> None:
    reader = Reader("test")
    with pytest.raises(ZeroDivisionError):
        await reader.read("a", lambda: 1 / 0)
    assert await reader.read("b", lambda: 1) == 1
