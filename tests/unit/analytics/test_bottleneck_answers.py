"""What the sums of bottlenecks say: shares of the slow traces, trends, gains, sentences."""

from __future__ import annotations

import random
from typing import Any

import pytest

from analytics.spans.bottleneck_answers import answer, services
from analytics.spans.bottleneck_walks import bottlenecks
from analytics.spans.bottlenecks import Bottlenecks, merged
from analytics.spans.span import Span, SpanKind
from analytics.spans.trace import assemble_all
from drishti.messages.bottlenecks import BottlenecksAnswer, BottlenecksQuery
from rigs.span_trees import span

SERVER, CLIENT, PRODUCER, CONSUMER = SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER
MS = 1_000_000


def ask(trace: int, whole: int, llm: int, name: str = "POST /ask") -> list[Span]:
    """A request of ``whole`` ms, of which ``llm`` ms are the model's, 10 ms a query's, and the rest its own."""
    return [
        span(1, None, 0, whole * MS, name=name, kind=SERVER, trace=trace),
        span(2, 1, 5 * MS, (5 + llm) * MS, name="llm.generate", kind=CLIENT, trace=trace),
        span(3, 1, (6 + llm) * MS, (16 + llm) * MS, name="SELECT", kind=SERVER, service="store", trace=trace),
    ]


def sums(*spans: Span) -> Bottlenecks:
    return merged(bottlenecks(assemble_all(spans)).values())


USUAL = [one for trace in range(1, 91) for one in ask(trace, 100, 30)]
SLOW = [one for trace in range(91, 101) for one in ask(trace, 1000, 620)]
YESTERDAY = [one for trace in range(1, 101) for one in ask(trace, 100, 30)]


def said(now: Bottlenecks, before: Bottlenecks | None = None, **more: Any) -> BottlenecksAnswer:
    asked = BottlenecksQuery(tenant="t", from_ms=0, to_ms=60_000, **more)
    return answer(asked, now, before or Bottlenecks(), as_of=7, complete_to=60_000)


def test_the_shares_of_the_slow_traces_are_told_from_those_of_all() -> None:
    (root,) = said(sums(*USUAL, *SLOW)).roots
    first = root.parts[0]
    assert first.operation.operation == "llm.generate"
    assert first.slow_share == pytest.approx(0.62)
    assert first.share == pytest.approx((90 * 30 + 10 * 620) / (90 * 100 + 10 * 1000))
    assert first.summary == "p95: 62 % waiting on llm.generate"
    assert root.summary == "POST /ask of shop, p95: 62 % waiting on llm.generate"
    assert (root.slow_traces, root.traces) == (10, 100)
    assert 900 < root.slow_from_ms <= 1000
    assert [part.summary for part in root.parts[1:]] == ["p95: 37 % its own work", "p95: 1 % waiting on SELECT of store"]
    assert sum(part.share for part in root.parts) == pytest.approx(1)
    assert sum(part.slow_share for part in root.parts) == pytest.approx(1)


def test_of_a_sample_the_true_share_is_within_the_margin() -> None:
    chance = random.Random(5)
    whole: list[Span] = []
    for trace in range(1, 801):
        long = chance.randrange(100, 2000)
        whole += ask(trace, long, chance.randrange(long - 20))
    (all_of_them,) = said(sums(*whole)).roots
    true = {part.operation.operation: part for part in all_of_them.parts}
    assert all(part.share_margin is part.slow_share_margin is None for part in all_of_them.parts)
    missed = asked = 0
    for rest in range(8):
        sample = [one for one in whole if int.from_bytes(one.trace_id, "big") % 8 == rest]
        of_sample = sums(*sample).scaled(8)
        assert 700 < of_sample.seen < 900
        (root,) = said(of_sample).roots
        assert " (± " in root.summary
        for part in root.parts[:2]:
            assert part.share_margin is not None
            assert 0 < part.share_margin < 0.15
            missed += abs(part.share - true[part.operation.operation].share) > part.share_margin
            asked += 1
    assert (missed, asked) == (0, 16)


def test_a_share_that_is_no_larger_than_its_margin_is_not_named() -> None:
    (root,) = said(sums(*ask(1, 100, 30), *ask(2, 900, 700)).scaled(50)).roots
    summaries = {part.operation.operation: part.summary for part in root.parts}
    assert summaries["SELECT"] == "p95: too few traces to tell how much is waiting on SELECT of store"
    for part in root.parts:
        assert part.slow_share_margin is not None
        assert ("too few traces" in part.summary) == (part.slow_share_margin >= part.slow_share)
    assert "too few traces" not in said(sums(*ask(1, 100, 30))).roots[0].summary


