"""Tenants in turn: in batches, at the questions' places; and what goes beyond a bound is counted."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.ingest.fair_queue import Turns
from analytics.overflow import LOG_EVERY_S, TENANTS, Overflows
from analytics.query.tenant_semaphore import Places, TooManyWait

things = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), max_size=40)


@given(things, st.integers(1, 20), st.integers(1, 60))
def test_everything_is_taken_once_and_in_order_within_a_tenant(put: list[tuple[str, int]], share: int, most: int) -> None:
    turns: Turns[tuple[str, int]] = Turns(share)
    for number, (tenant, size) in enumerate(put):
        turns.put(tenant, (tenant, number), size)
    taken = []
    while len(turns):
        part = turns.take(most)
        assert part
        taken += part
    assert turns.size == 0
    assert turns.take(most) == []
    for tenant in "abc":
        assert [n for t, n in taken if t == tenant] == [n for n, (t, _) in enumerate(put) if t == tenant]


def test_who_has_much_waiting_delays_the_others_by_its_share_and_no_more() -> None:
    turns: Turns[str] = Turns(10)
    for _ in range(1_000):
        turns.put("flood", "flood", 5)
    turns.put("calm", "calm")
    first = turns.take(20)
    assert first[:3] == ["flood", "flood", "calm"]
    assert sum(1 for name in first if name == "flood") == 4
    turns.put("calm", "calm")
    assert "calm" in turns.take(20), "its turn comes in every batch"


async def test_a_tenant_with_any_number_of_questions_leaves_a_place_to_the_others() -> None:
    places = Places(3, of_one=2, waiting_of_one=5)
    held: list[str] = []
    over = asyncio.Event()

    async def ask(tenant: str) -> None:
        async with places.of(tenant):
            held.append(tenant)
            await over.wait()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(6):
            tasks.create_task(ask("flood"))
        tasks.create_task(ask("calm"))
        for _ in range(10):
            await asyncio.sleep(0)
        assert sorted(held) == ["calm", "flood", "flood"]
        tasks.create_task(ask("flood"))
        await asyncio.sleep(0)
        with pytest.raises(TooManyWait):
            async with places.of("flood"):
                pass
        over.set()
    assert held.count("flood") == 7


async def test_a_place_of_one_who_gave_up_waiting_goes_to_the_next() -> None:
    places = Places(1, of_one=1, waiting_of_one=5)
    got = []

    async def ask(name: str) -> None:
        async with places.of("a"):
            got.append(name)

    async with asyncio.timeout(30):
        async with places.of("a"):
            waiting = [asyncio.create_task(ask(name)) for name in ("first", "second", "third")]
            await asyncio.sleep(0)
            waiting[0].cancel()
        waiting[1].cancel()  # just as it got the place
        for task in waiting:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        async with places.of("b"):
            pass
    assert got == ["third"]


def test_what_goes_beyond_a_bound_is_counted_by_name_and_logged_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    overflows = Overflows()
    assert LOG_EVERY_S >= 1
    with caplog.at_level(logging.WARNING):
        for n in range(10 * TENANTS):
            overflows.note("items", 2, tenant=f"t{n % (2 * TENANTS)}")
        overflows.note("series", 0)
    assert overflows.statistics()["overflow_items"] == 20 * TENANTS
    assert overflows.statistics()["overflow_series"] == 0
    assert len(caplog.records) == TENANTS + 1, "each tenant once, and those beyond together"
