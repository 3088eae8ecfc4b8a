"""W3C Trace Context through an instrumented application: with spans of its own, and where it records none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagators.composite import CompositePropagator

from drishti.asgi import DrishtiMiddleware
from drishti.telemetry import trace_context
from rigs.asgi import Sink, call, empty_answer
from rigs.sdk_spans import Spans
from rigs.trace_contexts import CASES, KEPT, TRACE, Case, check


@pytest.fixture
def installed() -> Iterator[None]:
    before = propagate.get_global_textmap()
    trace_context.install()
    yield
    propagate.set_global_textmap(before)


class Calling:
    """An application that calls three others, as an instrumented client does."""

    def __init__(self) -> None:
        self.handed_on: list[dict[str, str]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        for _ in range(3):
            with trace.get_tracer("client").start_as_current_span("POST", kind=trace.SpanKind.CLIENT):
                headers: dict[str, str] = {}
                propagate.inject(headers)
                self.handed_on.append(headers)
        await empty_answer(scope, receive, send)


async def serve(case: Case) -> Calling:
    app = Calling()
    headers = [(name.lower().encode(), value.encode()) for name, value in case.headers]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    await DrishtiMiddleware(app, sink=Sink())(scope, _nothing, _nowhere)
    return app


async def _nothing() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _nowhere(_message: Any) -> None:
    return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_with_spans(case: Case, spans: Spans, installed: None) -> None:
    app = await serve(case)
    check(case, app.handed_on)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_where_nothing_is_recorded(case: Case, installed: None) -> None:
    app = await serve(case)
    check(case, app.handed_on)
    assert not trace.get_current_span().get_span_context().is_valid


async def test_baggage_goes_on_with_a_trace_that_begins_here(installed: None) -> None:
    app = Calling()
    await call(DrishtiMiddleware(app, sink=Sink()), "/", headers={"baggage": "colour=blue"})
    assert [headers["baggage"] for headers in app.handed_on] == ["colour=blue"] * 3
    assert all(headers["traceparent"].endswith("-02") for headers in app.handed_on)


def test_a_propagator_that_the_application_chose_stays() -> None:
    before = propagate.get_global_textmap()
    try:
        chosen = CompositePropagator([W3CBaggagePropagator()])
        propagate.set_global_textmap(chosen)
        trace_context.install()
        assert propagate.get_global_textmap() is chosen
    finally:
        propagate.set_global_textmap(before)


def test_the_span_of_a_caller_is_not_ours_to_hand_on() -> None:
    context = trace_context.context_from(KEPT, "foo=1")
    assert context is not None
    first, second = trace_context.headers_of(context), trace_context.headers_of(context)
    assert first["traceparent"][:36] == second["traceparent"][:36] == f"00-{TRACE}-"
    assert len({first["traceparent"], second["traceparent"], KEPT}) == 3
    assert first["tracestate"] == "foo=1"
    assert trace_context.headers_of() == {}


def test_who_changes_a_member_keeps_those_of_others() -> None:
    others = "1st=a,foo@@bar=b"
    remote = trace_context.parse([KEPT], [f"{others},ot=old"])
    assert remote is not None
    state = remote.trace_state
    assert state.update("ot", "new").to_header() == f"ot=new,{others}"
    assert state.delete("ot").to_header() == others
    assert state.delete("ot").add("ot", "first").to_header() == f"ot=first,{others}"
    assert (
        state.add("ot", "second")
        is state.update("no key", "1")
        is state.update("ot", "a,b")
        is state.delete("missing")
        is state
    )

    full = trace_context.parse([KEPT], [",".join(f"k{n}={n}" for n in range(trace_context.MAX_MEMBERS))])
    assert full is not None
    assert full.trace_state.add("one", "more") is full.trace_state
    assert full.trace_state.update("k31", "new").to_header().startswith("k31=new,k0=0,")
