"""Every consumer runs every example that it can receive, of every version, through its real handler.

Dashboard-stream's part is in ``tests/unit/dashboard_stream/test_contracts.py``; dead letters are in
``tests/integration/shared/test_cli.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode

import msgspec
import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs
from starlette.requests import Request
from starlette.responses import Response

from analytics.ingest.deliveries import Acknowledger, Delivery
from analytics.ingest.handlers import Handlers
from analytics.ingest.items import Item
from analytics.ingest.registration import Registration
from analytics.ingest.signals.events import SIGNAL as EVENTS
from analytics.ingest.signals.logs import SIGNAL as LOGS
from analytics.ingest.signals.metrics import SIGNAL as METRICS
from analytics.ingest.signals.requests import SIGNAL as REQUESTS
from analytics.ingest.tenants import Tenants
from analytics.overflow import Overflows
from analytics.query import questions
from analytics.query.catalogue_answers import CatalogueAnswers
from analytics.query.metrics import asked_by
from drishti.bus.connection import Bus
from drishti.bus.key_ring import KeyRing
from drishti.bus.keys import ApiKey, digest
from drishti.events import (
    Aggregate,
    AnalyticsEvent,
    BatchDecoder,
    CatalogueAnswer,
    CatalogueQuery,
    Query,
    QueryFailure,
    RequestEvent,
)
from drishti.measures.registry import DEFAULTS, MetricRegistry
from gateway.access.admission import by_key
from gateway.link import Link
from gateway.metrics.routes import MetricRoutes
from gateway.otlp import exports
from gateway.questions.routes import Questions
from predictor.forecasting.forecasts import Limits
from predictor.handlers import Handlers as PredictorHandlers
from predictor.replicas.assignment import PARTITIONS
from predictor.replicas.outbox import Outbox
from predictor.replicas.partitions import Partitions
from predictor.series.policies import Policies
from rigs.contract_examples import STORED_AT, RefusesNothing, delivered, payloads

KEY = "dk_v_" + "v" * 43


class AdmitsAll(Registration):
    """Knows every metric already, as where it came before."""

    async def admit(self, tenant: str, items: Sequence[Item]) -> list[Item]:
        return list(items)


class NothingSaved:
    """The object store of a predictor's first start."""

    async def load(self, _name: str) -> None:
        return None


class Kept:
    """The writer's place: keeps what it would store."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    async def put(self, deliveries: list[Delivery]) -> None:
        self.deliveries += deliveries


@pytest.fixture
def analytics() -> tuple[Handlers, Kept]:
    kept: Any = Kept()
    bus: Any = RefusesNothing()
    return Handlers(
        kept, Acknowledger(bus, Overflows()), Overflows(), Tenants(10), AdmitsAll(MetricRegistry(), Overflows())
    ), kept


@pytest.mark.parametrize("payload", payloads("event"))
async def test_analytics_takes_every_event(payload: bytes, analytics: tuple[Handlers, Kept]) -> None:
    handlers, kept = analytics
    await handlers.take(EVENTS, [delivered("events.v1.default.any", payload)])
    items = [item for delivery in kept.deliveries for item in delivery.items]
    assert [item.body for item in items] == BatchDecoder(AnalyticsEvent).decode(payload)
    assert all(delivery.refusals == [] for delivery in kept.deliveries)


@pytest.mark.parametrize("payload", payloads("request"))
async def test_analytics_takes_every_request(payload: bytes, analytics: tuple[Handlers, Kept]) -> None:
    handlers, kept = analytics
    await handlers.take(REQUESTS, [delivered("requests.v1.default.any", payload)])
    items = [item for delivery in kept.deliveries for item in delivery.items]
    assert [item.body for item in items] == BatchDecoder(RequestEvent).decode(payload)


@pytest.mark.parametrize("payload", payloads("metrics"))
async def test_analytics_takes_every_metrics_message(payload: bytes, analytics: tuple[Handlers, Kept]) -> None:
    handlers, kept = analytics
    await handlers.take(METRICS, [delivered("metrics.v1.default.wisdom", payload)])
    items = [item for delivery in kept.deliveries for item in delivery.items]
    assert {item.tenant for item in items} == {"default"}
    result = [item.body.stream.built_in for item in items]
    assert result == ["cpu_utilization", "memory_usage_bytes", None], "the third is a metric of its own"


@pytest.mark.parametrize("payload", payloads("logs"))
async def test_analytics_takes_every_log_message(payload: bytes, analytics: tuple[Handlers, Kept]) -> None:
    handlers, kept = analytics
    written = ResourceLogs.FromString(payload).scope_logs[0].log_records[0].time_unix_nano
    stored_at = datetime.fromtimestamp(written // 1_000_000_000 + 1, UTC)
    await handlers.take(LOGS, [delivered("logs.v1.default.wisdom", payload, stored_at)])
    items = [item for delivery in kept.deliveries for item in delivery.items]
    assert [item.body.record.severity for item in items] == [17]
    assert all(delivery.refusals == [] for delivery in kept.deliveries)


@pytest.mark.parametrize("payload", payloads("query_metrics"))
def test_analytics_plans_every_question(payload: bytes) -> None:
    question = msgspec.json.decode(payload, type=Query)
    at = int(STORED_AT.timestamp() * 1000) - 86_400_000
    plan = questions.planned(asked_by(question), {"1s": at, "1m": at, "1h": at}, DEFAULTS)
    assert [one.metric for one in plan.questions] == [question.metric]


class Sessions:
    """A database in which nothing was seen."""

    @contextlib.asynccontextmanager
    async def turn(self, _tenant: str) -> AsyncIterator[None]:
        yield

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Sessions]:
        yield self

    async def value(self, _statement: str) -> int:
        return 1

    async def fetch(self, statement: str, *_: Any) -> list[Any]:
        return [{"as_of": 1, "carried": True}] if statement == "question_begins" else []


@pytest.mark.parametrize("payload", payloads("query_catalogue"))
async def test_analytics_answers_every_question_about_what_was_seen(payload: bytes) -> None:
    question = msgspec.json.decode(payload, type=CatalogueQuery)
    sessions: Any = Sessions()
    assert await CatalogueAnswers(sessions, MetricRegistry()).answer(question) == CatalogueAnswer(as_of=1, metrics=[])


@pytest.mark.parametrize("payload", payloads("query_catalogue_answer"))
async def test_the_gateway_shows_what_was_seen(payload: bytes) -> None:
    registry, ring = MetricRegistry(), viewers()
    registry.loaded.set()
    link = Link()
    link.set(cast("Bus", Replies("ok", payload)))
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [(b"x-api-key", KEY.encode())]}
    answer = await MetricRoutes(registry, link, {"viewer": by_key(ring, "viewer")}, 1.0).all(Request(scope))
    listed = {metric["token"]: metric for metric in json.loads(bytes(answer.body))["metrics"]}
    for seen in msgspec.json.decode(payload, type=CatalogueAnswer).metrics:
        assert (listed[seen.metric]["series"], listed[seen.metric]["last_seen"]) == (seen.series, seen.last_seen)


@pytest.mark.parametrize("payload", payloads("aggregate"))
async def test_predictor_takes_every_aggregate(payload: bytes) -> None:
    bus: Any = RefusesNothing()
    store: Any = NothingSaved()
    aggregate = msgspec.json.decode(payload, type=Aggregate)

    def now() -> float:
        return aggregate.window_start / 1000 + 3

    ended = asyncio.Event()
    outbox = Outbox(bus)
    partitions = Partitions(store, outbox, Policies().watches, limit=100, limits=Limits(), now=now)
    await partitions.take_up(frozenset(range(PARTITIONS)), frozenset(), afresh=False, stop=ended)
    handlers = PredictorHandlers(bus, partitions, outbox, allowed=lambda: True, ended=ended, now=now)
    await handlers.take_aggregate(delivered(f"aggregates.v1.{aggregate.tenant}.{aggregate.resolution}.x", payload))
    await asyncio.sleep(0)


class Replies:
    """The bus, where every question gets this one reply."""

    def __init__(self, status: str, payload: bytes) -> None:
        self._reply = SimpleNamespace(headers={"Drishti-Status": status}, data=payload)
        self.asked: list[bytes] = []

    async def request(self, _subject: str, payload: bytes, **_: Any) -> Any:
        self.asked.append(payload)
        return self._reply


def viewers() -> KeyRing:
    """The keys of a gateway where :data:`KEY` is a viewer's."""
    ring = KeyRing()
    key = ApiKey(id="v", name="v", tenant="default", role="viewer", created_at=STORED_AT)
    ring.take(digest(KEY), msgspec.json.encode(key))
    ring.loaded.set()
    return ring


