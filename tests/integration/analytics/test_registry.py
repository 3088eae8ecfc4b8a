"""Analytics counts by the registry: what a tenant switched off is not counted, and a change needs no restart."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec
import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics

from drishti.events import CatalogueAnswer, CatalogueQuery, QueryAnswer, QueryFailure, encode
from drishti.measures.built_in import FED
from drishti.measures.registry import MetricRegistry, opened
from drishti.messages import subjects
from drishti_local.servers import NatsServer, PostgresServer
from rigs.analytics import Rig, event, now_ms, rig
from rigs.waiting import wait_until

RATED = {"satisfaction": 4.5, "wisdom_score": 0.9, "topic": "calm"}


@pytest.fixture(scope="module")
async def world(nats_server: NatsServer, nats_url: str, postgres_server: PostgresServer) -> AsyncIterator[Rig]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(postgres_server.url())
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        async with rig(nats_server, postgres_server.url(name)) as found, found.running():
            yield found
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@pytest.fixture
async def registry(world: Rig) -> AsyncIterator[MetricRegistry]:
    async with opened(world.admin) as found:
        yield found


async def counted(world: Rig, metric: str) -> float:
    return await world.total(metric, "count") or 0


async def until_counted(world: Rig, total: int) -> None:
    await wait_until(world.settled)
    await wait_until(lambda: counted(world, "events"), equals=total)


async def test_a_pack_counts_while_it_is_on_and_a_change_needs_no_restart(world: Rig, registry: MetricRegistry) -> None:
    tenant = f"t{uuid.uuid4().hex[:10]}"
    async with _tenant(world, tenant):
        await _switch(world, registry, tenant)


async def _switch(world: Rig, registry: MetricRegistry, tenant: str) -> None:
    await world.publish(event(data=RATED))
    await until_counted(world, 1)
    assert [await counted(world, metric) for metric in ("satisfaction", "wisdom_score", "topics")] == [0, 0, 0]
    await registry.put_pack(tenant, "wisdom", enabled=True)

    async def rated() -> float:  # the change is live some moments after it is stored
        await world.publish(event(data=RATED))
        await wait_until(world.settled)
        return await counted(world, "wisdom_score")

    await wait_until(rated)
    before = await counted(world, "topics")
    assert before == await counted(world, "satisfaction") == await counted(world, "wisdom_score")
    off = msgspec.structs.replace(FED["topics"], enabled=False)
    await registry.put(tenant, off, 0)
    await wait_until(lambda: _stopped(world, "topics", "satisfaction"))
    await registry.put_pack(tenant, "wisdom", enabled=False)
    await wait_until(lambda: _stopped(world, "satisfaction", "events"))
    assert await counted(world, "topics") < await counted(world, "satisfaction") < await counted(world, "events")


async def _stopped(world: Rig, metric: str, other: str) -> bool:
    """Whether one more event is counted by ``other`` and not by ``metric``."""
    before = await counted(world, metric), await counted(world, other)
    await world.publish(event(data=RATED))
    await wait_until(world.settled)
    return (await counted(world, metric), await counted(world, other)) == (before[0], before[1] + 1)


async def test_the_default_tenant_has_the_pack(world: Rig) -> None:
    await world.admin.publish(subjects.events("default", "feedback"), encode([event(event_type="feedback", data=RATED)]))
    await wait_until(world.settled)
    async with _tenant(world, "default"):
        assert await counted(world, "wisdom_score") == 1


async def test_a_hit_rate_a_rate_of_sums_and_a_share_can_be_asked(world: Rig) -> None:
    async with _tenant(world, f"t{uuid.uuid4().hex[:10]}"):
        accesses = [event(event_type="cache_access", data={"cache": "a", "hit": hit}) for hit in (True, True, True, False)]
        await world.publish(*accesses)
        calls = [event(event_type="llm_call", data={"model": name, "output_tokens": 30}) for name in ("m", "m", "m", "n")]
        await world.publish(*calls)
        await until_counted(world, 8)
        assert await world.total("cache_requests", "hit_rate") == 0.75
        since = {"from_ms": now_ms() // 60_000 * 60_000 - 60_000, "to_ms": now_ms() // 60_000 * 60_000 + 60_000}
        answer = await world.ask("llm_requests", "share", group_by=["model"], **since)
        assert isinstance(answer, QueryAnswer)
        assert {series.labels["model"]: series.total for series in answer.series} == {"m": 0.75, "n": 0.25}
        assert answer.unit == "1"
        answer = await world.ask("llm_tokens", "sum_rate", resolution="1s", **since)
        assert isinstance(answer, QueryAnswer)
        assert sum(value or 0 for _, value in answer.series[0].points) == 120
        assert (await world.total("llm_tokens", "p99.9") or 0) == pytest.approx(30, rel=0.01)
        for wrong in ({"filters": {"result": "hit"}}, {"group_by": ["result"]}):
            failure = await world.ask("cache_requests", "hit_rate", **wrong)
            assert isinstance(failure, QueryFailure)
            assert "share over result" in failure.error
        failure = await world.ask("llm_requests", "share")
        assert isinstance(failure, QueryFailure)
        assert failure.field == "group_by"
        failure = await world.ask("llm_request", "count")
        assert isinstance(failure, QueryFailure)
        assert "is it llm_requests" in failure.error


async def test_what_was_seen_of_each_metric_is_answered_for_the_tenant_alone(world: Rig) -> None:
    async with _tenant(world, f"t{uuid.uuid4().hex[:10]}"):
        began = now_ms() // 1000 * 1000
        await world.publish(event(service="shop"), event(service="shop"), event(service="till"), event("e", user_id="u"))
        await until_counted(world, 4)
        seen = {one.metric: one for one in (await _seen(world, world.tenant)).metrics}
        assert set(seen) == {"events", "active_users"}
        assert (seen["events"].series, seen["events"].services) == (3, ["shop", "till", "unknown"])
        assert began <= seen["events"].last_seen <= now_ms()
        assert (seen["active_users"].series, seen["active_users"].services) == (1, [])
        assert [one.metric for one in (await _seen(world, world.tenant, "events", "nonsense")).metrics] == ["events"]
        assert (await _seen(world, "nobody")).metrics == []


async def _seen(world: Rig, tenant: str, *metrics: str) -> CatalogueAnswer:
    question = CatalogueQuery(tenant=tenant, metrics=list(metrics))
    reply = await world.gateway.request(subjects.query("catalogue"), encode(question), timeout_s=20)
    return msgspec.json.decode(reply.data, type=CatalogueAnswer)


class _tenant:
    """The rig's tenant while the block lasts."""

    def __init__(self, world: Rig, tenant: str) -> None:
        self._world, self._tenant = world, tenant

    async def __aenter__(self) -> None:
        self._before, self._world.tenant = self._world.tenant, self._tenant

    async def __aexit__(self, *_: object) -> None:
        self._world.tenant = self._before


