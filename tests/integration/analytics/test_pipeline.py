"""From the bus to rows, rollups, aggregates and answers, on real servers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drishti.events import QueryAnswer
from rigs.analytics import Rig, event, request
from rigs.waiting import wait_until


async def test_an_event_becomes_a_row_a_rollup_an_aggregate_and_an_answer(world: Rig) -> None:
    async with world.running(), world.aggregates(metric="events") as seen:
        await world.publish(event("one", user_id="u1", data={"satisfaction": 4.5, "topic": "breath"}))
        await wait_until(lambda: any(a.series[0].count == 1 for a, _ in seen), seen=seen)
        final = await wait_until(lambda: next((a for a, _ in seen if a.final), None), seen=seen)
        assert [(s.labels, s.count) for s in final.series] == [({}, 1), ({"event_type": "dharma_query"}, 1)]
        assert await world.rows() == 1
        assert await world.total("events", "count") == 1
        assert await world.total("satisfaction", "avg") == 4.5
        assert await world.total("active_users", "uniques") == pytest.approx(1)
        answer = await world.ask("topics", "count", group_by=["topic"])
        assert isinstance(answer, QueryAnswer)
        assert [(s.labels, s.total) for s in answer.series] == [({"topic": "breath"}, 1)]


async def test_calls_to_models_give_durations_tokens_and_the_time_for_each_token(world: Rig) -> None:
    calls = [
        {"model": "large", "duration_ms": 400.0, "output_tokens": 50},
        {"model": "large", "duration_ms": 400.0, "output_tokens": 51, "time_to_first_token_ms": 100},
        {"model": "large", "duration_ms": 900.0, "output_tokens": 9, "error": "overloaded"},
        {"model": "small", "duration_ms": 30.0, "gen_ai.usage.output_tokens": 10},
        {"model": "embed", "duration_ms": 20.0, "output_tokens": 0},
    ]
    metric = "llm_time_per_output_token_ms"
    at = datetime.now(UTC)
    async with world.running(), world.aggregates(metric=metric) as seen:
        await world.publish(*(event(event_type="llm_call", timestamp=at, data=data) for data in calls))
        final = await wait_until(lambda: next((a for a, _ in seen if a.final), None), seen=seen)
        assert final.unit == "ms"
        found = {s.labels.get("model"): (s.count, s.errors, s.sum) for s in final.series}
        assert found == {None: (3, 0, 17.0), "large": (2, 0, 14.0), "small": (1, 0, 3.0)}
        assert await world.total(metric, "avg", filters={"model": "large"}) == 7.0
        assert await world.total(metric, "p95", filters={"model": "small"}) == pytest.approx(3.0, rel=0.0101)
        assert await world.total("llm_duration_ms", "count") == 5
        assert await world.total("llm_tokens", "sum", filters={"direction": "output"}) == 120


async def test_requests_give_counts_errors_and_percentiles(world: Rig) -> None:
    async with world.running():
        slow = [request(duration_ms=float(n), status=500 if n > 90 else 200, user_id=f"u{n % 7}") for n in range(1, 101)]
        await world.publish_requests(*slow)
        await world.wait_settled()
        assert await world.total("requests", "count") == 100
        assert await world.total("requests", "errors") == 10
        assert await world.total("requests", "error_rate") == 0.1
        assert await world.total("requests", "count", filters={"status": "500"}) == 10
        assert await world.total("request_duration_ms", "p95") == pytest.approx(95.05, rel=0.0101)
        assert await world.total("request_duration_ms", "max") == 100
        assert await world.total("active_users", "uniques") == pytest.approx(7, rel=0.02)
        assert await world.rows("requests") == 100
