"""Calls to language models out of spans of every dialect, each once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from analytics.rollup.cells import Cell
from analytics.rollup.observations import Observations
from analytics.spans import llm_prices
from analytics.spans.gen_ai import CallReader
from analytics.spans.llm_prices import parse
from analytics.spans.span import Span, SpanEvent, SpanKind, Status
from rigs.spans import MS, START_NS, SpanItem, span

CLIENT = SpanKind.CLIENT


@pytest.fixture(autouse=True)
def prices() -> Iterator[None]:
    before = llm_prices.IN_USE.table
    llm_prices.IN_USE.table = parse('[models."gpt-4o"]\ninput = 2.5\ncached_input = 1.25\noutput = 10', "prices.toml")
    yield
    llm_prices.IN_USE.table = before


def cells(*spans: Span, reader: CallReader | None = None) -> dict[tuple[str, tuple[str, ...]], Cell]:
    observations = Observations()
    (reader or CallReader()).observe([SpanItem(one) for one in spans], observations)
    return {(series.metric, series.labels): cell for series, cell in observations.cells().items()}


CHUNK = SpanEvent(START_NS + 200 * MS, "llm.content.completion.chunk", {})

DIALECTS: dict[str, dict[str, Any]] = {
    "semantic conventions": {
        "name": "chat gpt-4o",
        "kind": CLIENT,
        "attributes": {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-08-06", "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 101,
            "gen_ai.usage.cache_read.input_tokens": 400, "gen_ai.response.finish_reasons": ["stop"],
            "gen_ai.response.time_to_first_chunk": 0.2, "server.address": "api.openai.com",
        },
    },
    "semantic conventions of before": {
        "name": "chat gpt-4o",
        "kind": CLIENT,
        "attributes": {
            "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.prompt_tokens": 1000,
            "gen_ai.usage.completion_tokens": 101, "gen_ai.usage.cache_read_input_tokens": 400,
            "gen_ai.response.finish_reasons": ["stop"],
        },
        "events": (SpanEvent(START_NS + 200 * MS, "gen_ai.first_token", {}),),
    },
    "OpenLLMetry": {
        "name": "openai.chat",
        "kind": CLIENT,
        "attributes": {
            "llm.request.type": "chat", "gen_ai.system": "OpenAI", "gen_ai.request.model": "gpt-4o", "llm.is_streaming": True,
            "gen_ai.usage.prompt_tokens": 1000, "gen_ai.usage.completion_tokens": 101, "llm.usage.total_tokens": 1101,
            "gen_ai.usage.cache_read_input_tokens": 400, "gen_ai.completion.0.finish_reason": "stop",
        },
        "events": (CHUNK, SpanEvent(START_NS + 400 * MS, CHUNK.name, {})),
    },
    "AI SDK of Vercel": {
        "name": "ai.streamText.doStream",
        "kind": SpanKind.INTERNAL,
        "attributes": {
            "ai.operationId": "ai.streamText.doStream", "gen_ai.system": "openai.chat", "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 101, "ai.response.msToFirstChunk": 200.0,
            "gen_ai.usage.cache_read.input_tokens": 400,
        },
    },
    "OpenInference": {
        "name": "ChatCompletion",
        "kind": SpanKind.INTERNAL,
        "attributes": {
            "openinference.span.kind": "LLM", "llm.system": "openai", "llm.provider": "openai", "llm.model_name": "gpt-4o",
            "llm.token_count.prompt": 1000, "llm.token_count.completion": 101, "llm.token_count.total": 1101,
            "llm.token_count.prompt_details.cache_read": 400, "llm.finish_reason": "stop",
        },
        "events": (SpanEvent(START_NS + 200 * MS, "First Token Stream Event", {}),),
    },
    "Langfuse": {
        "name": "answer",
        "kind": SpanKind.INTERNAL,
        "attributes": {
            "langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt-4o",
            "langfuse.observation.usage_details":
                '{"input": 600, "input_cached_tokens": 400, "output": 90, "output_reasoning_tokens": 11, "total": 1101}',
            "langfuse.observation.completion_start_time": f'"{datetime.fromtimestamp(START_NS / 1e9 + 0.2, UTC).isoformat()}"',
        },
    },
    "Langfuse, in a provider's words": {
        "name": "answer",
        "kind": SpanKind.INTERNAL,
        "attributes": {
            "langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt-4o",
            "langfuse.observation.usage_details":
                '{"prompt_tokens": 1000, "completion_tokens": 101, "prompt_tokens_details": {"cached_tokens": 400}}',
            "langfuse.observation.completion_start_time": datetime.fromtimestamp(START_NS / 1e9 + 0.2, UTC).isoformat(),
        },
    },
    "input apart from the cache": {
        "name": "chat",
        "kind": CLIENT,
        "attributes": {
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 300,
            "gen_ai.usage.cache_read_input_tokens": 400, "gen_ai.usage.cache_creation_input_tokens": 300,
            "gen_ai.usage.output_tokens": 1, "gen_ai.usage.reasoning_tokens": 100,
        },
        "events": (SpanEvent(START_NS + 200 * MS, "gen_ai.first_token", {}),),
    },
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_fills_the_metrics(dialect: str) -> None:
    call = span(duration_ns=1200 * MS, **DIALECTS[dialect])
    found = cells(call)
    assert {key: (cell.count, cell.errors, round(cell.sum, 9)) for key, cell in found.items()} == {
        ("llm_requests", ("gpt-4o",)): (1, 0, 1.0),
        ("llm_duration_ms", ("gpt-4o",)): (1, 0, 1200.0),
        ("llm_time_to_first_token_ms", ("gpt-4o",)): (1, 0, 200.0),
        ("llm_time_per_output_token_ms", ("gpt-4o",)): (1, 0, 10.0),
        ("llm_tokens", ("gpt-4o", "input")): (1, 0, 1000.0),
        ("llm_tokens", ("gpt-4o", "output")): (1, 0, 101.0),
        ("llm_cost_usd", ("gpt-4o",)): (1, 0, round((600 * 2.5 + 400 * 1.25 + 101 * 10) / 1e6, 9)),
    }


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 5000},
        {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather"},
        {"ai.operationId": "ai.streamText", "gen_ai.request.model": "gpt-4o", "gen_ai.system": "openai"},
        {"openinference.span.kind": "CHAIN", "llm.token_count.prompt": 5000, "llm.model_name": "gpt-4o"},
        {"openinference.span.kind": "AGENT", "gen_ai.request.model": "gpt-4o", "gen_ai.system": "openai"},
        {"traceloop.span.kind": "workflow", "gen_ai.request.model": "gpt-4o", "gen_ai.system": "openai"},
        {"langfuse.observation.type": "span", "gen_ai.request.model": "gpt-4o", "gen_ai.system": "openai"},
        {"llm.request.type": "rerank", "gen_ai.request.model": "rerank-3"},
        {"gen_ai.operation.name": 7, "openinference.span.kind": ["LLM"]},
        {"http.request.method": "POST", "server.address": "api.openai.com"},
        {"gen_ai.request.model": "gpt-4o"},
    ],
)
def test_agents_chains_tools_and_requests_are_no_calls(attributes: dict[str, Any]) -> None:
    assert cells(span(kind=CLIENT, attributes=attributes)) == {}


def test_what_an_observation_of_langfuse_cost_is_believed_and_bad_json_is_none() -> None:
    attributes = {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "gpt-4o",
        "langfuse.observation.cost_details": '{"input": 0.5, "output": 0.25}',
        "langfuse.observation.usage_details": "{",
        "langfuse.observation.completion_start_time": "soon",
    }
    found = cells(span(attributes=attributes))
    assert found["llm_cost_usd", ("gpt-4o",)].sum == 0.75
    assert ("llm_tokens", ("gpt-4o", "input")) not in found
    assert ("llm_time_to_first_token_ms", ("gpt-4o",)) not in found


def test_embeddings_have_tokens_that_are_read() -> None:
    found = cells(
        span(
            kind=CLIENT,
            attributes={"llm.request.type": "embedding", "gen_ai.request.model": "te-3", "llm.usage.total_tokens": 12},
        )
    )
    assert found["llm_tokens", ("te-3", "input")].sum == 12
    assert ("llm_tokens", ("te-3", "output")) not in found
    assert ("llm_cost_usd", ("te-3",)) not in found, "no price, no cost"


def test_a_failed_call_is_an_error() -> None:
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "error.type": "rate_limit"}
    found = cells(span(kind=CLIENT, status=Status.ERROR, attributes=attributes))
    assert {key: (cell.count, cell.errors) for key, cell in found.items()} == {
        ("llm_requests", ("gpt-4o",)): (1, 1),
        ("llm_duration_ms", ("gpt-4o",)): (1, 1),
    }


def call(span_id: str, parent: str | None = None, **attributes: Any) -> Span:
    known = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", **attributes}
    return span(span_id=span_id.encode() * 8, parent_id=parent and parent.encode() * 8, attributes=known)


def test_a_call_that_an_event_tells_of_does_not_count_and_nothing_inside_it() -> None:
    marked = call("a", **{"drishti.llm_call.event": True})
    assert cells(marked) == {}
    assert cells(marked, call("b", "a")) == {}
    assert cells(call("a", **{"drishti.llm_call.event": False}))["llm_requests", ("gpt-4o",)].count == 1


def test_of_a_call_inside_a_call_the_inner_one_counts() -> None:
    assert cells(call("a"), call("b", "a"), call("c", "a"))["llm_requests", ("gpt-4o",)].count == 2
    reader = CallReader()
    assert cells(call("b", "a"), reader=reader)["llm_requests", ("gpt-4o",)].count == 1
    assert cells(call("a"), reader=reader) == {}, "the outer one comes later"


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.usage.input_tokens": "many", "gen_ai.usage.output_tokens": -5, "gen_ai.response.time_to_first_chunk": 1e9},
        {"gen_ai.usage.input_tokens": float("nan"), "gen_ai.usage.output_tokens": True},
        {"gen_ai.usage.input_tokens": 10**400, "gen_ai.request.model": {"a": 1}},
    ],
)
def test_values_that_cannot_be_are_not_measured(attributes: dict[str, Any]) -> None:
    found = cells(span(kind=CLIENT, attributes={"gen_ai.operation.name": "chat"} | attributes))
    assert {metric for metric, _ in found} == {"llm_requests", "llm_duration_ms"}
    assert {labels for _, labels in found} == {("unknown",)}