async def test_a_definition_limits_the_series_of_a_window(world: Rig, registry: MetricRegistry) -> None:
    async with _tenant(world, f"t{uuid.uuid4().hex[:10]}"):
        limited = msgspec.structs.replace(FED["llm_requests"], max_series=2)
        await registry.put(world.tenant, limited, 0)
        second = now_ms() // 60_000 * 60_000 - 30_000
        at = datetime.fromtimestamp(second / 1000, UTC)

        async def models() -> dict[str, float | None]:
            answer = await world.ask("llm_requests", "count", group_by=["model"])
            assert isinstance(answer, QueryAnswer)
            return {series.labels["model"]: series.total for series in answer.series}

        async def limited_now() -> bool:  # the change is live some moments after it is stored
            calls = [event(event_type="llm_call", data={"model": f"m{n}"}, timestamp=at) for n in range(5)]
            await world.publish(*calls)
            await wait_until(world.settled)
            return "other" in await models()

        await wait_until(limited_now)


async def test_a_metric_is_kept_for_as_long_as_its_definition_says(world: Rig, registry: MetricRegistry) -> None:
    async with _tenant(world, f"t{uuid.uuid4().hex[:10]}"):
        await registry.put(world.tenant, msgspec.structs.replace(FED["events"], retention_days=2), 0)
        ago = datetime.now(UTC)
        await world.publish(event(user_id="u", timestamp=ago - timedelta(hours=60)), event(user_id="v", timestamp=ago))
        between = {"from_ms": now_ms() - 70 * 3_600_000, "to_ms": now_ms() + 3_600_000, "resolution": "1h"}

        async def kept(metric: str, aggregate: str) -> int:
            return round(await world.total(metric, aggregate, **between) or 0)

        await wait_until(lambda: kept("active_users", "uniques"), equals=2)
        async with world.running():  # the first thing that a replica does is to tidy up
            await wait_until(lambda: kept("events", "count"), equals=1)
        assert await kept("active_users", "uniques") == 2


async def test_a_metric_that_came_by_otlp_goes_live_with_the_labels_of_its_definition(
    world: Rig, registry: MetricRegistry
) -> None:
    async with _tenant(world, f"t{uuid.uuid4().hex[:10]}"), world.aggregates(metric="queue-depth") as seen:

        async def measure() -> None:
            message = ResourceMetrics()
            message.resource.attributes.add(key="service.name").value.string_value = "worker"
            metric = message.scope_metrics.add().metrics.add(name="queue.depth", unit="{message}")
            for number, queue in enumerate(("mail", "print")):
                point = metric.gauge.data_points.add(time_unix_nano=now_ms() * 1_000_000, as_int=10 + number)
                point.attributes.add(key="queue").value.string_value = queue
            await world.admin.publish(subjects.metrics(world.tenant, "worker"), message.SerializeToString())

        await measure()
        aggregate = await wait_until(lambda: next((one for one, _ in seen), None))
        assert (aggregate.metric, aggregate.unit) == ("queue-depth", "{message}")
        assert (aggregate.series[0].labels, aggregate.series[0].max) == ({}, 11.0)
        listed = {one.metric: one for one in (await _seen(world, world.tenant)).metrics}
        assert (listed["queue-depth"].series, listed["queue-depth"].services) == (2, ["worker"])
        await wait_until(lambda: registry.get(world.tenant, "queue-depth"))
        known = registry.own(world.tenant)["queue-depth"]
        wider = msgspec.structs.replace(known, published=((), ("queue",)))
        await registry.put(world.tenant, wider, registry.revision(world.tenant, "queue-depth"))

        async def by_queue() -> bool:  # the change is live some moments after it is stored
            await measure()
            return any(
                [series.labels for series in one.series] == [{}, {"queue": "mail"}, {"queue": "print"}] for one, _ in seen
            )

        await wait_until(by_queue)
