"""Metrics that tenants draw from events: counted live in every replica, each event once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec
import pytest

from drishti.events import (
    Aggregate,
    AnalyticsEvent,
    AnswerSet,
    CatalogueAnswer,
    CatalogueQuery,
    QueryAnswer,
    Question,
    QuestionSet,
    encode,
)
from drishti.measures.definition_checks import InvalidDefinition
from drishti.measures.definitions import EventSource, Kind, MetricDefinition, token_of
from drishti.measures.registry import MetricRegistry, opened
from rigs.analytics import Rig, event, now_ms, request
from rigs.waiting import wait_until

AT = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=3)

SIGNUPS = MetricDefinition(
    name="paid.signups",
    kind=Kind.COUNTER,
    dimensions=("country",),
    published=((), ("country",)),
    source=EventSource(event="signup", where='plan = "pro" and seats >= 2', dimensions={"country": "geo country"}),
)
PRICES = MetricDefinition(
    name="order value", unit="EUR", kind=Kind.DISTRIBUTION, source=EventSource(event="order", value="price")
)
BUYERS = MetricDefinition(name="buyers", kind=Kind.UNIQUE, source=EventSource(event="order", unique="user_id"))
REVENUE = MetricDefinition(name="revenue", unit="EUR", kind=Kind.COUNTER, source=EventSource(event="order", value="price"))


@contextlib.asynccontextmanager
async def registry(world: Rig) -> AsyncIterator[MetricRegistry]:
    async with opened(world.admin) as known:
        yield known


async def counted(world: Rig, token: str) -> bool:
    return bool(
        await world.fetchval(
            "SELECT count(*) FROM event_metrics WHERE tenant = $1 AND token = $2 AND NOT ended", world.tenant, token
        )
    )


async def define(world: Rig, known: MetricRegistry, *metrics: MetricDefinition) -> None:
    for metric in metrics:
        await known.put(world.tenant, metric, known.revision(world.tenant, metric.token))
        await wait_until(lambda metric=metric: counted(world, metric.token))


async def value(world: Rig, metric: str, aggregate: str) -> float | None:
    return await world.total(token_of(metric), aggregate)


async def test_a_metric_is_drawn_from_events_and_can_be_asked(world: Rig) -> None:
    async with world.running(), registry(world) as known:
        await define(world, known, SIGNUPS, PRICES, BUYERS, REVENUE)
        good = {"plan": "pro", "seats": 2, "geo country": "IN"}
        await world.publish(
            event("s1", "signup", data=good, timestamp=AT),
            event("s2", "signup", data=good | {"geo country": 7.0}, timestamp=AT),
            event("s3", "signup", data=good | {"seats": 1}, timestamp=AT),
            event("s4", "signup", data=good | {"seats": "many"}, timestamp=AT),
            event("s1", "signup", data=good, timestamp=AT),
        )
        prices = [12.5, 0, -3, "free", None, True, 10**400, 7.25]
        orders = [
            event(f"o{n}", "order", data={"price": price}, user_id=f"u{n % 3}", timestamp=AT) for n, price in enumerate(prices)
        ]
        await world.publish(*orders)
        await world.publish(*orders)
        await world.wait_exact(events=4 + len(orders))
        assert await value(world, "paid.signups", "count") == 2
        by_country = (await world.ask(SIGNUPS.token, "count", group_by=["country"])).series
        assert {one.labels["country"]: one.total for one in by_country} == {"IN": 1, "7": 1}
        assert await value(world, "order value", "count") == 4
        assert [await value(world, "order value", name) for name in ("sum", "min", "max")] == [16.75, -3, 12.5]
        assert await value(world, "revenue", "sum") == 16.75
        assert round(await value(world, "buyers", "uniques") or 0) == 3


async def test_replicas_count_each_event_once_from_the_same_transaction_on(world: Rig) -> None:
    """Definitions come while two replicas store; what was stored before is not counted, everything after is."""
    sent = 0
    async with world.running(batch_items=20), world.running(batch_items=20), registry(world) as known:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(define(world, known, REVENUE))
            for _ in range(40):
                await world.publish(*(event(None, "order", data={"price": 1}, timestamp=AT) for _ in range(10)))
                sent += 10
                await asyncio.sleep(0.02)
        await world.publish(*(event(None, "order", data={"price": 1}, timestamp=AT) for _ in range(10)))
        await world.wait_exact(events=sent + 10)
        after = await world.fetchval(
            "SELECT count(*) FROM events AS e, event_metrics AS m WHERE e.tenant = $1 AND m.tenant = $1 "
            "AND age(e.xmin) < age(m.cut::xid)",
            world.tenant,
        )
        assert after >= 10
        await wait_until(lambda: filled(world, 1))
        live = "SELECT sum(r.count) FROM rollups AS r, event_metrics AS m WHERE r.tenant = $1 AND m.tenant = $1 "
        live += "AND r.metric LIKE 'revenue@%' AND r.resolution = '1s' AND r.writer <> m.writer"
        assert await world.fetchval(live, world.tenant) == after
        assert await value(world, "revenue", "sum") == sent + 10


KINDS = {
    "count": (Kind.COUNTER, {}),
    "sum": (Kind.COUNTER, {"value": "price"}),
    "spread": (Kind.DISTRIBUTION, {"value": "price"}),
    "level": (Kind.GAUGE, {"value": "price"}),
    "who": (Kind.UNIQUE, {"unique": "user_id"}),
}
_NUMBERS = """
SELECT 1, resolution, window_start, labels, sum(count) AS count, sum(sum) AS sum,
       min(min) AS min, max(max) AS max, count(histogram) > 0 AS spread
