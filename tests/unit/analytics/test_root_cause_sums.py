"""Sums of root causes: merged as if added together, in any order; written and read back."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.spans.root_cause import sums as module
from analytics.spans.root_cause.records import LogRecord
from analytics.spans.root_cause.sums import Sums, merged
from analytics.spans.span import Span
from analytics.spans.trace import assemble
from rigs.small_system import Endpoint, request
from rigs.span_trees import span

STOCK = Endpoint("stock", "GET /stock", ("looking", "counted"))
ENTRIES = (
    Endpoint("gateway", "POST /buy", (Endpoint("order", "POST /order", ("received", STOCK, STOCK, "placed")),)),
    Endpoint("gateway", "GET /look", (STOCK,), error="Timeout"),
)
_DRAWN = random.Random(11)
TRACES = [request(number, ENTRIES[number % 2], _DRAWN) for number in range(1, 13)]


def content(found: Sums) -> dict[str, Any]:
    """Everything in it; what is added up as floats depends on the order in the last digits."""
    return {
        "traces": found.traces,
        "overflow": found.overflow,
        "steps": {
            step: (each.calls, pytest.approx(each.ms), pytest.approx(each.log), pytest.approx(each.log2))
            for step, each in found.steps.items()
        },
        "transitions": found.transitions,
        "sequences": found.sequences,
        "calls": found.calls,
        "gauges": {gauge: (each.samples, pytest.approx(each.total), each.highest) for gauge, each in found.gauges.items()},
        "lines": found.lines,
    }


def same(one: Sums, other: Sums) -> bool:
    plain = {
        "steps": {step: (each.calls, each.ms, each.log, each.log2) for step, each in one.steps.items()},
        "gauges": {gauge: (each.samples, each.total, each.highest) for gauge, each in one.gauges.items()},
    }
    return bool(content(other) == content(one) | plain)


def added(traces: list[tuple[list[Span], list[LogRecord]]]) -> Sums:
    found = Sums()
    for number, (spans, logs) in enumerate(traces):
        found.add_trace(assemble(spans), logs)
        found.add_gauge("order", "cpu", number)
    return found


@given(st.permutations(range(len(TRACES))), st.lists(st.integers(0, 12), min_size=2, max_size=2))
def test_merged_is_as_added_together_in_any_order(order: list[int], cuts: list[int]) -> None:
    first, second = sorted(cuts)
    whole = Sums()
    for number, (spans, logs) in enumerate(TRACES):
        whole.add_trace(assemble(spans), logs)
        whole.add_gauge("order", "cpu", number)
    parts = []
    for chosen in (order[:first], order[first:second], order[second:]):
        part = Sums()
        for number in chosen:
            spans, logs = TRACES[number]
            part.add_trace(assemble(spans[::-1]), logs[::-1])
            part.add_gauge("order", "cpu", number)
        parts.append(part)
    assert same(merged(parts), whole)


def test_written_and_read_back_it_is_the_same() -> None:
    found = added(TRACES)
    assert same(Sums.decode(found.encode()), found)
    assert same(Sums.decode(Sums().encode()), Sums())


@pytest.mark.parametrize("data", [b"", b"no sums", Sums().encode()[:-3], module.zlib.compress(b"\x90")])
def test_what_is_no_sum_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="these are no sums of root causes"):
        Sums.decode(data)


def test_what_is_beyond_the_bounds_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAX_STEPS", "MAX_TRANSITIONS", "MAX_GAUGES", "MAX_CALLS"):
        monkeypatch.setattr(module, name, 1)
    found = added(TRACES)
    assert (len(found.steps), len(found.transitions), len(found.gauges), len(found.calls)) == (1, 1, 1, 1)
    assert found.overflow > 0
    assert same(Sums.decode(found.encode()), found)


def test_a_trace_of_many_different_steps_keeps_a_bounded_course() -> None:
    count = 2 * module.MAX_PASSED
    spans = [span(1, None, 0, count), *(span(n, 1, n, n + 1, name=f"step {n}") for n in range(2, count))]
    found = Sums()
    found.add_trace(assemble(spans))
    (passed,) = found.sampled().values()
    assert len(passed) == module.MAX_PASSED
    assert same(Sums.decode(found.encode()), found)


def test_the_same_traces_are_sampled_however_they_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SEQUENCES", 3)
    whole, halves = added(TRACES), merged([added(TRACES[:5]), added(TRACES[5:])])
    assert set(whole.sampled()) == set(halves.sampled())
    assert len(whole.sampled()) == 3
    assert len(whole.sequences) <= 6
    assert len(Sums.decode(whole.encode()).sequences) == 3


def test_log_records_of_a_span_that_is_missing_count_too() -> None:
    spans, logs = TRACES[0]
    found = Sums()
    found.add_trace(assemble(spans[-1:]), logs)
    assert any(origin[:3] == ("stock", "", "logs") for origin, _ in found.transitions)
