"""Calls to language models out of spans, whichever dialect they speak. Pure.

Four dialects are understood: the semantic conventions of OpenTelemetry for generative AI, those of before included;
OpenLLMetry (``llm.request.type``, ``llm.usage.*``); OpenInference (``openinference.span.kind``, ``llm.token_count.*``); and
Langfuse (:mod:`analytics.spans.langfuse`).

What counts once
----------------
- A span counts if it is a call of a model: a chat, a completion, generated content, embeddings. Spans of agents, chains, tools
  and workflows do not, whatever tokens they sum up.
- A span marked :data:`~drishti.messages.attributes.LLM_CALL_EVENT` does not: an event of the type ``llm_call`` tells of it, and
  that is exact also where only some traces are kept.
- Of a call inside a call, as where a framework and the client below it are both instrumented, the inner one counts, if both
  reach the same replica. Inside a marked call nothing counts.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence

from analytics.rollup.observations import LABEL_LENGTH, UNKNOWN, Observations, number
from analytics.spans import conventions, langfuse
from analytics.spans.conventions import Names, text
from analytics.spans.llm_calls import LlmCall, observe_calls
from analytics.spans.llm_prices import with_cost
from analytics.spans.operations import model_name
from analytics.spans.red import SpanItem
from analytics.spans.span import Attributes, Span, SpanKind
from drishti.messages.attributes import LLM_CALL_EVENT

MAX_REMEMBERED = 20_000
"""Calls whose parents are remembered."""

_CALLS = frozenset(
    {
        "chat", "text_completion", "generate_content", "embeddings", "completion", "embedding", "responses", "message",
        "messages", "acompletion", "atext_completion", "aembedding", "aresponses", "anthropic_messages",
    }
)  # fmt: skip
"""Operations that are calls of a model, by the conventions, by OpenLLMetry and by LiteLLM."""

_INNER_CALLS = ("doGenerate", "doStream", "doEmbed")
"""How ids of operations end (``ai.operationId``) by which the AI SDK of Vercel asks a model; the others are around these."""

_OPENINFERENCE = frozenset({"LLM", "EMBEDDING"})

INPUT: Names = (
    "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens", "llm.token_count.prompt",
)  # fmt: skip
OUTPUT: Names = (
    "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens",
    "llm.token_count.completion",
)  # fmt: skip
TOTAL: Names = ("llm.usage.total_tokens", "gen_ai.usage.total_tokens", "llm.token_count.total")
CACHED: Names = (
    "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens", "llm.usage.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read",
)  # fmt: skip
CACHE_WRITE: Names = (
    "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens",
    "llm.usage.cache_creation_input_tokens", "llm.token_count.prompt_details.cache_write",
)  # fmt: skip
REASONING: Names = (
    "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens", "llm.usage.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
)  # fmt: skip
ANSWERED_BY: Names = ("gen_ai.response.model", "llm.response.model_name", "llm.response.model")
COST: Names = ("drishti.llm_call.cost_usd", "gen_ai.usage.cost", "llm.cost.total")
FIRST_TOKEN_S: Names = (
    "gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token", "gen_ai.latency.time_to_first_token",
)  # fmt: skip
"""In seconds."""

FIRST_TOKEN_MS: Names = ("drishti.llm_call.time_to_first_token_ms", "ai.response.msToFirstChunk")
FIRST_TOKEN_EVENTS = frozenset(
    {
        "First Token Stream Event", "first_token", "gen_ai.first_token", "gen_ai.first_chunk",
        "gen_ai.content.completion.chunk", "llm.content.completion.chunk", "ai.stream.firstChunk",
    }
)  # fmt: skip
"""Names of events at the first part of an answer, or at every part."""


class CallReader:
    """Finds the calls of models among spans; remembers those whose parent may be a call too."""

    def __init__(self) -> None:
        self._parents: OrderedDict[bytes, None] = OrderedDict()

    def observe(self, items: Sequence[SpanItem], observations: Observations) -> None:
        """What the calls among ``items`` come to, in the seconds of their starts."""
        found = [item for item in items if _is_llm_call(item.body)]
        if not found:
            return
        marked = {_place(item, item.body.span_id) for item in found if _is_marked(item.body)}
        for item in found:
            span: Span = item.body
            if span.parent_id is not None:
                self._remember(_place(item, span.parent_id))
        seconds: defaultdict[tuple[str, int], list[LlmCall]] = defaultdict(list)
        for item in found:
            span = item.body
            inside = span.parent_id is not None and _place(item, span.parent_id) in marked
            if not _is_marked(span) and not inside and _place(item, span.span_id) not in self._parents:
                seconds[item.tenant, item.second].append(read_call(span))
        for (tenant, second), calls in seconds.items():
            observe_calls(calls, observations, tenant, second)

    def _remember(self, place: bytes) -> None:
        self._parents[place] = None
        if len(self._parents) > MAX_REMEMBERED:
            self._parents.popitem(last=False)


def _place(item: SpanItem, span_id: bytes) -> bytes:
    trace_id: bytes = item.body.trace_id
    return item.tenant.encode() + trace_id + span_id


def _is_marked(span: Span) -> bool:
    return span.attributes.get(LLM_CALL_EVENT) is True


def _is_llm_call(span: Span) -> bool:
    return is_call(span) if span.derived is None else span.derived.is_llm_call


def is_call(span: Span) -> bool:
    """Whether ``span`` is a call of a model, marked or not."""
    get = span.attributes.get
    operation = get("gen_ai.operation.name")
    if operation is None:
        operation = get("llm.request.type")
    if operation is not None:
        return type(operation) is str and operation.lower() in _CALLS
    kind = get("openinference.span.kind")
    if kind is not None:
        return type(kind) is str and kind.upper() in _OPENINFERENCE
    kind = get(langfuse.TYPE)
    if kind is not None:
        return type(kind) is str and kind.lower() in langfuse.CALLS
    if get("gen_ai.request.model") is None or get("traceloop.span.kind") is not None:
        return False
    inner = get("ai.operationId")
    if inner is not None:
        return type(inner) is str and inner.endswith(_INNER_CALLS)
    # conventions of before there were names of operations: a client's span that says which model it asked
    return span.kind is SpanKind.CLIENT and text(span.attributes, conventions.GEN_AI_SYSTEM) is not None


def read_call(span: Span) -> LlmCall:
    """What the span of a call says."""
    attributes = span.attributes
    asked, answered = text(attributes, conventions.GEN_AI_MODEL), text(attributes, ANSWERED_BY)
    duration_ms = span.duration_ns / 1e6
    said = langfuse.usage_of(attributes) if langfuse.USAGE in attributes else langfuse.Usage()
    read, written = _amount(attributes, INPUT, said.input_tokens), _amount(attributes, OUTPUT, said.output_tokens)
    if read is None and written is None:
        read = _amount(attributes, TOTAL) if is_embedding(attributes) else None
    cached, cache_write = (
        _amount(attributes, CACHED, said.cached_tokens),
        _amount(attributes, CACHE_WRITE, said.cache_write_tokens),
    )
    reasoning = _amount(attributes, REASONING, said.reasoning_tokens)
    if read is not None and (beside := (cached or 0.0) + (cache_write or 0.0)) > read:
        read += beside  # some count only what was not in a cache
    if written is not None and reasoning is not None and reasoning > written:
        written += reasoning
    call = LlmCall(
        model=model_name(asked or answered or UNKNOWN)[:LABEL_LENGTH],
        failed=span.is_error,
        duration_ms=duration_ms,
        first_token_ms=_first_token_ms(span, duration_ms),
        input_tokens=read,
        output_tokens=written,
        cached_tokens=cached,
        cache_write_tokens=cache_write,
        reasoning_tokens=reasoning,
        cost_usd=_amount(attributes, COST, langfuse.cost_usd(attributes)),
    )
    return with_cost(call, *(name for name in (answered, asked) if name is not None))


def is_embedding(attributes: Attributes) -> bool:
    """Whether a call asks for embeddings."""
    return (text(attributes, conventions.GEN_AI_OPERATION) or "").lower().startswith("embedding")


def _first_token_ms(span: Span, duration_ms: float) -> float | None:
    """From the start of the call to the first part of its answer."""
    first = _amount(span.attributes, FIRST_TOKEN_MS)
    if first is None and (seconds := _amount(span.attributes, FIRST_TOKEN_S)) is not None:
        first = seconds * 1000
    if first is None:
        first = langfuse.first_token_ms(span)
    if first is None and span.events:
        times = _first_tokens(span)
        first = None if not times else (min(times) - span.start_ns) / 1e6
    return first if first is not None and 0 <= first <= duration_ms else None


def _first_tokens(span: Span) -> list[int]:
    """The times of parts of the answer. An event with a whole answer is none, unless there are several."""
    times = [event.time_ns for event in span.events if event.name in FIRST_TOKEN_EVENTS]
    if times:
        return times
    parts = [event.time_ns for event in span.events if event.name == "gen_ai.content.completion"]
    return parts if len(parts) > 1 else []


def _amount(attributes: Attributes, names: Iterable[str], otherwise: float | None = None) -> float | None:
    """The first of ``names`` that has a number, which is not below zero; ``otherwise`` where none has."""
    for name in names:
        value = attributes.get(name)
        if value is None:
            continue
        amount = number(value)
        if amount is not None and amount >= 0:
            return amount
        if type(value) is str and value.isascii() and value.isdigit() and len(value) < 16:
            return float(value)
    return otherwise
