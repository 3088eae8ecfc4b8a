"""Every consumer runs every example that it can receive, of every version, through its real handler.

Dashboard-stream's part is in ``tests/unit/test_dashboard_contracts.py``.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from analytics import query
from analytics.deliveries import Delivery, Endings
from analytics.handlers import Handlers
from contract_examples import STORED_AT, RefusesNothing, delivered, payloads
from drishti.events import Aggregate, AnalyticsEvent, BatchDecoder, Query, RequestEvent
from gateway import otlp
from predictor.engine import Engine
from predictor.handlers import Handlers as PredictorHandlers
from predictor.handlers import Outbox


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
    return Handlers(kept, Endings(bus)), kept


@pytest.mark.parametrize("payload", payloads("event"))
async def test_analytics_takes_every_event(payload: bytes, analytics: tuple[Handlers, Kept]) -> None:
    handlers, kept = analytics
    await handlers.take_events([delivered("events.v1.default.any", payload)])
    items = [item for delivery in kept.deliveries for item in delivery.items]
    assert [item.body for item in items] == BatchDecoder(AnalyticsEvent).decode(payload)
    assert all(delivery.refusals == [] for delivery in kept.deliveries)


@pytest.mark.parametrize("payload", payloads("request"))
async def test_analytics_takes_every_request(payload: bytes, analytics: tuple[Handlers, Kept]) -> None:
    handlers, kept = analytics
    await handlers.take_requests([delivered("requests.v1.default.any", payload)])
    items = [item for delivery in kept.deliveries for item in delivery.items]
    assert [item.body for item in items] == BatchDecoder(RequestEvent).decode(payload)


@pytest.mark.parametrize("payload", payloads("metrics"))
async def test_analytics_takes_every_metrics_message(payload: bytes, analytics: tuple[Handlers, Kept]) -> None:
    handlers, kept = analytics
    await handlers.take_metrics([delivered("metrics.v1.default.wisdom", payload)])
    items = [item for delivery in kept.deliveries for item in delivery.items]
    assert {item.tenant for item in items} == {"default"}
    assert len(items) == 2, "CPU and memory; the third is no metric of ours"


@pytest.mark.parametrize("payload", payloads("query_metrics"))
def test_analytics_plans_every_question(payload: bytes) -> None:
    question = msgspec.json.decode(payload, type=Query)
    at = int(STORED_AT.timestamp() * 1000) - 86_400_000
    assert query.planned(question, {"1s": at, "1m": at, "1h": at}).spec.name == question.metric


@pytest.mark.parametrize("payload", payloads("aggregate"))
async def test_predictor_takes_every_aggregate(payload: bytes) -> None:
    bus: Any = RefusesNothing()
    aggregate = msgspec.json.decode(payload, type=Aggregate)
    engine = Engine()
    handlers = PredictorHandlers(bus, engine, Outbox(bus), now=lambda: aggregate.window_start / 1000 + 3)
    await handlers.take_aggregate(delivered(f"aggregates.v1.{aggregate.tenant}.{aggregate.resolution}.x", payload))
    await asyncio.sleep(0)


@pytest.mark.parametrize("payload", payloads("spans"))
def test_the_gateway_forwards_spans_as_they_came(payload: bytes) -> None:
    """SPANS has no consumer yet; what it holds is what the gateway's own reader takes."""
    export = otlp.read("traces", b"\x0a" + _varint(len(payload)) + payload, json=False)
    assert [part.payload for part in export.parts] == [payload]


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])
