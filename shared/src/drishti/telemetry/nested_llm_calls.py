"""Spans that an instrumentation of a model's client makes inside ``drishti.llm_call``: the same call, which counts once."""

from __future__ import annotations

import weakref
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span, SpanProcessor

from drishti.messages.attributes import GEN_AI_OPERATION, LLM_CALL_EVENT
from drishti.telemetry.spans import WITHIN_LLM_CALL

_CALLS = (GEN_AI_OPERATION, "gen_ai.system", "llm.request.type", "openinference.span.kind")
_OURS = "drishti."

_marked: weakref.WeakSet[Any] = weakref.WeakSet()


class NestedLlmCalls(SpanProcessor):
    """Marks such spans as they start: analytics draws no metrics from them."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if not otel_context.get_value(WITHIN_LLM_CALL, parent_context):
            return
        scope, known = span.instrumentation_scope, span.attributes or {}
        if any(name in known for name in _CALLS) and not (scope is not None and scope.name.startswith(_OURS)):
            span.set_attribute(LLM_CALL_EVENT, True)


def mark() -> None:
    """Has the spans of this process's provider marked, once; there may be none, or one of another kind."""
    provider: Any = trace.get_tracer_provider()
    if hasattr(provider, "add_span_processor") and provider not in _marked:
        _marked.add(provider)
        provider.add_span_processor(NestedLlmCalls())