async def ask_the_gateway(parameters: dict[str, str], bus: Replies) -> Response:
    """The gateway's answer to a viewer's ``GET /api/analytics/query``."""
    link = Link()
    link.set(cast("Bus", bus))
    ring = viewers()
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": urlencode(parameters).encode()}
    asked = Request(scope | {"headers": [(b"x-api-key", KEY.encode())]})
    return await Questions(link, by_key(ring, "viewer"), 1.0).answer(asked)


@pytest.mark.parametrize("payload", payloads("query_metrics_answer"))
async def test_the_gateway_hands_on_every_answer(payload: bytes) -> None:
    answer = await ask_the_gateway({"metric": "events", "aggregate": "count"}, Replies("ok", payload))
    assert (answer.status_code, answer.body) == (200, payload)


@pytest.mark.parametrize("payload", payloads("query_failure"))
async def test_the_gateway_tells_every_failure(payload: bytes) -> None:
    answer = await ask_the_gateway({"metric": "events", "aggregate": "count"}, Replies("error", payload))
    failure = msgspec.json.decode(payload, type=QueryFailure)
    assert answer.status_code in (422, 503, 504)
    reported = json.loads(bytes(answer.body))
    assert (reported["error"], reported.get("field", "")) == (failure.error, failure.field)


@pytest.mark.parametrize("payload", payloads("query_metrics"))
async def test_the_gateway_can_ask_every_question(payload: bytes) -> None:
    question = msgspec.json.decode(payload, type=Query)
    parameters = {"metric": question.metric, "aggregate": question.aggregate, **question.filters}
    parameters |= {"from": str(question.from_ms), "to": str(question.to_ms), "group_by": ",".join(question.group_by)}
    if question.resolution is not None:
        parameters["resolution"] = question.resolution
    bus = Replies("ok", b"{}")
    await ask_the_gateway(parameters, bus)
    assert [msgspec.json.decode(asked, type=Query) for asked in bus.asked] == [question]


@pytest.mark.parametrize("payload", payloads("logs"))
def test_the_gateway_publishes_logs_as_they_came(payload: bytes) -> None:
    export = exports.read("logs", b"\x0a" + _varint(len(payload)) + payload, json=False)
    assert [part.payload for part in export.parts] == [payload]


@pytest.mark.parametrize("payload", payloads("spans"))
def test_the_gateway_publishes_spans_as_they_came(payload: bytes) -> None:
    """SPANS has no consumer yet; what it holds is what the gateway's own reader takes."""
    export = exports.read("traces", b"\x0a" + _varint(len(payload)) + payload, json=False)
    assert [part.payload for part in export.parts] == [payload]


def _varint(number: int) -> bytes:
    result = bytearray()
    while number > 0x7F:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*result, number])
