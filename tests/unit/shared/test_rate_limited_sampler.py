"""Some traces each second are followed, each of them whole; an application's variables choose it."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, TraceFlags

from drishti.errors import SettingsError
from drishti.telemetry import setup, spans
from drishti.telemetry.rate_limited_sampler import BURST_S, NAME, REMEMBERED, RateLimitedSampler


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def remote(trace_id: int, *, sampled: bool = True) -> Context:
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else 0)
    return trace.set_span_in_context(NonRecordingSpan(SpanContext(trace_id, 7, True, flags)), Context())


class Process:
    """What a service does: begins spans."""

    def __init__(self, per_s: float) -> None:
        self.clock = Clock()
        self.sampler = RateLimitedSampler(per_s, self.clock)
        self._tracer = TracerProvider(sampler=self.sampler, shutdown_on_exit=False).get_tracer("test")

    def begin(self, context: Context | None = None, links: list[Link] | None = None) -> Span:
        return self._tracer.start_span("x", context=Context() if context is None else context, links=links)

    def kept(self, context: Context | None = None) -> bool:
        return self.begin(context).is_recording()


def test_traces_beyond_the_rate_are_not_followed_and_places_come_again() -> None:
    process = Process(2.0)
    burst = int(2 * BURST_S)
    assert [process.kept(remote(n)) for n in range(10, burst + 12)] == [True] * burst + [False] * 2
    assert not process.sampler.room(True)
    process.clock.now = 1.0
    assert process.sampler.room(True)
    assert [process.kept(remote(n)) for n in (1, 2, 3)] == [True, True, False]
    process.clock.now = 1e6
    assert sum(process.kept(remote(n)) for n in range(100, 200)) == burst, "places are not saved for ever"


def test_traces_that_begin_here_leave_half_of_the_places_to_others() -> None:
    process = Process(10 / BURST_S)  # ten places
    assert sum(process.kept() for _ in range(100)) == 5
    assert (process.sampler.room(False), process.sampler.room(True)) == (False, True)
    assert sum(process.kept(remote(n)) for n in range(1, 100)) == 5
    for _ in range(100):
        process.clock.now += 0.5
        process.kept()
    assert sum(process.kept(remote(n)) for n in range(100, 200)) >= 5


def test_what_another_service_has_decided_takes_no_place() -> None:
    process = Process(0.0)
    assert process.kept(remote(1))
    asked = spans.of_service(f"00-{2:032x}-{3:016x}-01")
    assert process.kept(asked)
    assert process.kept(remote(2)), "and what comes of it is of a trace that is followed"
    assert not process.kept(spans.of_service(f"00-{4:032x}-{3:016x}-00"))
    assert spans.of_service("none") is None


def test_a_trace_that_is_followed_stays_so_and_takes_one_place() -> None:
    process = Process(0.1)
    assert process.kept(remote(5))
    assert [process.kept(remote(n)) for n in (6, 5, 6, 5)] == [False, True, False, True]
    for other in range(100, 100 + REMEMBERED):
        process.clock.now += 100
        assert process.kept(remote(other))
    assert len(process.sampler._followed) == REMEMBERED


def test_children_do_as_their_parent_in_the_process_and_unsampled_traces_stay_so() -> None:
    process = Process(0.1)
    parent = process.begin()
    assert process.kept(trace.set_span_in_context(parent, Context()))
    other = process.begin()
    assert not other.is_recording()
    assert not process.kept(trace.set_span_in_context(other, Context()))
    process.clock.now = 1e3
    assert not process.kept(remote(9, sampled=False))
    assert process.kept(remote(9))


def test_a_batch_is_followed_with_a_trace_of_its_own() -> None:
    process = Process(0.1)
    assert process.kept(remote(5))
    of = trace.get_current_span(remote(5)).get_span_context()
    assert process.begin(links=[Link(of)]).is_recording()
    other = trace.get_current_span(remote(6)).get_span_context()
    assert not process.begin(links=[Link(other)]).is_recording()


def test_tracestate_goes_on_whatever_is_decided() -> None:
    process = Process(0.0)
    for _ in range(2):
        state = trace.TraceState([("a", "b")])
        context = SpanContext(5, 7, True, TraceFlags(1), state)
        began = process.begin(trace.set_span_in_context(NonRecordingSpan(context), Context()))
        assert began.get_span_context().trace_state == state


def test_the_variable_of_the_standard_chooses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert setup._sampler() is None
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", NAME)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "5")
    sampler = setup._sampler()
    assert sampler is not None
    assert sampler.get_description() == "RateLimitedSampler{5}"
    for wrong in ("many", "-1", "nan"):
        monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", wrong)
        with pytest.raises(SettingsError, match="OTEL_TRACES_SAMPLER_ARG"):
            setup._sampler()