def test_of_minutes_of_which_some_are_a_sample_the_true_share_is_within_the_margin() -> None:
    """The minute that is whole asks little of the model, the other one much."""
    chance = random.Random(7)
    whole, other = [
        [one for trace in range(first, first + 400) for one in ask(trace, chance.randrange(lowest, 2 * lowest), lowest // part)]
        for first, lowest, part in ((1, 100, 4), (401, 1000, 2))
    ]
    (root,) = said(merged([sums(*whole), sums(*other)])).roots
    true = {part.operation.operation: part.share for part in root.parts}
    for rest in range(10):
        sample = [one for one in other if int.from_bytes(one.trace_id, "big") % 10 == rest]
        found = said(merged([sums(*whole), sums(*sample).scaled(10)]))
        assert (found.traces_seen, found.traces_walked) == (800, 440)
        (root,) = found.roots
        assert root.traces == 800
        for part in root.parts[:2]:
            assert part.share_margin is not None
            assert abs(part.share - true[part.operation.operation]) <= part.share_margin < 0.15


def test_of_another_quantile_the_shares_are_those_of_its_traces() -> None:
    (root,) = said(sums(*USUAL, *SLOW), quantile=0.5).roots
    assert root.slow_traces == 100
    assert root.parts[0].summary.startswith("p50: ")


def test_trends_compare_an_average_trace_with_that_of_the_day_before() -> None:
    (root,) = said(sums(*USUAL, *SLOW), sums(*YESTERDAY)).roots
    assert root.trend == pytest.approx(190 / 100 - 1)
    llm, own, store = root.parts
    assert (llm.path_ms, llm.path_ms_before) == (pytest.approx(89), pytest.approx(30))
    assert llm.trend == pytest.approx(89 / 30 - 1)
    assert store.trend == pytest.approx(0)
    assert own.trend == pytest.approx(91 / 60 - 1)
    (alone,) = said(sums(*USUAL)).roots
    assert alone.trend is None
    assert alone.parts[0].trend is None


def test_root_operations_of_services_that_are_left_out_are_not_listed() -> None:
    service = said(sums(*USUAL)).roots[0].operation.service
    assert said(sums(*USUAL), without_service=[service]).roots == []
    assert len(said(sums(*USUAL), without_service=["another"]).roots) == 1


def test_what_would_be_gained_is_half_of_the_own_time() -> None:
    (root,) = said(sums(*USUAL)).roots
    llm = next(part for part in root.parts if part.operation.operation == "llm.generate")
    assert (llm.gain_ms, llm.gain_share, llm.spans_each, llm.mean_ms) == (15, 0.15, 1, 30)


def test_a_queue_is_what_its_work_waits_for() -> None:
    (root,) = said(
        sums(
            span(1, None, 0, 100 * MS, name="POST /draw", kind=SERVER),
            span(2, 1, 0, 1 * MS, name="send draw", kind=PRODUCER),
            span(3, 2, 81 * MS, 95 * MS, name="draw", kind=CONSUMER, service="worker"),
        )
    ).roots
    assert root.parts[0].summary == "p95: 80 % waiting for draw of worker to begin"
    assert root.parts[0].waiting


def test_root_operations_are_in_order_of_their_time_and_can_be_chosen() -> None:
    spans = [one for trace in range(1, 5) for one in ask(trace, 100, 30)]
    spans += [one for trace in range(11, 20) for one in ask(trace, 300, 30, name="GET /report")]
    found = said(sums(*spans))
    assert [root.operation.operation for root in found.roots] == ["GET /report", "POST /ask"]
    assert sum(root.time_share for root in found.roots) == pytest.approx(1)
    assert [root.operation.operation for root in said(sums(*spans), operation="POST /ask").roots] == ["POST /ask"]
    assert (len(said(sums(*spans), limit=1).roots), said(sums(*spans), limit=1).root_operations) == (1, 2)
    assert said(sums(*spans), service="other").roots == []
    assert services(found) == ["shop", "store"]
    assert (found.traces_seen, found.traces_walked) == (13, 13)


def test_patterns_say_what_could_be_done_with_examples() -> None:
    queries = [span(n, 1, 100 * n * MS, (100 * n + 90) * MS, name="SELECT item", kind=CLIENT) for n in range(2, 10)]
    calls = [
        span(20, 1, 1000 * MS, 1200 * MS, name="GET prices", kind=CLIENT),
        span(21, 1, 1201 * MS, 1400 * MS, name="GET stock", kind=CLIENT),
    ]
    (root,) = said(sums(span(1, None, 0, 1500 * MS, name="GET /cart", kind=SERVER), *queries, *calls)).roots
    repeated, serial = root.patterns
    assert repeated.summary == "GET /cart calls SELECT item 8 times, one after the other: could be one call"
    assert (repeated.kind, repeated.traces, repeated.most, repeated.gain_ms) == ("repeated", 1, 8, 630)
    assert repeated.examples == ["0" * 31 + "1"]
    assert serial.summary == (
        "GET /cart makes 2 calls one after the other that could be made at once, if none needs what another brings: "
        "GET prices, GET stock"
    )
    assert (serial.gain_ms, serial.time_ms) == (199, 399)


def test_nothing_counted_is_an_answer() -> None:
    assert said(Bottlenecks()).roots == []
    (root,) = said(sums(span(1, None, 5, 5, name="GET /", kind=SERVER))).roots
    assert (root.parts, root.summary) == ([], "GET / of shop: took no time")
