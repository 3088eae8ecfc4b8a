"""Which saved funnel is counted when, and which results are published; what they are is for the question's own tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from analytics.product.saved import Saved, nothing_saved
from analytics.product.saved_funnels import FunnelDocument
from analytics.query.product.saved_funnels import live
from analytics.query.product.saved_funnels.live import LiveFunnels
from analytics.query.product.saved_funnels.range import DAY_MS, query_of
from drishti.bus.documents import Conflict
from drishti.bus.entries import Entry
from drishti.errors import QueryError
from drishti.messages.product.funnels import FunnelAnswer, FunnelQuery, FunnelStep, FunnelStepCount
from drishti.messages.product.saved_funnels import FunnelResult, RecentFunnel
from rigs.waiting import wait_until

FUNNEL = RecentFunnel(steps=[FunnelStep(event_type="a"), FunnelStep(event_type="b")], days=2)


class Answers:
    """Knows which tenants were asked about; answers with ``users`` once it may (``open``), or fails with ``error``."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.users = 1
        self.error: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    @property
    def asked(self) -> Counter[str]:
        return Counter(self.order)

    async def answer(self, asked: FunnelQuery) -> FunnelAnswer:
        self.order.append(asked.tenant)
        await asyncio.sleep(0)
        await self.open.wait()
        if self.error is not None:
            raise self.error
        steps = [FunnelStepCount(event_type=step.event_type, users=self.users) for step in asked.steps]
        about = {"from_ms": asked.from_ms, "to_ms": asked.to_ms, "as_of": 7, "window_s": asked.window_s, "sampled": 1.0}
        return FunnelAnswer(**about, steps=steps)  # type: ignore[arg-type]


class Results:
    """A bucket of results without a bus; so many ``conflicts`` come before a write succeeds."""

    def __init__(self, saved: Saved) -> None:
        self._results = saved.results
        self.conflicts = 0
        self.written: list[FunnelResult] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._results, name)

    async def replace(self, tenant: str, result: FunnelResult, expected: int) -> None:
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict(None, 0, expected)
        self.written.append(result)
        self._results.take(Entry(f"{tenant}.{result.name}", expected + 1, msgspec.json.encode(result), 0.0))


class World:
    def __init__(self) -> None:
        self.saved = nothing_saved()
        self.answers = Answers()
        self.results = Results(self.saved)
        self.others: set[str] = set()
        """The tenants whose funnels another replica counts."""
        self._revision = 0

    def save(self, tenant: str, name: str = "f", funnel: RecentFunnel = FUNNEL) -> int:
        self._revision += 1
        document = FunnelDocument(name=name, funnel=funnel)
        self.saved.funnels.take(Entry(f"{tenant}.{name}", self._revision, msgspec.json.encode(document), 0.0))
        return self._revision

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[LiveFunnels]:
        for documents in (self.saved.funnels, self.saved.results):
            documents.loaded.set()
        answers: Any = self.answers
        results: Any = self.results
        counting = LiveFunnels(self.saved.funnels, results, answers, lambda tenant, _name: tenant not in self.others)
        stop = asyncio.Event()
        task = asyncio.create_task(counting.run(stop))
        try:
            yield counting
        finally:
            stop.set()
            await task

    async def wait_asked(self, tenant: str, times: int) -> None:
        await wait_until(lambda: self.answers.asked[tenant] >= times)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("EVERY_S", 0.01), ("LOOK_S", 0.01), ("RETRY_S", 0.01), ("FAILED_S", 0.01)):
        monkeypatch.setattr(live, name, seconds)


async def test_a_funnel_is_counted_when_it_is_saved_or_events_came_and_not_else(world: World) -> None:
    world.save("acme")
    async with world.running() as counting:
        await world.wait_asked("acme", 1)
        counting.note("nobody")
        world.save("other")
        await world.wait_asked("other", 1)  # which came after: nothing was due of acme meanwhile
        assert world.answers.asked["acme"] == 1
        for times in (2, 3):
            world.answers.users = times
            counting.note("acme")
            await world.wait_asked("acme", times)
        await wait_until(lambda: [one.answer and one.answer.steps[0].users for one in world.results.written][-1] == 3)
        revision = world.save("acme")
        await wait_until(lambda: world.results.written[-1].revision == revision)


async def test_only_what_changed_is_published(world: World) -> None:
    world.save("acme")
    async with world.running() as counting:
        for times in (1, 2, 3):
            await world.wait_asked("acme", times)
            counting.note("acme")
        world.answers.users = 9
        await wait_until(lambda: len(world.results.written) == 2)
    assert [one.answer and one.answer.steps[0].users for one in world.results.written] == [1, 9]


async def test_a_replica_counts_what_it_owns(world: World) -> None:
    world.others.add("acme")
    world.save("acme")
    async with world.running() as counting:
        counting.note("acme")
        world.save("mine")
        await world.wait_asked("mine", 1)
        assert world.answers.order == ["mine"]
        world.others.clear()
        await world.wait_asked("acme", 1)
        await wait_until(lambda: len(world.results.written) == 2)


async def test_what_another_replica_wrote_meanwhile_is_counted_again(world: World) -> None:
    world.results.conflicts = 2
    world.save("acme")
    async with world.running():
        await wait_until(lambda: len(world.results.written) == 1)
    assert world.answers.asked["acme"] == 3


async def test_a_result_that_came_after_the_funnel_was_given_away_is_dropped(world: World) -> None:
    world.answers.open.clear()
    world.save("acme")
    async with world.running():
        await world.wait_asked("acme", 1)
        world.others.add("acme")
        world.save("mine")
        world.answers.open.set()
        await wait_until(lambda: world.results.written)
    assert world.answers.order == ["acme", "mine"]
    assert len(world.results.written) == 1, "that of the other funnel, which was counted later"


@pytest.mark.parametrize("error", [QueryError("no event lies in this range"), ZeroDivisionError()])
async def test_a_funnel_that_cannot_be_counted_keeps_no_other_waiting(world: World, error: Exception) -> None:
    world.answers.error = error
    world.save("acme")
    async with world.running() as counting:
        await world.wait_asked("acme", 1)
        world.answers.error = None
        world.save("other")
        await wait_until(lambda: any(one.answer for one in world.results.written))
        counting.note("acme")
        await wait_until(lambda: sum(one.answer is not None for one in world.results.written) == 2)
    failed = [one.error for one in world.results.written if one.error]
    assert failed == (["no event lies in this range"] if isinstance(error, QueryError) else [])


async def test_a_tenant_with_many_funnels_keeps_another_waiting_for_one_of_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "EVERY_S", 0.0)
    monkeypatch.setattr(live, "PATIENCE", 0)
    for place in range(40):
        world.save("many", f"f{place}")
    async with world.running() as counting:
        await world.wait_asked("many", 40)
        for times in (1, 2, 3):
            there = len(world.answers.order)
            if times == 1:
                world.save("few")
            for tenant in ("many", "few"):
                counting.note(tenant)
            await world.wait_asked("few", times)
            assert "few" in world.answers.order[there : there + 2]


def test_the_question_is_about_the_last_days_to_the_end_of_this_one() -> None:
    for now_s in (DAY_MS / 1000 * 9, DAY_MS / 1000 * 10 - 0.001):
        asked = query_of("acme", FUNNEL, now_s)
        assert (asked.from_ms, asked.to_ms, asked.steps) == (8 * DAY_MS, 10 * DAY_MS, FUNNEL.steps)
