"""What goes beyond a limit of metrics: the sender learns it, and nothing else is lost."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any, NamedTuple

import msgspec
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics

from drishti.bus.entries import Entry
from drishti.events import CatalogueAnswer, CatalogueQuery, MetricSeen
from drishti.measures.definitions import OTLP, Kind, MetricDefinition
from drishti.measures.effective import MAX_DEFINITIONS
from drishti.measures.registry import MetricRegistry
from gateway.link import Link
from gateway.metrics.limits import MetricLimits
from gateway.otlp import exports
from gateway.otlp.limits import Limits
from rigs.waiting import wait_until

REVISIONS = itertools.count(1)


def define(registry: MetricRegistry, name: str, *, max_series: int = 1_000) -> None:
    definition = MetricDefinition(name=name, kind=Kind.GAUGE, dimensions=("service",), origin=OTLP, max_series=max_series)
    registry.take(Entry(f"acme.{definition.token}", next(REVISIONS), msgspec.json.encode(definition), 0.0))


def sent(*names: str, points: int = 2) -> bytes:
    request = ExportMetricsServiceRequest()
    scope = request.resource_metrics.add().scope_metrics.add()
    for name in names:
        metric = scope.metrics.add(name=name)
        for value in range(points):
            metric.gauge.data_points.add(as_int=value).attributes.add(key="n").value.int_value = value
    return request.SerializeToString()


def names_in(export: exports.Export) -> list[str]:
    messages = [ResourceMetrics.FromString(part.payload) for part in export.parts]
    return [metric.name for message in messages for scope in message.scope_metrics for metric in scope.metrics]


def test_points_of_metrics_that_have_no_place_are_rejected_by_name_and_the_others_are_taken() -> None:
    limits = Limits(known=frozenset({"app-known"}), most=2_000)
    body = sent("app.known", "app.new", "process.cpu.utilization", "x" * 200)
    export = exports.read("metrics", body, json=False, limits=limits)
    assert names_in(export) == ["app.known", "process.cpu.utilization"]
    assert (export.rejected, export.beyond) == (4, 4)
    answer = ExportMetricsServiceResponse.FromString(exports.response("metrics", export, json=False)).partial_success
    assert answer.rejected_data_points == 4
    assert "4 of 2 metrics beyond the 2,000 of a tenant: 'app.new', 'xxx" in answer.error_message
    assert len(answer.error_message) < 400


def test_where_nothing_has_a_place_the_answer_is_still_a_partial_success() -> None:
    export = exports.read("metrics", sent("app.new"), json=False, limits=Limits(known=frozenset(), most=2_000))
    assert (export.parts, export.rejected) == ([], 2)


def test_series_that_are_counted_together_are_a_warning_and_nothing_is_rejected() -> None:
    body = sent("app.known", "app.crowded")
    export = exports.read("metrics", body, json=False, limits=Limits(crowded={"app-crowded": 1_000}))
    assert (names_in(export), export.rejected) == (["app.known", "app.crowded"], 0)
    (part,) = export.parts
    assert part.payload == ExportMetricsServiceRequest.FromString(body).resource_metrics[0].SerializeToString()
    answer = ExportMetricsServiceResponse.FromString(exports.response("metrics", export, json=False)).partial_success
    assert answer.rejected_data_points == 0
    assert "'app.crowded'" in answer.error_message
    assert "1,000 series" in answer.error_message
    said = json.loads(exports.response("metrics", export, json=True))["partialSuccess"]
    assert said == {"rejectedDataPoints": "0", "errorMessage": answer.error_message}


def test_within_the_limits_nothing_is_said() -> None:
    export = exports.read("metrics", sent("app.known"), json=False, limits=Limits())
    assert exports.response("metrics", export, json=False) == b""


class _Answer(NamedTuple):
    data: bytes
    headers: dict[str, str] | None = None


class _Bus:
    """Answers the question for what was seen."""

    def __init__(self, *seen: MetricSeen) -> None:
        self.seen = seen
        self.questions: list[CatalogueQuery] = []

    async def request(self, _subject: str, payload: bytes, **_: Any) -> _Answer:
        self.questions.append(msgspec.json.decode(payload, type=CatalogueQuery))
        return _Answer(msgspec.json.encode(CatalogueAnswer(as_of=0, metrics=list(self.seen))))


async def test_limits_are_those_of_the_registry_and_of_what_analytics_has_seen() -> None:
    registry, link, stop = MetricRegistry(), Link(), asyncio.Event()
    for name in ("app.crowded", "app.full", "app.other"):
        define(registry, name, max_series=10)
    bus = _Bus(
        MetricSeen(metric="app-crowded", last_seen=0, series=11, services=["a", "other"]),
        MetricSeen(metric="app-full", last_seen=0, series=10, services=["a"]),
        MetricSeen(metric="app-other", last_seen=0, series=2, services=["a", "other"]),
    )
    link.set(bus)  # type: ignore[arg-type]  # the one method that is used
    limits = MetricLimits(registry, link, 5.0)
    assert limits.of("acme") == Limits(None, MAX_DEFINITIONS, {}), "nothing is known yet"
    running = asyncio.create_task(limits.run(stop))
    await wait_until(lambda: limits.of("acme").crowded, "the series were asked about")
    assert limits.of("acme").crowded == {"app-crowded": 10}
    assert [sorted(question.metrics) for question in bus.questions] == [["app-crowded", "app-full", "app-other"]]
    for number in range(MAX_DEFINITIONS - 3):
        define(registry, f"m.{number}")
    known = limits.of("acme").known
    assert known is not None
    assert "m-5" in known
    assert "app-new" not in known
    registry.take(Entry("acme.m-5", next(REVISIONS), None, 0.0))
    assert limits.of("acme").known is None, "one was deleted: there is room"
    assert limits.of("other").known is None
    stop.set()
    await running
