"""W3C Trace Context, level 2, as it is written: what a request's headers say, and what goes on to whom it calls.

OpenTelemetry's own propagator takes the first of several ``traceparent`` headers, where the specification wants the trace
restarted, and follows level 1 in ``tracestate``: it throws the whole of it away where a key has an ``@`` in another place than
between tenant and system, begins with a digit, or appears twice. :func:`install` puts this one in its place.

https://www.w3.org/TR/trace-context-2/
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.propagators import textmap
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

TRACEPARENT, TRACESTATE = "traceparent", "tracestate"

MAX_TRACEPARENT = 512
"""Characters; version 00 has 55, and later versions only add to it."""

MAX_MEMBERS = 32

_WHITESPACE = " \t"
_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})(?P<parent>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})"
    r"(?P<more>-.*)?"
)
_KEY = r"[a-z0-9][a-z0-9_\-*/@]{0,255}"
_VALUE = r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
_MEMBER = re.compile(f"({_KEY})=({_VALUE})")

_RANDOM = random.SystemRandom()


class RemoteSpan(NonRecordingSpan):
    """The span of whoever called, of which this process records nothing itself.

    What is called while it is the current one gets a parent id of its own each time, as the specification asks of everybody
    who passes a trace on.
    """


class _State(TraceState):
    """Members that were checked here: OpenTelemetry's class refuses keys that level 2 allows, and would drop those of others
    where a sampler or an application changes one of its own."""

    def __init__(self, members: dict[str, str]) -> None:
        super().__init__()
        self._dict = members

    def add(self, key: str, value: str) -> TraceState:
        return self if key in self else self.update(key, value)

    def update(self, key: str, value: str) -> TraceState:
        if _MEMBER.fullmatch(f"{key}={value}") is None or (key not in self and len(self) >= MAX_MEMBERS):
            return self
        return _State({key: value, **self._without(key)})

    def delete(self, key: str) -> TraceState:
        return _State(self._without(key)) if key in self else self

    def _without(self, key: str) -> dict[str, str]:
        return {name: value for name, value in self.items() if name != key}


def parse(traceparents: Sequence[str], tracestates: Sequence[str] = ()) -> SpanContext | None:
    """What the headers say, each given once for each time that the request has it; ``None``: a new trace begins."""
    if len(traceparents) != 1 or len(traceparents[0]) > MAX_TRACEPARENT:
        return None
    match = _TRACEPARENT.fullmatch(traceparents[0].strip(_WHITESPACE))
    if match is None or (match["version"] == "00" and match["more"]):
        return None
    known = TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID if match["version"] == "00" else TraceFlags.SAMPLED
    flags = TraceFlags(int(match["flags"], 16) & known)
    return SpanContext(int(match["trace"], 16), int(match["parent"], 16), True, flags, _state(tracestates))


def _state(headers: Sequence[str]) -> TraceState:
    """The members of all headers in their order, of a key that appears again the first, which is the newest; none at all where
    one is wrong or there are too many."""
    texts = [text for header in headers for member in header.split(",") if (text := member.strip(_WHITESPACE))]
    if len(texts) > MAX_MEMBERS:
        return TraceState()
    members: dict[str, str] = {}
    for text in texts:
        match = _MEMBER.fullmatch(text)
        if match is None:
            return TraceState()
        members.setdefault(match[1], match[2])
    return _State(members) if members else TraceState()


def context_of(headers: Iterable[tuple[bytes, bytes]]) -> Context | None:
    """The context that a request came with, by its headers as ASGI has them; ``None`` where a new trace begins."""
    traceparents, tracestates = [], []
    for name, value in headers:
        key = name.lower()
        if key == b"traceparent":
            traceparents.append(value.decode("latin-1"))
        elif key == b"tracestate":
            tracestates.append(value.decode("latin-1"))
    return _context(parse(traceparents, tracestates)) if traceparents else None


def context_from(traceparent: str | None, tracestate: str | None = None) -> Context | None:
    """The same, of one header each."""
    return None if traceparent is None else _context(parse([traceparent], [tracestate] if tracestate else ()))


def _context(remote: SpanContext | None) -> Context | None:
    return None if remote is None else trace.set_span_in_context(RemoteSpan(remote), Context())


def new_trace(context: Context | None = None) -> Context:
    """``context`` with a trace that begins here and of which nothing is recorded here."""
    flags = TraceFlags(TraceFlags.RANDOM_TRACE_ID)
    root = SpanContext(_RANDOM.randrange(1, 1 << 128), _span_id(), False, flags)
    return trace.set_span_in_context(RemoteSpan(root), Context() if context is None else context)


def headers_of(context: Context | None = None) -> dict[str, str]:
    """The headers of a message or request that the current span causes, or that of ``context``; empty where there is none."""
    span = trace.get_current_span(context)
    of = span.get_span_context()
    if not of.is_valid:
        return {}
    span_id = _span_id() if isinstance(span, RemoteSpan) else of.span_id
    headers = {TRACEPARENT: f"00-{of.trace_id:032x}-{span_id:016x}-{of.trace_flags:02x}"}
    if of.trace_state:
        headers[TRACESTATE] = of.trace_state.to_header()
    return headers


def _span_id() -> int:
    return _RANDOM.randrange(1, 1 << 64)


class TraceContextPropagator(textmap.TextMapPropagator):
    """Trace Context for everything that propagates by OpenTelemetry's API."""

    def extract(
        self,
        carrier: textmap.CarrierT,
        context: Context | None = None,
        getter: textmap.Getter[textmap.CarrierT] = textmap.default_getter,
    ) -> Context:
        context = Context() if context is None else context
        remote = parse(getter.get(carrier, TRACEPARENT) or (), getter.get(carrier, TRACESTATE) or ())
        return context if remote is None else trace.set_span_in_context(RemoteSpan(remote), context)

    def inject(
        self,
        carrier: textmap.CarrierT,
        context: Context | None = None,
        setter: textmap.Setter[textmap.CarrierT] = textmap.default_setter,
    ) -> None:
        for name, value in headers_of(context).items():
            setter.set(carrier, name, value)

    @property
    def fields(self) -> set[str]:
        return {TRACEPARENT, TRACESTATE}


def install() -> None:
    """Makes this the process's propagator of Trace Context in place of OpenTelemetry's; others, as of baggage, stay."""
    current = propagate.get_global_textmap()
    parts = current._propagators if isinstance(current, CompositePropagator) else [current]
    replaced = [TraceContextPropagator() if type(part) is TraceContextTextMapPropagator else part for part in parts]
    if replaced != list(parts):
        propagate.set_global_textmap(CompositePropagator(replaced))
