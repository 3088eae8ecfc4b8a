"""Recorded requests into the running product by every way in; exact numbers out by question and by WebSocket."""

from __future__ import annotations

import json
import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drishti.analytics import Analytics, AnalyticsEvent
from drishti.events import RequestEvent, encode
from rigs.product import Product, values_with
from rigs.waiting import wait_until
from wisdom import arrivals
from wisdom.arrivals import Arrival

REQUESTS = 5000
TOPICS = ("breath", "grief", "anger", "gratitude", "sleep")
BATCH = 100
SERVICE = "recorded"
QUESTION = "recorded_question"


def first_recorded() -> list[Arrival]:
    """The first requests of the recorded hour; drawn with the same statistics where the recording is not there."""
    data = Path(os.environ.get("DRISHTI_DATA") or Path(__file__).parents[3] / "shared" / "data")
    return (arrivals.recorded(data) or arrivals.drawn(1))[:REQUESTS]


class Traffic:
    """What the requests become: an answered question, a call of a model, and a served request each, as long ago as recorded."""

    def __init__(self, result: list[Arrival]) -> None:
        begin = datetime.now(UTC) - timedelta(seconds=result[-1].at + 1)
        self.questions: list[AnalyticsEvent] = []
        self.calls: list[AnalyticsEvent] = []
        self.requests: list[RequestEvent] = []
        for n, arrival in enumerate(result):
            at = begin + timedelta(seconds=arrival.at)
            about: dict[str, Any] = {"timestamp": at, "user_id": f"user{n % 211}", "session_id": f"s{n % 500}"}
            topic = {"topic": TOPICS[n % len(TOPICS)]}
            self.questions.append(AnalyticsEvent(event_id=f"q{n}", event_type=QUESTION, data=topic, **about))
            call = {
                "model": "large" if arrival.prompt_tokens > 1000 else "small",
                "input_tokens": arrival.prompt_tokens,
                "output_tokens": arrival.answer_tokens,
                "duration_ms": 100.0 + 10 * arrival.answer_tokens,
            }
            self.calls.append(AnalyticsEvent(event_id=f"c{n}", event_type="llm_call", data=call, **about))
            served = {"method": "POST", "route": "/ask", "status": 503 if n % 50 == 0 else 200}
            duration = 120.0 + 10 * arrival.answer_tokens
            self.requests.append(RequestEvent(event_id=f"r{n}", service=SERVICE, duration_ms=duration, **served, **about))


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    return Traffic(first_recorded())


def batches(events: list[Any]) -> list[list[Any]]:
    return [events[start : start + BATCH] for start in range(0, len(events), BATCH)]


async def send(product: Product, traffic: Traffic) -> None:
    """Questions over HTTP (arrays, lines, single ones), calls by the SDK, requests by a plain NATS client."""
    *most, lines, singles = batches(traffic.questions)
    for batch in most:
        status, answer = await product.post("/api/events", encode(batch))
        assert (status, answer) == (202, {"accepted": BATCH, "rejected": []})
    ndjson = b"\n".join(encode(event) for event in lines)
    assert (await product.post("/api/events", ndjson, content_type="application/x-ndjson"))[0] == 202
    for event in singles:
        assert (await product.post("/api/events", encode(event)))[0] == 202
    async with Analytics(nats_url=product.client_env["DRISHTI_NATS_URL"]) as analytics:
        for event in traffic.calls:
            assert await analytics.track_event(event)
        assert await analytics.flush(30), analytics.statistics()
        assert analytics.statistics().sent == len(traffic.calls)
    async with product.nats() as client:
        for batch in batches(traffic.requests):
            await client.jetstream().publish(f"requests.v1.default.{SERVICE}", encode(batch))


async def check(product: Product, traffic: Traffic) -> None:
    """Every number that the requests must give, exactly; percentiles within their promise."""
    for metric, kind in ((QUESTION, traffic.questions), ("llm_call", traffic.calls)):
        await wait_until(lambda kind=metric: product.total("events", "count", event_type=kind), metric, equals=len(kind))
    await wait_until(lambda: product.total("requests", "count", service=SERVICE), "requests", equals=len(traffic.requests))

    topics = {s["labels"]["topic"]: s["total"] for s in await product.query("topics", "count", group_by="topic")}
    wanted = Counter(event.data["topic"] for event in traffic.questions)
    assert {topic: topics[topic] for topic in wanted} == wanted
    by_status = await product.query("requests", "count", service=SERVICE, group_by="status")
    failed = sum(r.status == 503 for r in traffic.requests)
    assert {s["labels"]["status"]: s["total"] for s in by_status} == {"200": REQUESTS - failed, "503": failed}
    for direction, key in (("input", "input_tokens"), ("output", "output_tokens")):
        total = await product.total("llm_tokens", "sum", direction=direction)
        assert total == sum(event.data[key] for event in traffic.calls)
    paces = [e.data["duration_ms"] / e.data["output_tokens"] for e in traffic.calls if e.data["output_tokens"]]
    assert await product.total("llm_time_per_output_token_ms", "count") == len(paces)
    assert await product.total("llm_time_per_output_token_ms", "sum") == pytest.approx(sum(paces))
    durations = sorted(r.duration_ms for r in traffic.requests)
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        result = await product.total("request_duration_ms", name, service=SERVICE)
        assert result == pytest.approx(durations[round(share * len(durations)) - 1], rel=0.0101)


async def test_recorded_requests_are_counted_exactly_once(product: Product, traffic: Traffic) -> None:
    async with product.socket("user_analytics") as users, product.socket("system_overview") as overview:
        first = json.loads(await overview.recv())
        assert (first["type"], first["dashboard"]) == ("snapshot", "system_overview")
        await send(product, traffic)
        await check(product, traffic)
        await values_with(overview, {f"requests.count.24h{{service={SERVICE}}}": REQUESTS})
        await values_with(users, {f"events.count.24h{{event_type={QUESTION}}}": REQUESTS})
    async with product.socket("dharma_insights") as late:
        tokens = sum(event.data["output_tokens"] for event in traffic.calls)
        await values_with(
            late, {"llm_tokens.sum.24h{direction=output}": tokens, "events.count.24h{event_type=llm_call}": REQUESTS}
        )


async def test_sent_again_around_a_killed_analytics_they_change_nothing(product: Product, traffic: Traffic) -> None:
    await check(product, traffic)  # the test above has sent them
    analytics = product.running.child("-m analytics")
    analytics.kill()
    await send(product, traffic)
    product.running.wait_for(r"analytics was started again")
    status, _ = await product.post("/api/events", {"event_id": "after", "event_type": "after_the_kill"})
    assert status == 202

    async def marked() -> bool:
        """Whether analytics, back again, has stored what came last."""
        try:
            return await product.total("events", "count", event_type="after_the_kill") == 1
        except AssertionError:  # nobody answers while it starts
            return False

    await wait_until(marked, "the last event")
    await check(product, traffic)
