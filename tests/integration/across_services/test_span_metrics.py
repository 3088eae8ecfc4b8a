"""Metrics out of spans: OTLP through the gateway, analytics, and out of the query, as an independent count has them."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from drishti_local.servers import NatsServer
from rigs import analytics as analytics_rig
from rigs import gateway as gateway_rig
from rigs import otlp_spans as making
from rigs.waiting import wait_until

PATHS = ("/users/{}", "/users/{}/orders", "/carts/{}")
STATEMENTS = ("SELECT * FROM orders WHERE id = {}", "INSERT INTO carts VALUES ({})")


class Product:
    """Gateway and analytics on one bus; ``total`` and ``by`` ask as a user does."""

    def __init__(self, gateway: gateway_rig.Rig, analytics: analytics_rig.Rig) -> None:
        self.gateway, self.analytics = gateway, analytics

    async def send(self, *messages: ResourceSpans) -> None:
        headers = {"authorization": f"Bearer {self.gateway.admin}", "content-type": "application/x-protobuf"}
        body = ExportTraceServiceRequest(resource_spans=messages).SerializeToString()
        async with self.gateway.http.post(f"{self.gateway.url}/v1/traces", data=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()

    async def _ask(self, metric: str, aggregate: str, **parameters: str) -> list[dict[str, Any]]:
        headers = {"authorization": f"Bearer {self.gateway.admin}"}
        query = {"metric": metric, "aggregate": aggregate, "resolution": "1m", **parameters}
        url = f"{self.gateway.url}/api/analytics/query"
        async with self.gateway.http.get(url, params=query, headers=headers) as answer:
            found: dict[str, Any] = await answer.json()
            assert answer.status == 200, found
            series: list[dict[str, Any]] = found["series"]
            return series

    async def total(self, metric: str, aggregate: str, **parameters: str) -> float | None:
        (series,) = await self._ask(metric, aggregate, **parameters)
        value: float | None = series["total"]
        return value

    async def by(self, metric: str, aggregate: str, *dimensions: str) -> dict[tuple[str, ...], float | None]:
        found = await self._ask(metric, aggregate, group_by=",".join(dimensions))
        return {tuple(series["labels"][name] for name in dimensions): series["total"] for series in found}


@pytest.fixture
async def product(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Product]:
    async with (
        analytics_rig.rig(own_nats, postgres_url) as analytics,
        analytics.running(),
        gateway_rig.running(own_nats) as gateway,
    ):
        yield Product(gateway, analytics)


async def test_every_span_counts_once_under_its_operation(product: Product) -> None:
    rng = random.Random(3)
    ids = iter(making.random_ids(3, 1200))
    expected: Counter[tuple[str, str, str]] = Counter()
    errors: Counter[str] = Counter()
    durations: defaultdict[str, list[float]] = defaultdict(list)
    messages = []
    for _ in range(12):
        service = rng.choice(["shop", "cart"])
        spans = []
        for _ in range(100):
            kind = rng.choice(["server", "client"])
            if kind == "server":
                path = rng.choice(PATHS)
                name, attributes = "GET", {"http.request.method": "GET", "url.path": path.format(rng.randrange(10**6))}
                operation = "GET " + path.format("{id}")
            else:
                statement = rng.choice(STATEMENTS)
                name, attributes = "query", {"db.system": "postgresql", "db.statement": statement.format(rng.randrange(10**6))}
                operation = "SELECT orders" if "SELECT" in statement else "INSERT carts"
            duration, error = round(rng.expovariate(0.1), 3) + 0.001, "failed" if rng.random() < 0.1 else None
            spans.append(making.span(*next(ids), name, kind=kind, duration_ms=duration, error=error, attributes=attributes))
            expected[service, operation, kind] += 1
            errors[service] += error is not None
            durations[service].append(duration)
        messages.append(making.resource_spans(service, spans))
    await asyncio.gather(*(product.send(message) for message in messages))
    await asyncio.gather(*(product.send(message) for message in messages[:4]))  # sent again

    async def counted() -> bool:
        return await product.total("span_duration_ms", "count") == 1200

    await wait_until(counted)
    await product.analytics.wait_settled()
    assert await product.by("span_duration_ms", "count", "service", "operation", "kind") == expected
    for (service,), failed in (await product.by("span_duration_ms", "errors", "service")).items():
        assert failed == errors[service]
    for (service,), slowest in (await product.by("span_duration_ms", "max", "service")).items():
        assert slowest == pytest.approx(max(durations[service]), rel=1e-6)
    for (service,), median in (await product.by("span_duration_ms", "p50", "service")).items():
        middle = sorted(durations[service])[len(durations[service]) // 2]
        assert median == pytest.approx(middle, rel=0.05)


async def test_calls_of_models_count_once_in_every_dialect(product: Product) -> None:
    dialects: list[dict[str, Any]] = [
        {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
         "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100, "gen_ai.response.time_to_first_chunk": 0.02},
        {"llm.request.type": "chat", "gen_ai.system": "OpenAI", "gen_ai.request.model": "gpt-4o",
         "gen_ai.usage.prompt_tokens": 1000, "gen_ai.usage.completion_tokens": 100, "gen_ai.prompt.0.content": "dropped"},
        {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o", "llm.token_count.prompt": 1000,
         "llm.token_count.completion": 100, "input.value": "dropped"},
    ]  # fmt: skip
    others: list[dict[str, Any]] = [
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 3000},
        {"openinference.span.kind": "CHAIN", "llm.token_count.prompt": 3000},
        {**dialects[0], "drishti.llm_call.event": True},
    ]
    ids = making.random_ids(4, len(dialects) + len(others))
    spans = [
        making.span(*one, "call", kind="client", duration_ms=220.0, attributes=attributes)
        for one, attributes in zip(ids, dialects + others, strict=True)
    ]
    await product.send(making.resource_spans("assistant", spans))
    data = {"model": "gpt-4o", "duration_ms": 220.0, "input_tokens": 1000, "output_tokens": 100, "cost_usd": 0.5}
    event = {"event_id": "call-1", "event_type": "llm_call", "data": data}
    assert (await product.gateway.post("/api/events", event))[0] == 202

    async def counted() -> bool:
        return await product.total("llm_requests", "count") == 4

    await wait_until(counted)
    await product.analytics.wait_settled()
    assert await product.total("llm_requests", "count") == 4
    assert await product.by("llm_tokens", "sum", "direction") == {("input",): 4000, ("output",): 400}
    assert await product.total("llm_time_to_first_token_ms", "avg") == 20
    cost = (1000 * 2.5 + 100 * 10) / 1e6
    assert await product.total("llm_cost_usd", "sum") == pytest.approx(3 * cost + 0.5)
    assert await product.total("span_duration_ms", "count") == 6
