"""Tenants are served round robin, in batches and in questions; and what goes beyond a bound is counted."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.ingest.fair_queue import FairQueue
from analytics.overflow import LOG_EVERY_S, TENANTS, Overflows
from analytics.query import sessions
from analytics.query.sessions import Sessions
from analytics.query.tenant_semaphore import TenantSemaphore, TooManyWaiting
from analytics.storage.database import Database
from drishti.settings import Secret

entries = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), max_size=40)


@given(entries, st.integers(1, 20), st.integers(1, 60))
def test_everything_is_taken_once_and_in_order_within_a_tenant(put: list[tuple[str, int]], share: int, most: int) -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue(share)
    for number, (tenant, size) in enumerate(put):
        queue.put(tenant, (tenant, number), size)
    taken = []
    while len(queue):
        part = queue.take(most)
        assert part
        taken += part
    assert queue.size == 0
    assert queue.take(most) == []
    for tenant in "abc":
        assert [n for t, n in taken if t == tenant] == [n for n, (t, _) in enumerate(put) if t == tenant]


def test_who_has_much_waiting_delays_the_others_by_its_share_and_no_more() -> None:
    queue: FairQueue[str] = FairQueue(10)
    for _ in range(1_000):
        queue.put("flood", "flood", 5)
    queue.put("calm", "calm")
    first = queue.take(20)
    assert first[:3] == ["flood", "flood", "calm"]
    assert sum(1 for name in first if name == "flood") == 4
    queue.put("calm", "calm")
    assert "calm" in queue.take(20), "its turn comes in every batch"


async def test_a_tenant_with_any_number_of_questions_leaves_a_place_to_the_others() -> None:
    semaphore = TenantSemaphore(3, of_tenant=2, waiting_of_tenant=5)
    held: list[str] = []
    over = asyncio.Event()

    async def ask(tenant: str) -> None:
        async with semaphore.slot(tenant):
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
        with pytest.raises(TooManyWaiting):
            async with semaphore.slot("flood"):
                pass
        over.set()
    assert held.count("flood") == 7


async def test_a_place_of_tenant_who_gave_up_waiting_goes_to_the_next() -> None:
    semaphore = TenantSemaphore(1, of_tenant=1, waiting_of_tenant=5)
    got = []

    async def ask(name: str) -> None:
        async with semaphore.slot("a"):
            got.append(name)

    async with asyncio.timeout(30):
        async with semaphore.slot("a"):
            waiting = [asyncio.create_task(ask(name)) for name in ("first", "second", "third")]
            await asyncio.sleep(0)
            waiting[0].cancel()
        waiting[1].cancel()  # just as it got the place
        for task in waiting:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        async with semaphore.slot("b"):
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


async def test_a_question_whose_turn_does_not_come_in_time_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "WAIT_S", 0.01)
    turns = Sessions(Database(Secret("postgresql://nobody@127.0.0.1:1/none")))
    async with contextlib.AsyncExitStack() as held:
        for _ in range(sessions.CONCURRENT_OF_TENANT):
            await held.enter_async_context(turns.turn("busy"))
        with pytest.raises(TooManyWaiting):
            async with turns.turn("busy"):
                pytest.fail("there was no place")
        async with turns.turn("other"):
            pass
    async with turns.turn("busy"):
        pass
