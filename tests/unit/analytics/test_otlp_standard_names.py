"""Metrics of the semantic conventions have their meaning, whatever their messages leave out."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics

from analytics.ingest.registration import Registration
from analytics.ingest.signals.metrics import decode
from analytics.ingest.signals.otlp.points import BUILT_IN
from analytics.ingest.signals.otlp.standard_names import STANDARD
from analytics.overflow import Overflows
from drishti.bus.entries import Entry
from drishti.measures.definition_checks import check
from drishti.measures.definitions import Kind, MetricDefinition
from drishti.measures.registry import MetricRegistry

NOW = datetime.now(UTC)


class _Registry(MetricRegistry):
    """Stores at once, without a bus."""

    async def put(self, tenant: str, definition: MetricDefinition, expected_revision: int) -> int:
        revision = expected_revision + 1
        self.take(Entry(f"{tenant}.{definition.token}", revision, msgspec.json.encode(definition), 0.0))
        return revision


async def registered(name: str, kind: Kind, unit: str = "", description: str = "") -> MetricDefinition:
    """The definition that a message with a metric of that kind makes."""
    message = ResourceMetrics()
    metric = message.scope_metrics.add().metrics.add(name=name, unit=unit, description=description)
    nanoseconds = int(NOW.timestamp() * 1e9)
    if kind is Kind.DISTRIBUTION:
        metric.histogram.aggregation_temporality = 1
        metric.histogram.data_points.add(time_unix_nano=nanoseconds, count=1, sum=1.0)
    elif kind is Kind.COUNTER:
        metric.sum.aggregation_temporality, metric.sum.is_monotonic = 1, True
        metric.sum.data_points.add(time_unix_nano=nanoseconds, as_int=1)
    else:
        metric.gauge.data_points.add(time_unix_nano=nanoseconds, as_int=1)
    items, bad = decode("acme", message.SerializeToString(), NOW, None)
    assert not bad
    registry = _Registry()
    assert await Registration(registry, Overflows()).admit("acme", items)
    definition = registry.get("acme", items[0].body.stream.token)
    assert definition is not None
    return definition


@pytest.mark.parametrize("name", STANDARD)
def test_every_standard_metric_is_a_valid_definition_and_none_is_built_in(name: str) -> None:
    kind, unit, description, _ = STANDARD[name]
    assert not check(MetricDefinition(name=name, kind=kind, unit=unit, description=description))
    assert description
    assert name not in BUILT_IN


@pytest.mark.parametrize(
    ("name", "kind", "unit", "side"),
    [
        ("http.server.request.duration", Kind.DISTRIBUTION, "s", "up"),
        ("gen_ai.client.token.usage", Kind.DISTRIBUTION, "{token}", "up"),
        ("gen_ai.client.operation.duration", Kind.DISTRIBUTION, "s", "up"),
        ("db.client.operation.duration", Kind.DISTRIBUTION, "s", "up"),
        ("db.client.connection.timeouts", Kind.COUNTER, "{timeout}", "up"),
        ("db.client.connection.count", Kind.GAUGE, "{connection}", None),
        ("process.cpu.time", Kind.COUNTER, "s", None),
        ("system.memory.usage", Kind.GAUGE, "By", None),
        ("system.network.errors", Kind.COUNTER, "{error}", "up"),
        ("jvm.gc.duration", Kind.DISTRIBUTION, "s", "up"),
        ("go.goroutine.count", Kind.GAUGE, "{goroutine}", None),
        ("process.runtime.cpython.memory", Kind.GAUGE, "By", "up"),
        ("nodejs.eventloop.utilization", Kind.GAUGE, "1", "up"),
    ],
)
async def test_a_standard_metric_that_says_nothing_of_itself_has_its_meaning(
    name: str, kind: Kind, unit: str, side: str | None
) -> None:
    metric = await registered(name, kind)
    assert (metric.name, metric.kind, metric.unit, metric.origin) == (name, kind, unit, "otlp")
    assert metric.description == STANDARD[name].description
    assert metric.watch_policy.side == side
    assert metric.direction == ("up" if side is None else "down")


async def test_what_a_message_says_goes_first() -> None:
    metric = await registered("http.server.request.duration", Kind.DISTRIBUTION, "ms", "how long we took")
    assert (metric.unit, metric.description, metric.direction) == ("ms", "how long we took", "down")
    unreadable = await registered("http.server.request.duration", Kind.DISTRIBUTION, "\x01", "")
    assert unreadable.unit == "s"


async def test_a_standard_name_of_another_kind_is_a_metric_like_any() -> None:
    metric = await registered("http.server.request.duration", Kind.GAUGE)
    assert (metric.kind, metric.unit, metric.description, metric.direction) == (Kind.GAUGE, "1", "", "up")
