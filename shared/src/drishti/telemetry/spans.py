"""Spans of Drishti's own work, and the ``traceparent`` that carries their context through messages."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode

from drishti.messages.attributes import ERROR_TYPE
from drishti.telemetry import trace_context

MAX_LINKS = 32
"""Links that a batch span keeps; more make the span costly and no easier to read."""

WITHIN_LLM_CALL = "drishti.within_llm_call"
"""Key of the context that is set inside of ``drishti.llm_call``."""

_NO_PROVIDERS = (trace.ProxyTracerProvider, trace.NoOpTracerProvider)

_tracer = trace.get_tracer("drishti")


def enabled() -> bool:
    """Whether spans of this process go anywhere."""
    return not isinstance(trace.get_tracer_provider(), _NO_PROVIDERS)


def may_follow(*, begun_elsewhere: bool) -> bool:
    """Whether a trace that begins in this process now, or that comes in, may be kept. Cheap: it is asked before a span is
    made of a request."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, _NO_PROVIDERS):
        return False
    room = getattr(getattr(provider, "sampler", None), "room", None)  # that of RateLimitedSampler
    return room is None or bool(room(begun_elsewhere))


def extract(traceparent: str | None, tracestate: str | None = None) -> Context | None:
    """The context that a message came with; ``None`` where there is none or it is malformed."""
    return trace_context.context_from(traceparent, tracestate)


def of_service(traceparent: str | None, tracestate: str | None = None) -> Context | None:
    """The same, from another of Drishti's services: whether the trace is followed is decided there, as by a parent in this
    process."""
    context = extract(traceparent, tracestate)
    if context is None:
        return None
    of = trace.get_current_span(context).get_span_context()
    near = SpanContext(of.trace_id, of.span_id, False, of.trace_flags, of.trace_state)
    return trace.set_span_in_context(trace_context.RemoteSpan(near), Context())


def sampled(traceparent: str | None) -> bool:
    """Whether ``traceparent`` belongs to a trace that is kept. Cheap: only the flags are read."""
    return traceparent is not None and len(traceparent) == 55 and traceparent[54] in "13579bdf"


def traceparent_of(span: Span) -> str | None:
    """The ``traceparent`` for what ``span`` causes; ``None`` where the span is not kept."""
    context = span.get_span_context()
    if not context.is_valid or not context.trace_flags.sampled:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def current_traceparent() -> str | None:
    """The ``traceparent`` of the span that is current here; ``None`` without one that is kept."""
    return traceparent_of(trace.get_current_span())


def links(traceparents: Sequence[str | None]) -> list[Link]:
    """Links to the kept traces among ``traceparents``, at most :data:`MAX_LINKS`."""
    kept: list[Link] = []
    for traceparent in traceparents:
        if len(kept) == MAX_LINKS:
            break
        if sampled(traceparent) and (parent := extract(traceparent)) is not None:
            kept.append(Link(trace.get_current_span(parent).get_span_context()))
    return kept


@contextlib.contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: Context | None = None,
    links: Sequence[Link] = (),
    attributes: Mapping[str, Any] | None = None,
) -> Iterator[Span]:
    """A current span. An exception that passes through is recorded by its type alone: messages may hold content."""
    started = _tracer.start_span(name, context=parent, kind=kind, links=links, attributes=attributes)
    token = otel_context.attach(trace.set_span_in_context(started, parent))
    try:
        yield started
    except BaseException as error:
        record_error(started, error)
        raise
    finally:
        otel_context.detach(token)
        started.end()


def record_error(span: Span, error: BaseException) -> None:
    """Marks ``span`` as failed with the error's type; never its message."""
    if span.is_recording():
        name = type(error).__qualname__
        span.set_attribute(ERROR_TYPE, name)
        span.set_status(Status(StatusCode.ERROR, name))
