"""Which operation to mend: shares on the critical path, what would be gained, calls that could be fewer or at once."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.spans.bottleneck_walks import bottlenecks
from analytics.spans.bottlenecks import (
    MAX_CONTRIBUTIONS,
    MAX_ROOTS,
    OTHER,
    Bottlenecks,
    Part,
    RootSums,
    merged,
)
from analytics.spans.call_patterns import Operation, Pattern, PatternKind, find_patterns
from analytics.spans.critical_path import critical_path
from analytics.spans.span import Span, SpanKind
from analytics.spans.trace import assemble, assemble_all
from analytics.traces.hour_sums import bottlenecks_of
from rigs.span_trees import BEGIN_NS, span

CLIENT, SERVER, PRODUCER, CONSUMER = SpanKind.CLIENT, SpanKind.SERVER, SpanKind.PRODUCER, SpanKind.CONSUMER
MINUTE = 60_000_000_000
MS = 1_000_000
ASK = Operation("shop", "POST /ask", int(SERVER))


def ask(trace: int, end: int, *below: Span, start: int = 0) -> list[Span]:
    return [span(1, None, start, end, name="POST /ask", kind=SERVER, trace=trace), *below]


def sums(spans: list[Span]) -> Bottlenecks:
    return merged(bottlenecks(assemble_all(spans)).values())


def of_ask(spans: list[Span]) -> RootSums:
    return sums(spans).roots[ASK]


def part(name: str, kind: SpanKind = SpanKind.INTERNAL, waiting: bool = False) -> Part:
    return Part(Operation("shop", name, int(kind)), waiting)


def test_own_time_on_the_path_adds_up_to_the_time_of_the_roots() -> None:
    found = of_ask(
        ask(1, 1000, span(2, 1, 100, 700, name="llm.generate", trace=1), span(3, 1, 100, 300, name="cache", trace=1))
        + ask(2, 2000, span(2, 1, 0, 1800, name="llm.generate", trace=2))
    )
    assert found.durations.total_ns == sum(said.path_ns for said in found.parts.values()) == 3000
    llm = found.parts[part("llm.generate")]
    assert (llm.spans, llm.traces, llm.total_ns, llm.path_ns) == (2, 2, 2400, 2400)
    assert llm.example == (1800, (2).to_bytes(16, "big"))
    cache = found.parts[part("cache")]
    assert (cache.spans, cache.traces, cache.total_ns, cache.path_ns) == (1, 0, 200, 0)
    assert found.slowest == [(2000, (2).to_bytes(16, "big")), (1000, (1).to_bytes(16, "big"))]


def test_what_waits_in_a_queue_is_a_part_of_its_own() -> None:
    found = of_ask(
        ask(1, 1000, span(2, 1, 0, 10, kind=PRODUCER, trace=1), span(3, 2, 400, 900, name="draw", kind=CONSUMER, trace=1))
    )
    assert found.parts[part("draw", CONSUMER, waiting=True)].path_ns == 390
    assert found.parts[part("draw", CONSUMER)].path_ns == 500


def test_the_gain_of_half_the_time_ends_where_something_beside_is_waited_for() -> None:
    alone = of_ask(ask(1, 1000, span(2, 1, 0, 800, name="slow", trace=1)))
    assert alone.parts[part("slow")].gain_ns == 400
    beside = of_ask(ask(1, 1000, span(2, 1, 0, 800, name="slow", trace=1), span(3, 1, 0, 700, name="other", trace=1)))
    assert beside.parts[part("slow")].gain_ns == 100
    below = of_ask(
        ask(
            1,
            1000,
            span(2, 1, 0, 800, name="branch", trace=1),
            span(4, 2, 0, 780, name="slow", trace=1),
            span(3, 1, 0, 700, name="other", trace=1),
        )
    )
    assert below.parts[part("slow")].gain_ns == 100
    after = of_ask(ask(1, 1000, span(2, 1, 0, 400, name="first", trace=1), span(3, 1, 400, 1000, name="slow", trace=1)))
    assert after.parts[part("slow")].gain_ns == 300


def test_a_handler_beside_the_call_that_it_waits_for_takes_nothing_of_the_gain() -> None:
    handler, fetch = span(2, 1, 10, 905, name="handle", trace=1), span(3, 1, 20, 910, name="GET api", kind=CLIENT, trace=1)
    found = of_ask(ask(1, 1000, handler, fetch))
    assert found.parts[part("GET api", CLIENT)].gain_ns == 445
    parallel = span(2, 1, 10, 905, name="GET other", kind=CLIENT, trace=1)
    assert of_ask(ask(1, 1000, parallel, fetch)).parts[part("GET api", CLIENT)].gain_ns == 5


def test_parts_of_traces_count_where_a_service_is_called_first() -> None:
    found = sums(
        [
            span(5, 99, 0, 10, kind=SERVER, name="GET /part"),
            span(6, 98, 0, 10, kind=SpanKind.INTERNAL, name="inner"),
            span(7, 97, 0, 10, kind=CONSUMER, name="process"),
        ]
    )
    assert {root.operation for root in found.roots} == {"GET /part", "process"}
    assert (found.seen, found.walked) == (1, 1)


def test_a_sample_counts_for_what_it_stands_for_beside_minutes_that_are_whole() -> None:
    """One minute is whole and fast, of the other, which is slow, one of ten traces was walked: there are as many of both."""
    quick = [one for trace in range(1, 101) for one in ask(trace, 100)]
    slow = [one for trace in range(101, 111) for one in ask(trace, 1000)]
    whole, sample = sums(quick), sums(slow)
    minutes = [(1, whole.encode()), (10, sample.encode())]
    found = bottlenecks_of(minutes)
    assert (found.seen, found.walked, found.missing) == (200, 110, 10 * 10 * 9)
    asked = found.roots[ASK]
    assert asked.durations.calls == 200
    assert asked.durations.total_ns == 100 * 100 + 100 * 1000
    assert sum(count for count, _ in asked.steps.values()) == 200
    assert asked.parts[Part(ASK)].path_ns == asked.durations.total_ns
    assert asked.parts[Part(ASK)].spans == 200
    assert bottlenecks_of([(1, found.encode())]) == found, "an hour of such minutes says the same"
    assert bottlenecks_of(reversed(minutes)).roots[ASK].durations == asked.durations


def test_sums_without_a_sample_are_stored_as_earlier_versions_read_them() -> None:
    assert len(msgspec.msgpack.decode(sums(ask(1, 100)).encode())) == 4


def test_a_trace_counts_in_the_minute_of_its_root() -> None:
    late = ask(2, MINUTE + 10, span(2, 1, MINUTE + 1, MINUTE + 5, trace=2), start=MINUTE)
    found = bottlenecks(assemble_all(ask(1, 2 * MINUTE, span(2, 1, MINUTE, MINUTE + 5, trace=1)) + late))
    assert {minute - BEGIN_NS // MINUTE: said.seen for minute, said in found.items()} == {0: 1, 1: 1}


def patterns(*spans: Span) -> list[Pattern]:
    trace = assemble(spans)
    path = critical_path(trace)
    return list(find_patterns(trace, path, [position for position, _ in trace.walk()]))


def sql(number: int, start: int, end: int, statement: str = "SELECT", **more: Any) -> Span:
    return span(
        number, 1, start, end, name=f"{statement} items", kind=CLIENT,
        attributes={"db.system": "postgresql", "db.operation": statement}, **more,
    )  # fmt: skip


ROOT = span(1, None, 0, 1000, name="GET /cart", kind=SERVER)


def test_one_query_for_each_item_is_repeated() -> None:
    (found,) = patterns(ROOT, *[sql(n, 50 * n, 50 * n + 40) for n in range(2, 12)])
    assert (found.kind, found.callees[0].operation, found.calls) == (PatternKind.REPEATED, "SELECT items", 10)
    assert (found.total_ns, found.gain_ns) == (400, 360)


def test_four_queries_or_those_at_once_are_not_repeated() -> None:
    assert not patterns(ROOT, *[sql(n, 200 * (n - 2), 200 * (n - 2) + 40) for n in range(2, 6)])
    assert not patterns(ROOT, *[sql(n, 100 + n, 900 - n) for n in range(2, 12)])


def test_attempts_that_failed_are_no_repetition() -> None:
    assert not patterns(ROOT, *[sql(n, 100 * (n - 1), 100 * (n - 1) + 90, error=n < 8) for n in range(2, 9)])


def test_what_is_called_because_another_call_failed_could_not_be_made_at_once() -> None:
    large, small = call(2, 0, 400, "chat large"), call(3, 400, 900, "chat small")
    assert [one.kind for one in patterns(ROOT, large, small)] == [PatternKind.SERIAL]
    assert not patterns(ROOT, large, small, span(4, 2, 10, 390, name="stream", error=True))


def test_a_model_that_writes_again_and_again_is_no_repetition_but_embeddings_are() -> None:
    chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
    embeddings = {"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "te-3"}
    for attributes, kinds in ((chat, []), (embeddings, [PatternKind.REPEATED])):
        asked = [span(n, 1, 100 * n, 100 * n + 50, name="ask", kind=CLIENT, attributes=attributes) for n in range(2, 9)]
        assert [one.kind for one in patterns(ROOT, *asked)] == kinds


def test_transactions_and_asking_until_it_is_done_are_no_repetition() -> None:
    assert not patterns(ROOT, *[sql(n, 100 * (n - 2), 100 * (n - 2) + 50, "SAVEPOINT") for n in range(2, 10)])
    root = span(1, None, 0, 10_000 * MS, kind=SERVER)
    asked = [span(n, 1, 1000 * n * MS, (1000 * n + 40) * MS, name="GET job/{id}", kind=CLIENT) for n in range(2, 9)]
    assert not patterns(root, *asked)


def test_a_loop_could_have_its_rounds_at_once_and_what_is_repeated_needs_the_list_before_it() -> None:
    body = [call(n, 100 * n - 200, 100 * n - 100, "GET item" if n % 2 == 0 else "GET price") for n in range(2, 10)]
    (found,) = patterns(ROOT, *body)
    assert (found.kind, found.calls, found.total_ns, found.gain_ns) == (PatternKind.SERIAL, 8, 800, 600)
    listed = call(20, 0, 200, "GET list")
    items = [call(n, 100 * n, 100 * n + 100, "GET item") for n in range(2, 8)]
    assert [(one.kind, one.callees[0].operation) for one in patterns(ROOT, listed, *items)] == [
        (PatternKind.REPEATED, "GET item")
    ]


def test_a_wrapper_around_each_query_does_not_hide_the_repetition() -> None:
    wrappers = [span(n, 1, 50 * n, 50 * n + 40, name="resolve item") for n in range(2, 12)]
    queries = [span(100 + n, n, 50 * n + 1, 50 * n + 39, name="SELECT items", kind=CLIENT) for n in range(2, 12)]
    assert [(one.kind, one.callees[0].operation) for one in patterns(ROOT, *wrappers, *queries)] == [
        (PatternKind.REPEATED, "resolve item")
    ]
    assert not patterns(ROOT, *wrappers)


def call(number: int, start: int, end: int, name: str, kind: SpanKind = CLIENT) -> Span:
    return span(number, 1, start, end, name=name, kind=kind)


def test_calls_back_to_back_could_be_made_at_once() -> None:
    (found,) = patterns(ROOT, call(2, 0, 300, "GET prices"), call(3, 305, 700, "GET stock"), call(4, 900, 990, "GET ads"))
    assert (found.kind, [one.operation for one in found.callees]) == (PatternKind.SERIAL, ["GET prices", "GET stock"])
    assert (found.calls, found.total_ns, found.gain_ns) == (2, 695, 300)


@pytest.mark.parametrize(
    "calls",
    [
        (call(2, 0, 300, "GET prices"), call(3, 400, 700, "GET stock")),  # the caller worked between them
        (call(2, 0, 300, "GET prices"), call(3, 290, 700, "GET stock")),  # they overlap already
        (call(2, 0, 300, "send mail", PRODUCER), call(3, 300, 700, "GET stock")),
        (sql(2, 0, 300, "INSERT"), sql(3, 300, 700)),
        (call(2, 0, 300, "shop.Payment/Charge"), call(3, 300, 700, "shop.Shipping/ShipOrder")),
        (call(2, 0, 300, "store_post_client"), call(3, 300, 700, "POST api/orders/{id}/confirm")),
        (
            span(2, 1, 0, 300, name="a", kind=CLIENT, attributes={"http.request.method": "DELETE"}),
            call(3, 300, 700, "GET stock"),
        ),
        (call(2, 0, 30, "GET prices"), call(3, 30, 60, "GET stock")),  # hardly anything to gain
        (call(2, 0, 300, "GET prices"), call(3, 300, 500, "GET stock"), call(4, 0, 990, "GET ads")),  # not on the path
    ],
)
def test_what_may_depend_on_each_other_or_gains_nothing_is_left_alone(calls: tuple[Span, ...]) -> None:
    assert not patterns(ROOT, *calls)


def test_patterns_are_counted_with_their_traces() -> None:
    spans: list[Span] = []
    for trace, size in ((1, 5), (2, 8), (3, 6)):
        below = [span(n + 2, 1, 100 * n, 100 * n + 50, name="SELECT", kind=CLIENT, trace=trace) for n in range(size)]
        spans += ask(trace, 1000, *below)
    ((key, found),) = of_ask(spans).patterns.items()
    assert (key.kind, found.traces, found.calls, found.most) == (PatternKind.REPEATED, 3, 19, 8)
    assert [trace_id[-1] for _, trace_id in found.examples] == [2, 3, 1]


@st.composite
def many_traces(draw: st.DrawFn) -> list[Span]:
    spans: list[Span] = []
    for trace in range(1, draw(st.integers(1, 6)) + 1):
        root = draw(st.sampled_from(["GET /a", "GET /b"]))
        begin = draw(st.integers(0, 3)) * MINUTE
        spans.append(span(1, None, begin, begin + draw(st.integers(0, 500)), name=root, trace=trace, kind=SERVER))
        for number in range(2, draw(st.integers(2, 12))):
            start = begin + draw(st.integers(0, 400))
            spans.append(
                span(
                    number,
                    draw(st.integers(1, number - 1)),
                    start,
                    start + draw(st.integers(0, 200)),
                    trace=trace,
                    name=draw(st.sampled_from(["x", "y", "z"])),
                    kind=draw(st.sampled_from([CLIENT, PRODUCER, CONSUMER])),
                    service=draw(st.sampled_from(["a", "b"])),
                    error=draw(st.booleans()),
                )
            )
    return draw(st.permutations(spans))


@given(many_traces())
@settings(max_examples=150, deadline=None)
def test_any_split_by_trace_gives_the_same_sums(spans: list[Span]) -> None:
    whole = bottlenecks(assemble_all(spans))
    parts = [bottlenecks(assemble_all([one for one in spans if one.trace_id[-1] % 3 == replica])) for replica in range(3)]
    for minute, found in whole.items():
        stored = [Bottlenecks.decode(part[minute].encode()) for part in parts if minute in part]
        assert merged(stored) == found
        for root in found.roots.values():
            assert root.durations.total_ns == sum(said.path_ns for said in root.parts.values())
            for said in root.parts.values():
                assert sum(said.steps.values()) == said.path_ns
                assert said.gain_ns <= said.path_ns / 2


def test_beyond_the_bounds_the_smallest_are_one_and_nothing_is_lost() -> None:
    last = MAX_ROOTS + 50
    spans = [span(1, None, 0, 1000 + trace, name=f"GET /{trace}", kind=SERVER, trace=trace) for trace in range(1, last + 1)]
    spans += [
        span(number, 1, number * 5, number * 5 + 3, name=f"work {number}", trace=last)
        for number in range(2, MAX_CONTRIBUTIONS + 40)
    ]
    whole = sums(spans)
    found, folded = whole.bounded()
    assert len(found.roots) == MAX_ROOTS + 1
    assert folded == 50 + 39
    assert found.roots[OTHER].durations.calls == 50
    totals = [sum(root.durations.total_ns for root in one.roots.values()) for one in (whole, found)]
    assert totals[0] == totals[1]
    large = found.roots[Operation("shop", f"GET /{last}", int(SERVER))]
    assert len(large.parts) == MAX_CONTRIBUTIONS + 1
    assert sum(said.path_ns for said in large.parts.values()) == large.durations.total_ns


def test_what_was_encoded_comes_back_and_anything_else_is_refused() -> None:
    found = sums(ask(1, 1000, *[span(n + 2, 1, 100 * n, 100 * n + 50, name="SELECT", kind=CLIENT, trace=1) for n in range(8)]))
    assert Bottlenecks.decode(found.encode()) == found
    for bad in (b"", found.encode()[:-3], b"\x94\x90\x91\x96\x07\x94\x00\x00\x00\x80\x80\x90\x90\x90\x00\x00"):
        with pytest.raises(ValueError, match=r".+"):
            Bottlenecks.decode(bad)
