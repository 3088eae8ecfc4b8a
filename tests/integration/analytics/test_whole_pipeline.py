"""Whatever is sent, however it comes, and whoever is killed on the way: every number is that of plain Python over the items.

``DRISHTI_PIPELINE_SEEDS=100-200`` tries these seeds in place of the few of each run.
"""

from __future__ import annotations

import asyncio
import math
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import msgspec
import numpy as np
import pytest

from drishti.events import AnswerSet, Question, QuestionSet, encode
from drishti.measures.registry import opened
from rigs.analytics import Rig, now_ms
from rigs.pipeline_cases import DEFINED, SECONDS, Fact, Labels, Message, Numbers, Traffic, added_up, kpis, wanted
from rigs.waiting import wait_until

FIRST, _, LAST = os.environ.get("DRISHTI_PIPELINE_SEEDS", "1-3").partition("-")
SEEDS = range(int(FIRST), int(LAST or FIRST) + 1)

_STORED = """
SELECT split_part(metric, '@', 1) AS metric, resolution, extract(epoch FROM window_start)::bigint AS start,
       labels::text AS labels, sum(count)::bigint AS count, sum(errors)::bigint AS errors, sum(sum) AS sum
FROM rollups WHERE tenant = $1 AND split_part(metric, '@', 1) = ANY ($2::text[]) GROUP BY 1, 2, 3, 4
"""
_DRAWN = "SELECT count(*) FILTER (WHERE filled) > 0 AND bool_and(filled) FROM event_metrics WHERE tenant = $1 AND NOT ended"


class Replicas:
    """Processes of analytics that share the work; some are killed, and others come in their places."""

    def __init__(self, world: Rig, stack: AsyncExitStack, limit: int) -> None:
        self._world = world
        self._stack = stack
        self._env = {"ANALYTICS_MAX_SERIES": str(limit), "ANALYTICS_BATCH_ITEMS": "150"}
        self._alive: list[asyncio.subprocess.Process] = []

    async def start(self, count: int = 1, *, wait: bool = True) -> None:
        processes = [self._world.process(wait=wait, **self._env) for _ in range(count)]
        self._alive += await asyncio.gather(*(self._stack.enter_async_context(process) for process in processes))

    async def kill_one(self, rng: random.Random) -> None:
        process = self._alive.pop(rng.randrange(len(self._alive)))
        process.kill()
        await process.wait()
        await self.start(wait=False)