FROM rollups JOIN event_metrics AS m ON metric = m.token || '@' || m.id
WHERE rollups.tenant = $1 AND m.tenant = $1 AND m.token = $2 AND NOT m.ended
GROUP BY 1, 2, 3, 4 ORDER BY 2, 3, 4
"""


def drawn(when: str) -> list[MetricDefinition]:
    return [
        MetricDefinition(
            name=f"{when}_{name}",
            kind=kind,
            dimensions=("country",),
            source=EventSource(event="order", where='country != "XX" or not (price < 2)', **taken),
        )
        for name, (kind, taken) in KINDS.items()
    ]


def orders(numbers: range, prefix: str = "o") -> list[AnalyticsEvent]:
    prices: list[object] = [1, 2.25, "none", 1e300, 40, -3.5, 0, None]
    countries: list[object] = ["IN", "XX", "", 7.0, True, "Ü", None, 1e20]
    return [
        event(
            f"{prefix}{n}",
            "order",
            data={"price": prices[n % 8], "country": countries[n // 3 % 8]},
            user_id=f"u{n % 17}",
            timestamp=AT - timedelta(minutes=n % 150, seconds=n % 7),
        )
        for n in numbers
    ]


async def filled(world: Rig, metrics: int) -> bool:
    """Whether that many metrics are drawn from events, and the history of each is filled."""
    done = "SELECT count(*) FILTER (WHERE filled) FROM event_metrics WHERE tenant = $1 AND NOT ended"
    return bool(await world.fetchval(done, world.tenant) == metrics)


async def numbers(world: Rig, when: str, name: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(world.database_url)
    try:
        records = await connection.fetch(_NUMBERS, world.tenant, f"{when}_{name}")
    finally:
        await connection.close()
    return [tuple(record)[1:] for record in records]


async def check_history(world: Rig) -> None:
    for name, (kind, _) in KINDS.items():
        before, after = await numbers(world, "before", name), await numbers(world, "after", name)
        assert before, name
        assert after == before, name
        fields = {Kind.UNIQUE: ["uniques"], Kind.DISTRIBUTION: ["p50", "p95", "p99", "count"]}.get(kind, [])
        for field in fields:
            since = {"from_ms": now_ms() - 4 * 3_600_000, "group_by": ["country"]}
            one, other = [await world.ask(f"{when}_{name}", field, **since) for when in ("before", "after")]
            assert isinstance(one, QueryAnswer)
            assert isinstance(other, QueryAnswer)
            assert one.series
            assert one.series == other.series, (name, field)


async def test_history_ends_in_the_numbers_of_live_counting_also_with_late_events(world: Rig) -> None:
    async with world.running(batch_items=50), registry(world) as known:
        await define(world, known, *drawn("before"))
        await world.publish(*orders(range(300)))
        await world.publish(*orders(range(200, 400)))
        await world.wait_exact(events=400)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(define(world, known, *drawn("after")))
            for late in range(30):
                await world.publish(*orders(range(late * 10, late * 10 + 20), prefix="late"))
                await asyncio.sleep(0.02)
        await world.publish(*orders(range(400, 500)))
        await world.wait_exact(events=400 + 310 + 100)
        await wait_until(lambda: filled(world, 2 * len(KINDS)))
        await check_history(world)


async def test_a_prefix_means_the_same_live_and_in_history_also_where_the_property_is_missing_or_a_number(world: Rig) -> None:
    """The empty prefix is met by anything; another one by texts alone."""
    values: list[dict[str, object]] = [{}, {"plan": None}, {"plan": 12}, {"plan": 1.5}, {"plan": True}, {"plan": ""}]
    values += [{"plan": ["pro"]}, {"plan": "pro"}, {"plan": "1x"}]
    expected = {'plan prefix ""': 9, 'not plan prefix ""': 0, 'plan prefix "1"': 1, 'plan prefix "p"': 1, "plan exists": 7}

    def metrics(when: str) -> list[MetricDefinition]:
        sources = [EventSource(event="order", where=where) for where in expected]
        return [MetricDefinition(name=f"{when} {n}", kind=Kind.COUNTER, source=one) for n, one in enumerate(sources)]

    async with world.running(), registry(world) as known:
        await define(world, known, *metrics("live"))
        await world.publish(*(event(f"o{n}", "order", data=data, timestamp=AT) for n, data in enumerate(values)))
        await world.wait_exact(events=len(values))
        await define(world, known, *metrics("later"))
        await wait_until(lambda: filled(world, 2 * len(expected)))
        for when in ("live", "later"):
            counts = [await value(world, metric.name, "count") or 0 for metric in metrics(when)]
            assert dict(zip(expected, counts, strict=True)) == expected, when


async def test_the_limit_of_series_of_a_definition_holds_live_and_in_history(world: Rig) -> None:
    places = MetricDefinition(
        name="places", kind=Kind.COUNTER, dimensions=("country",), max_series=3, source=EventSource(event="order")
    )
    at = (AT - timedelta(hours=1)).replace(minute=30)  # all in one hour
    async with world.running(), registry(world) as known:
        await define(world, known, places)
        await world.publish(*(event(f"o{n}", "order", data={"country": f"c{n % 9}"}, timestamp=at) for n in range(90)))
        await world.wait_exact(events=90)
        await define(world, known, msgspec.structs.replace(places, name="places later"))
        await wait_until(lambda: filled(world, 2))
        for name in ("places", "places later"):
            since = {"from_ms": now_ms() - 2 * 3_600_000, "to_ms": now_ms() + 2 * 3_600_000}
            answer = await world.ask(token_of(name), "count", group_by=["country"], **since)
            assert isinstance(answer, QueryAnswer)
            totals = {series.labels["country"]: series.total for series in answer.series}
            assert len(totals) == 4, totals
            assert totals["other"] == 60


async def test_history_survives_kill_9_and_counts_nothing_twice(world: Rig) -> None:
    async with world.running(), registry(world) as known:
        await define(world, known, *drawn("before"))
        await world.publish(*orders(range(1000)))
        await world.wait_exact(events=1000)
    async with registry(world) as known:
        for metric in drawn("after"):
            await known.put(world.tenant, metric, 0)
    hours = 0
    for _ in range(3):
        async with world.process() as process:
            await wait_until(lambda hours=hours: more_filled(world, hours))
            process.kill()
            await process.wait()
        hours = await hours_filled(world)
    async with world.running():
        await wait_until(lambda: filled(world, 2 * len(KINDS)))
        await check_history(world)


@contextlib.asynccontextmanager
async def filling_held(world: Rig) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
    """While the block lasts, nothing is added to rollups; gives what says whether the filling of history waits for that."""
    waits = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
    waits += "AND application_name = 'analytics event metrics history'"
    connection = await asyncpg.connect(world.database_url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE cells_1s, cells_1m, cells_1h IN SHARE MODE")

            async def held() -> bool:
                return bool(await world.fetchval(waits))

            yield held
    finally:
        await connection.close()


async def test_a_definition_may_change_or_go_while_its_history_is_filled(world: Rig) -> None:
    async with world.running(), registry(world) as known:
        await define(world, known, *drawn("before"))
        await world.publish(*orders(range(300)))
        await world.wait_exact(events=300)
        await wait_until(lambda: filled(world, len(KINDS)))
        async with filling_held(world) as held:
            for metric in drawn("after"):
                assert metric.source is not None
                first = msgspec.structs.replace(metric.source, where="price > 2")
                await known.put(world.tenant, msgspec.structs.replace(metric, source=first), 0)
            await known.put(world.tenant, msgspec.structs.replace(REVENUE, name="gone"), 0)
            await wait_until(held)
            for metric in drawn("after"):
                await known.put(world.tenant, metric, known.revision(world.tenant, metric.token))
            await known.delete(world.tenant, "gone", known.revision(world.tenant, "gone"))
            again = "SELECT count(*) = 2 FROM event_metrics WHERE tenant = $1 AND token = $2"
            for metric in drawn("after"):
                await wait_until(lambda metric=metric: world.fetchval(again, world.tenant, metric.token))
            await wait_until(lambda: not_counted(world, "gone"))
        await wait_until(lambda: filled(world, 2 * len(KINDS)))
        await world.publish(*orders(range(300, 400)))
        await world.wait_exact(events=400)
        await check_history(world)


async def not_counted(world: Rig, token: str) -> bool:
    return not await counted(world, token)


async def test_another_replica_goes_on_where_one_was_killed(world: Rig) -> None:
    async with world.running(), registry(world) as known:
        await define(world, known, *drawn("before"))
        await world.publish(*orders(range(300)))
        await world.wait_exact(events=300)
        await wait_until(lambda: filled(world, len(KINDS)))
    async with world.process() as first, world.running(), registry(world) as known:
        async with filling_held(world) as held:
            for metric in drawn("after"):
                await known.put(world.tenant, metric, 0)
            await wait_until(held)
            first.kill()
            await first.wait()
        await wait_until(lambda: filled(world, 2 * len(KINDS)))
        await check_history(world)


async def hours_filled(world: Rig) -> int:
    hours = "SELECT coalesce(sum(extract(epoch FROM fill_to - filled_to) / 3600), 0)::int FROM event_metrics "
    return int(await world.fetchval(hours + "WHERE tenant = $1 AND token LIKE 'after%'", world.tenant))


async def more_filled(world: Rig, than: int) -> bool:
    return await filled(world, 2 * len(KINDS)) or await hours_filled(world) > than


async def test_a_metric_is_published_under_its_name_and_tells_how_far_its_history_is_filled(world: Rig) -> None:
    async with world.running(), registry(world) as known, world.aggregates("1s", SIGNUPS.token) as published:
        await define(world, known, SIGNUPS)
        at = datetime.now(UTC)
        data = {"plan": "pro", "seats": 3, "geo country": "IN"}
        await world.publish(*(event(f"p{n}", "signup", data=data, timestamp=at) for n in range(5)))
        await wait_until(lambda: any(one.series and one.series[0].count == 5 for one, _ in published))
        newest = [one for one, _ in published if one.series and one.series[0].count == 5][-1]
        assert newest.metric == SIGNUPS.token
        assert [series.labels for series in newest.series] == [{}, {"country": "IN"}]
        await wait_until(lambda: filled(world, 1))
        payload = encode(CatalogueQuery(tenant=world.tenant, metrics=[SIGNUPS.token]))
        answer = await world.gateway.request("query.v1.catalogue", payload, timeout_s=10)
        found = msgspec.json.decode(answer.data, type=CatalogueAnswer)
        assert [(one.metric, one.state, one.percent) for one in found.backfills] == [(SIGNUPS.token, "done", 100.0)]
        assert [one.metric for one in found.metrics] == [SIGNUPS.token]


GOOD = "100 * count(feedback where satisfaction >= 4) / count(feedback)"


def kpi(name: str, expression: str) -> MetricDefinition:
    return MetricDefinition(name=name, unit="%", kind=Kind.DERIVED, expression=expression)


async def kpi_value(world: Rig, metric: str, resolution: str = "1h") -> tuple[float | None, list[float | None]]:
    """Over the whole range, and by step."""
    asked = QuestionSet(
        tenant=world.tenant,
        from_ms=now_ms() - 4 * 3_600_000,
        to_ms=now_ms() + 60_000,
        resolution=resolution,
        questions=[Question(metric=metric, aggregate="value")],
    )
    answer = await world.gateway.request("query.v1.query", encode(asked), timeout_s=10)
    (series,) = msgspec.json.decode(answer.data, type=AnswerSet).answers[0].series
    return series.total, [value for _, value in series.points]


def opinions(numbers: range) -> list[AnalyticsEvent]:
    return [
        event(f"f{n}", "feedback", data={"satisfaction": n % 6}, timestamp=AT - timedelta(hours=n % 3, seconds=n % 2))
        for n in numbers
    ]


async def test_a_kpi_is_the_ratio_of_sums_over_history_live_events_and_replicas(world: Rig) -> None:
    async with world.running(batch_items=50), world.running(batch_items=50), registry(world) as known:
        await world.publish(*opinions(range(100)))
        await world.wait_exact(events=100)
        await known.put(world.tenant, kpi("good answers", GOOD), 0)
        await known.put(world.tenant, kpi("bad answers", "100 - value('good answers')"), 0)
        await known.put(world.tenant, kpi("nothing", "count(feedback) / count(feedback where satisfaction > 5)"), 0)
        await wait_until(lambda: filled(world, 3))
        await world.publish(*opinions(range(50, 201)))
        await world.wait_exact(events=201)
        good = sum(1 for n in range(201) if n % 6 >= 4)
        total, points = await kpi_value(world, "good-answers")
        assert total == 100 * good / 201
        by_hour: dict[datetime, list[int]] = {}
        for one in opinions(range(201)):
            assert one.timestamp is not None
            by_hour.setdefault(one.timestamp.replace(minute=0, second=0), []).append(one.data["satisfaction"])
        assert points == [100 * sum(n >= 4 for n in hour) / len(hour) for _, hour in sorted(by_hour.items())]
        assert (await kpi_value(world, "bad-answers"))[0] == 100 - total
        assert (await kpi_value(world, "nothing"))[0] is None
        with pytest.raises(InvalidDefinition, match="good answers → bad answers → good answers"):
            await known.put(
                world.tenant, kpi("good answers", "1 + value('bad answers')"), known.revision(world.tenant, "good-answers")
            )
        changed = kpi("good answers", GOOD.replace(">= 4", ">= 3"))
        await known.put(world.tenant, changed, known.revision(world.tenant, "good-answers"))
        definition = known.get(world.tenant, "good-answers")
        assert definition is not None
        assert definition.version == 2
        better = sum(1 for n in range(201) if n % 6 >= 3)
        await wait_until(lambda: is_value(world, "good-answers", 100 * better / 201))
        assert (await kpi_value(world, "good answers@1"))[0] == total, "the terms that only the old version had are there still"
        assert (await kpi_value(world, "good-answers@2"))[0] == 100 * better / 201


async def test_the_earlier_version_of_a_metric_out_of_events_keeps_its_numbers(world: Rig) -> None:
    async with world.running(), registry(world) as known:
        await define(world, known, REVENUE)
        await world.publish(*(event(f"o{n}", "order", data={"price": n}, timestamp=AT) for n in range(5)))
        await world.wait_exact(events=5)
        await wait_until(lambda: is_sum(world, "revenue", 10))
        dear = msgspec.structs.replace(REVENUE, source=EventSource(event="order", value="price", where="price >= 3"))
        await define(world, known, dear)
        await wait_until(lambda: is_sum(world, "revenue", 7))
        assert await is_sum(world, "revenue@1", 10)
        assert await is_sum(world, "revenue@2", 7)


async def is_sum(world: Rig, metric: str, wanted: float) -> bool:
    asked = QuestionSet(
        tenant=world.tenant,
        questions=[Question(metric=metric, aggregate="sum")],
        from_ms=now_ms() - 3_600_000,
        to_ms=now_ms() + 60_000,
    )
    answer = await world.gateway.request("query.v1.query", encode(asked), timeout_s=10)
    (one,) = msgspec.json.decode(answer.data, type=AnswerSet).answers
    return one.series[0].total == wanted


async def is_value(world: Rig, metric: str, wanted: float) -> bool:
    return (await kpi_value(world, metric))[0] == wanted


FAILING = 'errors(requests where service prefix "w") / count(requests)'
RATIO = "p95(request_duration_ms) / avg(request_duration_ms)"


async def test_a_kpi_is_published_like_any_metric_and_at_the_end_of_a_window_it_is_the_answer(world: Rig) -> None:
    async with (
        world.running(batch_items=20),
        world.running(batch_items=20),
        registry(world) as known,
        world.aggregates("*") as seen,
    ):
        for name, expression in (("good", GOOD), ("failing", FAILING), ("ratio", RATIO)):
            await known.put(world.tenant, kpi(name, expression), 0)
        await wait_until(lambda: filled(world, 2))
        at = datetime.now(UTC).replace(microsecond=0)
        stamps = [at, at + timedelta(seconds=1)]
        opinions_now = [event(f"k{n}", "feedback", data={"satisfaction": n % 6}, timestamp=stamps[n % 2]) for n in range(60)]
        requests = [
            request(
                f"k{n}",
                service="wisdom" if n % 3 else "other",
                status=500 if n % 4 == 0 else 200,
                duration_ms=float(n + 1),
                timestamp=stamps[n % 2],
            )
            for n in range(90)
        ]
        for start in range(0, 90, 15):
            if start < 60:
                await world.publish(*opinions_now[start : start + 15])
            await world.publish_requests(*requests[start : start + 15])
        await world.wait_exact(events=60, requests=90)

        def final(metric: str, at_ms: int) -> Aggregate | None:
            of = [one for one, _ in seen if (one.metric, one.resolution, one.window_start) == (metric, "1s", at_ms)]
            newest = max(of, key=lambda one: one.revision, default=None)
            return newest if newest is not None and newest.final else None

        starts = [int(stamp.timestamp() * 1000) for stamp in stamps]
        for metric in ("good", "failing", "ratio"):
            for start in starts:
                await wait_until(lambda metric=metric, start=start: final(metric, start), seen=seen)
            points = [value for value in (await kpi_value(world, metric, "1s"))[1] if value is not None]
            published = [found for start in starts if (found := final(metric, start)) is not None]
            assert [next(one.value for one in found.series if not one.labels) for found in published] == points
            assert {found.unit for found in published} == {"%"}
        by_service = final("failing", starts[0])
        assert by_service is not None
        assert {"wisdom", "other"} == {
            one.labels["service"] for one in by_service.series if len(one.labels) == 1 and "service" in one.labels
        }
        assert not [one for one, _ in seen if one.metric.startswith("term_")], "what only KPIs need is published by nobody"


async def test_a_late_event_corrects_a_kpi_and_a_change_leaves_the_numbers_of_before(world: Rig) -> None:
    async with world.running(), registry(world) as known, world.aggregates("1s", "total") as seen:
        await known.put(world.tenant, kpi("total", "count(events)"), 0)
        start = int(AT.timestamp() * 1000)

        def newest() -> Aggregate | None:
            return max((one for one, _ in seen if one.window_start == start), key=lambda one: one.revision, default=None)

        def shows(value: float) -> bool:
            found = newest()
            return found is not None and found.series[0].value == value and found.final

        await world.publish(event("a", timestamp=AT))
        await wait_until(lambda: shows(1), seen=seen)
        await world.publish(event("b", timestamp=AT))
        await wait_until(lambda: shows(2), seen=seen)
        await known.put(world.tenant, kpi("total", "10 * count(events)"), known.revision(world.tenant, "total"))
        now = datetime.now(UTC) + timedelta(seconds=2)
        await world.publish(event("c", timestamp=AT))
        for n in range(3):  # once a second shows the new version, whatever the replicas had heard of it when they published
            await world.publish(event(f"d{n}", timestamp=now + timedelta(seconds=n)))
        await wait_until(
            lambda: any(one.version == 2 and one.series and one.series[0].value == 10 for one, _ in seen), seen=seen
        )
        assert shows(2), "what ended before the change keeps the numbers of the old version"
        last = newest()
        assert last is not None
        assert last.version == 1
