"""Metrics of the OpenTelemetry SDK, through gateway and analytics and out of the query: exactly what was recorded."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterable
from typing import Any

import aiohttp
import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics
from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    MeterProvider,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from drishti.measures.registry import opened
from drishti_local.servers import NatsServer
from rigs import analytics as analytics_rig
from rigs import gateway as gateway_rig
from rigs.waiting import wait_until

DELTA, CUMULATIVE = AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE
TEMPORALITIES: dict[str, dict[type, AggregationTemporality]] = {
    "cumulative": {},
    "delta": dict.fromkeys((Counter, Histogram, ObservableCounter), DELTA)
    | dict.fromkeys((UpDownCounter, ObservableUpDownCounter, ObservableGauge), CUMULATIVE),
    "all delta": dict.fromkeys((Counter, Histogram, ObservableCounter, UpDownCounter, ObservableUpDownCounter), DELTA),
}


class Product:
    """Gateway and analytics on one bus; ``ask`` as a user does."""

    def __init__(self, gateway: gateway_rig.Rig, analytics: analytics_rig.Rig) -> None:
        self.gateway = gateway
        self.analytics = analytics

    async def ask(self, metric: str, aggregate: str, **parameters: str) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self.gateway.admin}"}
        query = {"metric": metric, "aggregate": aggregate, "resolution": "1m", **parameters}
        url = f"{self.gateway.url}/api/analytics/query"
        async with self.gateway.http.get(url, params=query, headers=headers) as answer:
            found: dict[str, Any] = await answer.json()
            assert answer.status == 200, found
            return found

    async def total(self, metric: str, aggregate: str, **parameters: str) -> float | None:
        (series,) = (await self.ask(metric, aggregate, **parameters))["series"]
        value: float | None = series["total"]
        return value

    async def by(self, dimension: str, metric: str, aggregate: str) -> dict[str, float | None]:
        found = await self.ask(metric, aggregate, group_by=dimension)
        return {series["labels"][dimension]: series["total"] for series in found["series"]}


@pytest.fixture
async def product(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Product]:
    async with (
        analytics_rig.rig(own_nats, postgres_url) as analytics,
        analytics.running(),
        gateway_rig.running(own_nats) as gateway,
    ):
        yield Product(gateway, analytics)


class Program:
    """An application with the SDK. ``export`` sends what was recorded, and waits until the gateway took it."""

    def __init__(self, product: Product, temporality: str, **resource: str) -> None:
        exporter = OTLPMetricExporter(
            endpoint=f"{product.gateway.url}/v1/metrics",
            headers={"authorization": f"Bearer {product.gateway.admin}"},
            preferred_temporality=TEMPORALITIES[temporality],
        )
        self.reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
        self.provider = MeterProvider(
            [self.reader],
            Resource({"service.name": "shop", "service.instance.id": uuid.uuid4().hex, **resource}),
            shutdown_on_exit=False,
            views=[View(instrument_name="exp.*", aggregation=ExponentialBucketHistogramAggregation())],
        )
        self.meter = self.provider.get_meter("test")

    async def export(self) -> None:
        assert await asyncio.to_thread(self.provider.force_flush)

    async def end(self) -> None:
        await asyncio.to_thread(self.provider.shutdown)


@pytest.mark.parametrize("temporality", list(TEMPORALITIES))
async def test_every_instrument_of_the_sdk_counts_exactly(product: Product, temporality: str) -> None:
    program = Program(product, temporality)
    meter = program.meter
    counter = meter.create_counter("shop.orders", "{order}", "orders that were placed")
    seconds = meter.create_counter("shop.busy.time", "s")
    queue = meter.create_up_down_counter("shop.queue.size", "{item}")
    duration = meter.create_histogram("http.server.request.duration", "s")
    sizes = meter.create_histogram("exp.size", "By")
    level = meter.create_gauge("shop.temperature", "Cel")
    observed = {"total": 0, "level": 0}

    def total(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(observed["total"], {"disk": "a"})]

    def current(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(observed["level"])]

    meter.create_observable_counter("shop.bytes", [total], "By")
    meter.create_observable_up_down_counter("shop.threads", [current])
    meter.create_observable_gauge("shop.load", [current])

    durations = [n / 100 for n in range(1, 301)]
    for part in range(3):
        for n in durations[part::3]:
            duration.record(n, {"http.route": "/buy", "http.response.status_code": 200})
            sizes.record(n * 1000)
            counter.add(1, {"kind": "a"})
            counter.add(2, {"kind": "b"})
            seconds.add(0.25)
        queue.add(10 - 4 * part)
        level.set(20.5 + part)
        observed["total"] += 1000 + part
        observed["level"] = 5 * part
        await program.export()
    await program.end()
    await product.analytics.wait_settled()

    assert await product.total("shop.orders", "count") == await product.total("shop.orders", "sum") == 900
    assert await product.by("kind", "shop.orders", "count") == {"a": 300, "b": 600}
    assert await product.by("service", "shop.orders", "count") == {"shop": 900}
    assert await product.total("shop.orders", "count", kind="b") == 600
    assert await product.total("shop.busy.time", "sum") == 75
    assert await product.total("shop.bytes", "sum") == 3003
    assert await product.by("disk", "shop.bytes", "count") == {"a": 3003}
    assert [await product.total("shop.queue.size", name) for name in ("min", "max")] == [10, 18]
    assert [await product.total("shop.temperature", name) for name in ("min", "max")] == [20.5, 22.5]
    assert [await product.total("shop.load", name) for name in ("min", "max")] == [0, 10]
    assert [await product.total("shop.threads", name) for name in ("min", "max")] == [0, 10]
    name = "http.server.request.duration"
    assert await product.total(name, "count") == 300
    assert await product.total(name, "sum") == pytest.approx(sum(durations), rel=1e-12)
    assert [await product.total(name, end) for end in ("min", "max")] == [0.01, 3.0]
    assert await product.by("http.route", name, "count") == {"/buy": 300}
    assert await product.total("exp.size", "count") == 300
    assert await product.total("exp.size", "sum") == pytest.approx(sum(durations) * 1000, rel=1e-12)
    for wanted, true in (("p50", 1505), ("p90", 2701), ("p99", 2970), ("p99.9", 2997)):
        assert await product.total("exp.size", wanted) == pytest.approx(true, rel=0.03)


async def test_restarts_and_several_instances_add_up(product: Product) -> None:
    """Cumulative programs that end and begin again, two at a time, under one name."""
    for life in range(2):
        programs = [Program(product, "cumulative", host=f"h{n}") for n in range(2)]
        counters = [program.meter.create_counter("jobs", "{job}") for program in programs]
        for _ in range(3):
            for n, (program, counter) in enumerate(zip(programs, counters, strict=True)):
                counter.add(100 * life + 10 * n + 1)
                await program.export()
        for program in programs:
            await program.end()
    await product.analytics.wait_settled()
    assert await product.total("jobs", "count") == 3 * sum(100 * life + 10 * n + 1 for life in range(2) for n in range(2))


async def test_a_metric_registers_itself_as_it_describes_itself(product: Product) -> None:
    program = Program(product, "delta")
    program.meter.create_counter("orders/placed", "{order}", "orders  that were\nplaced").add(5, {"a": "x", "b": "y"})
    program.meter.create_histogram("gen_ai.client.token.usage", "{token}").record(7)
    await program.end()
    await product.analytics.wait_settled()
    async with opened(product.gateway.bus) as registry:
        orders = registry.get(product.gateway.tenant, "orders-placed")
        tokens = registry.get(product.gateway.tenant, "gen_ai-client-token-usage")
    assert orders is not None
    assert (orders.name, orders.unit, orders.kind, orders.origin) == ("orders/placed", "{order}", "counter", "otlp")
    assert orders.description == "orders that were placed"
    assert orders.dimensions == ("service", "a", "b")
    assert tokens is not None
    assert tokens.description == "tokens of a call to a generative model, input or output"
    assert await product.total("orders/placed", "count") == 5


async def test_nobody_sees_the_metrics_of_another_tenant(product: Product) -> None:
    program = Program(product, "delta")
    program.meter.create_counter("secret.things").add(5)
    await program.end()
    await product.analytics.wait_settled()
    key = await product.gateway.key("viewer", tenant="somebody-else")
    async with aiohttp.ClientSession(headers={"authorization": f"Bearer {key}"}) as http:
        url = f"{product.gateway.url}/api/analytics/query"
        async with http.get(url, params={"metric": "secret.things", "aggregate": "count"}) as answer:
            assert answer.status == 422
            assert "secret" not in (await answer.text()).replace("secret-things", "")
    await wait_until(lambda: product.total("secret.things", "count"), equals=5)


def hostile() -> ResourceMetrics:
    """Points that are good, between others that cannot be right, or are strange."""
    message = ResourceMetrics()
    message.resource.attributes.add(key="service.name").value.string_value = "odd\0service \U0001f600"
    metrics = message.scope_metrics.add().metrics
    at_ns = time.time_ns()

    def add(name: str, field: str, temporality: int = 1, **point: Any) -> Any:
        metric = metrics.add(name=name, unit="\x01\ud7ff", description="a\0b\u202e" * 2000)
        data = getattr(metric, field)
        if field in ("sum", "histogram", "exponential_histogram"):
            data.aggregation_temporality = temporality
        if field == "sum":
            data.is_monotonic = True
        return data.data_points.add(time_unix_nano=at_ns, start_time_unix_nano=at_ns - 10**9, **point)

    for name in ("", "x" * 10_000, "a\0b", " spaces ", "\u202e"):
        add(name, "gauge", as_int=1)
    add("negative", "sum", as_int=-5)
    add("huge.histogram", "histogram", count=10_000, bucket_counts=[1] * 10_000, explicit_bounds=range(9_999))
    add("wrong.count", "histogram", count=7, bucket_counts=[1, 2], explicit_bounds=[1])
    add("no.temporality", "sum", temporality=0, as_int=1)
    add("far.scale", "exponential_histogram", count=1, scale=100, positive={"offset": 2**31 - 1, "bucket_counts": [1]})
    add("nan", "gauge", as_double=float("nan"))
    add("requests", "sum", as_int=1_000)  # Drishti's own
    good = add("good.counter", "sum", as_int=7)
    good.attributes.add(key="nested").value.kvlist_value.values.add(key="k").value.bytes_value = b"\0\xff"
    good.attributes.add(key="long").value.string_value = "v\0" * 10_000
    good.attributes.add(key="service").value.string_value = "somebody else"
    good.attributes.add(key="\0").value.string_value = "unnameable"
    add("good-counter", "sum", as_int=100)  # the token of the one before
    add("good.counter", "gauge", as_double=2.0)  # another kind
    summary = add("good.summary", "summary", count=100, sum=500.0)
    summary.start_time_unix_nano = at_ns - 1  # since analytics runs
    for part, value in ((0.5, 4.0), (0.9, 9.0), (1.0, 20.0)):
        summary.quantile_values.add(quantile=part, value=value)
    add("edge.scale", "exponential_histogram", count=3, sum=4.0, scale=20, positive={"offset": -1, "bucket_counts": [3]})
    return message


async def test_hostile_points_cost_the_good_ones_nothing(product: Product) -> None:
    message = hostile()
    await product.analytics.wait_settled()
    body = ExportMetricsServiceRequest(resource_metrics=[message]).SerializeToString()
    headers = {"authorization": f"Bearer {product.gateway.admin}", "content-type": "application/x-protobuf"}
    async with product.gateway.http.post(f"{product.gateway.url}/v1/metrics", data=body, headers=headers) as answer:
        assert answer.status == 200
    await product.analytics.wait_settled()
    assert await product.total("good.counter", "count") == 7
    assert await product.by("long", "good.counter", "count") == {"v\ufffd" * 64: 7}
    assert await product.by("nested", "good.counter", "count") == {'{"k":"AP8="}': 7}
    assert await product.total("good.summary", "count") == 100
    assert await product.total("good.summary", "sum") == 500
    assert await product.total("good.summary", "p90") == pytest.approx(9, rel=0.03)
    assert await product.total("edge.scale", "count") == 3
    assert await product.total("requests", "count", service="odd-service-f09f9880") == 0
    (letter,) = await letters(product)
    assert letter.reason.startswith("9 of 17 items are bad: '': name: must not be empty; ")
    assert letter.reason.isprintable()
    async with opened(product.gateway.bus) as registry:
        own = registry.own(product.gateway.tenant)
    assert set(own) == {"good-counter", "good-summary", "edge-scale", "far-scale"}
    assert own["good-counter"].unit == "1"
    assert own["good-counter"].dimensions == ("service", "long", "nested")


def largest(number: int) -> ResourceMetrics:
    """Points that are as large as OTLP can say, several for one series, and one that is as points are."""
    message = ResourceMetrics()
    message.resource.attributes.add(key="service.name").value.string_value = "large"
    metrics = message.scope_metrics.add().metrics
    at_ns = time.time_ns() // 1_000_000_000 * 1_000_000_000 + number

    def add(name: str, field: str, *, monotonic: bool = True, **point: Any) -> None:
        metric = metrics.add(name=name)
        data = getattr(metric, field)
        data.aggregation_temporality = 1
        if field == "sum":
            data.is_monotonic = monotonic
        for part in range(3):
            added = data.data_points.add(time_unix_nano=at_ns + part, start_time_unix_nano=at_ns - 10**9, **point)
            added.attributes.add(key="tags").value.string_value = f"t{part}"

    add("fine", "sum", as_int=1)
    add("large.counter", "sum", as_int=2**63 - 1)
    add("large.fraction", "sum", as_double=1e149)
    add("large.level", "sum", monotonic=False, as_int=2**63 - 1)
    add("small.level", "sum", monotonic=False, as_int=-(2**63))
    add("large.histogram", "histogram", count=2**50, sum=2.0**50, bucket_counts=[2**50, 0], explicit_bounds=[1])
    return message


async def test_the_largest_numbers_end_at_a_limit_and_cost_nobody_anything(product: Product) -> None:
    await product.analytics.wait_settled()
    headers = {"authorization": f"Bearer {product.gateway.admin}", "content-type": "application/x-protobuf"}
    for number in range(3):
        body = ExportMetricsServiceRequest(resource_metrics=[largest(number * 10)]).SerializeToString()
        async with product.gateway.http.post(f"{product.gateway.url}/v1/metrics", data=body, headers=headers) as answer:
            assert answer.status == 200
        await product.analytics.wait_settled()
    assert await product.total("fine", "sum") == 9
    assert await product.total("large.counter", "count") == 2**53
    assert await product.total("large.counter", "sum") == pytest.approx(9 * 2.0**63)
    assert await product.total("large.counter", "rate") is not None
    assert await product.total("large.fraction", "count") == 2**53
    assert await product.total("large.fraction", "sum") == pytest.approx(9e149)
    assert await product.total("large.level", "max") == pytest.approx(3 * 2.0**63)
    assert await product.total("small.level", "min") == pytest.approx(-3 * 2.0**63)
    assert await product.total("large.histogram", "count") == 2**53
    assert await product.total("large.histogram", "p50") == pytest.approx(0.5, rel=0.05)
    assert await product.by("tags", "large.counter", "count") == dict.fromkeys(("t0", "t1", "t2"), 2**53)
    assert await letters(product) == []


async def letters(product: Product) -> list[Any]:
    """Dead letters of the gateway's tenant."""
    product.analytics.tenant = product.gateway.tenant
    return await product.analytics.dead()