@pytest.fixture
async def connection(world: Rig) -> AsyncIterator[asyncpg.Connection]:
    found = await asyncpg.connect(world.database_url)
    try:
        yield found
    finally:
        await found.close()


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_number_is_what_plain_python_makes_of_the_items(
    world: Rig, connection: asyncpg.Connection, seed: int
) -> None:
    rng = random.Random(seed)
    limit = rng.choice((3, 10, 1000, 1000))
    await world.redeliver_after(1)
    async with AsyncExitStack() as stack:
        replicas = Replicas(world, stack, limit)
        await replicas.start(rng.randint(1, 3))
        seen = await stack.enter_async_context(world.aggregates("*", "events"))
        traffic = Traffic(rng, world.tenant, time.time_ns() + 1_000_000)
        defined = asyncio.create_task(_define(world, after=rng.choice((0.0, 0.3, 2.0))))
        sending = asyncio.create_task(_send(world, traffic.messages))
        for _ in range(rng.randint(0, 2)):
            enough = await world.rows() + rng.randrange(1 + traffic.items // 4)
            await wait_until(lambda enough=enough: _stored_or_done(world, enough, sending))
            await replicas.kill_one(rng)
        await sending
        await defined
        await world.wait_settled()
        await wait_until(lambda: connection.fetchval(_DRAWN, world.tenant), "the history of metrics out of events")
        await _check_rollups(world, connection, traffic, limit)
        await _check_answers(world, traffic)
        await _check_published(seen, traffic.facts)
        letters = await world.dead()
        assert bool(letters) == bool(traffic.junk), letters
        assert all("timestamp" in letter.reason or "event" in letter.reason for letter in letters), letters


async def _define(world: Rig, *, after: float) -> None:
    """Before, amid or after the items: history ends in the numbers of counting live."""
    await asyncio.sleep(after)
    async with opened(world.admin) as registry:
        for metric in DEFINED:
            await registry.put(world.tenant, metric, 0)


async def _send(world: Rig, messages: list[Message]) -> None:
    places = asyncio.Semaphore(8)

    async def one(message: Message) -> None:
        async with places:
            await world.admin.publish(message.subject, message.payload)

    await asyncio.gather(*map(one, messages))


async def _stored_or_done(world: Rig, enough: int, sending: asyncio.Task[None]) -> bool:
    return sending.done() or await world.rows() >= enough


async def _check_rollups(world: Rig, connection: asyncpg.Connection, traffic: Traffic, limit: int) -> None:
    truth = wanted(traffic.facts)
    loose = {fact.metric for fact in traffic.facts if fact.loose}
    records = await connection.fetch(_STORED, world.tenant, list({metric for metric, _, _ in truth}))
    stored = added_up(
        (
            r["metric"],
            r["resolution"],
            0 if r["metric"] in loose else r["start"],
            tuple(sorted(msgspec.json.decode(r["labels"], type=dict[str, str]).items())),
            r["count"],
            r["errors"],
            r["sum"],
        )
        for r in records
    )
    assert _totals(stored) == _totals(truth)
    named: dict[tuple[str, int], set[Labels]] = {}
    for (metric, resolution, start), series in stored.items():
        there = truth[metric, resolution, start]
        hour = named.setdefault((metric, start // 3600), set())
        hour |= {labels for labels in series if not _is_other(labels)}
        for labels, numbers in series.items():
            if not _is_other(labels):
                assert all(one <= other for one, other in zip(numbers, there[labels], strict=True)), (metric, labels)
    if limit == 1000:
        assert stored == truth
    for (metric, hour_number), labels_of_hour in named.items():
        if metric not in loose:  # which are of two hours, perhaps
            assert len(labels_of_hour) <= limit, (metric, hour_number)


def _is_other(labels: Labels) -> bool:
    return bool(labels) and all(value == "other" for _, value in labels)


def _totals(numbers: Numbers) -> dict[tuple[str, str, int], tuple[int, ...]]:
    return {key: tuple(map(sum, zip(*series.values(), strict=True))) for key, series in numbers.items()}


async def _check_answers(world: Rig, traffic: Traffic) -> None:
    """Answers, by the minute and over all, are those of the facts: KPIs are arithmetic over them."""
    facts = [fact for fact in traffic.facts if not fact.loose]
    questions = [Question(metric=name, aggregate="value") for name in ("ratio", "mean", "both")]
    questions += [Question(metric="events", aggregate="count"), Question(metric="request_duration_ms", aggregate="p50")]
    asked = QuestionSet(
        tenant=world.tenant, questions=questions, from_ms=now_ms() - 3 * 3_600_000, to_ms=now_ms() + 900_000, resolution="1m"
    )
    msg = await world.gateway.request("query.v1.query", encode(asked), timeout_s=30)
    assert (msg.headers or {})["Drishti-Status"] == "ok", msg.data
    answers = msgspec.json.decode(msg.data, type=AnswerSet).answers
    by_minute: dict[int, list[Fact]] = {}
    for fact in facts:
        by_minute.setdefault(fact.second // 60 * 60_000, []).append(fact)
    whole = kpis(facts)
    for answer in answers[:3]:
        _same(answer.series[0].total, whole(answer.metric), answer.metric)
        points = dict(answer.series[0].points)
        for minute, some in by_minute.items():
            _same(points.get(minute), kpis(some)(answer.metric), f"{answer.metric} at {minute}")
    counted = sum(fact.count for fact in facts if fact.metric == "events")
    assert answers[3].series[0].total == counted
    assert sum(value or 0 for _, value in answers[3].series[0].points) == counted
    durations = [fact.sum for fact in facts if fact.metric == "request_duration_ms"]
    assert answers[4].series[0].total == pytest.approx(float(np.quantile(durations, 0.5)), rel=0.011)


def _same(found: float | None, expected: float | None, what: str) -> None:
    if expected is None:
        assert found is None, what
    else:
        assert found is not None, what
        assert math.isclose(found, expected, rel_tol=1e-12), (what, found, expected)


async def _check_published(seen: list[tuple[Any, Any]], facts: list[Fact]) -> None:
    """The last that is published of each window is all of it."""
    truth: dict[tuple[str, int], int] = {}
    for fact in facts:
        if fact.metric == "events":
            for resolution in ("1s", "1m"):
                width = SECONDS[resolution]
                key = resolution, fact.second // width * width * 1000
                truth[key] = truth.get(key, 0) + fact.count

    def published() -> dict[tuple[str, int], int]:
        latest: dict[tuple[str, int], Any] = {}
        for aggregate, _ in seen:
            key = aggregate.resolution, aggregate.window_start
            if aggregate.resolution != "1h" and (key not in latest or aggregate.revision > latest[key].revision):
                latest[key] = aggregate
        return {
            key: total
            for key, aggregate in latest.items()
            if (total := next((s.count for s in aggregate.series if not s.labels), 0))
        }

    await wait_until(lambda: published() == truth, "the last of each window", seen=lambda: published().items() ^ truth.items())
