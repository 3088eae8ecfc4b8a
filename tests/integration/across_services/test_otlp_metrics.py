"""Metrics of the OpenTelemetry SDK, through gateway and analytics and out of the query: exactly what was recorded."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable
from typing import Any

import aiohttp
import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
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
