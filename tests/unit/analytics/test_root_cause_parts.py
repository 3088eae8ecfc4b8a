"""What is usual, what is surprising, which failures are news, and what a trace's course is."""

from __future__ import annotations

import math
import random

import pytest

from analytics.spans.root_cause.failures import Failures
from analytics.spans.root_cause.high_gauges import high_gauges, is_load
from analytics.spans.root_cause.ranking import rank
from analytics.spans.root_cause.slow_steps import slow_steps
from analytics.spans.root_cause.sums import Sums, merged
from analytics.spans.root_cause.surprise import surprise
from analytics.spans.root_cause.transitions import BEGIN, CALLS, END, LOGS, OUTCOME, Transition, is_failure, transitions
from analytics.spans.root_cause.trimming import usual_levels, usual_rate
from analytics.spans.root_cause.usual import DRIFT, ENOUGH, LEAD_IN, Usual, UsualStep, quiet
from analytics.spans.span import SpanKind
from analytics.spans.trace import assemble
from rigs.small_system import MS, Endpoint, request, sums
from rigs.span_trees import span

STOCK = Endpoint("stock", "GET /stock", ("looking", "counted"))
SHOP = Endpoint("shop", "GET /", ("asked", STOCK, "answered"))


def failing(text: str, share: float, *, seed: int, requests: int = 200, service: str = "stock") -> Sums:
    """Requests of which a share fails in a service with an error line."""
    found, drawn = Sums(), random.Random(seed)
    for number in range(requests):
        fails = drawn.random() < share
        entry = SHOP.at(service, does=(*(("looking",) if service == "stock" else ()), text)) if fails else SHOP
        found.merge(sums([entry], requests=1, first=seed * 100_000 + number, seed=number))
    return found


def known(minutes: list[Sums]) -> UsualStep:
    """What is usual of the stock's own time."""
    step = Usual(minutes).step(("stock", "", "GET /stock"))
    assert step is not None
    return step


@pytest.mark.parametrize(
    ("now", "of", "before", "of_before", "low", "high"),
    [
        (0, 10, 0, 10, 0.0, 1e-9),  # that none is taken, or more, is sure
        (1, 20, 50, 1_000, 0.0, 1.0),
        (10, 10, 0, 100, 25.0, 60.0),
        (5, 100, 0, 0, 0.0, 0.5),
        (2_000, 100_000, 100, 100_000, 500.0, math.inf),
    ],
)
def test_what_is_more_frequent_than_ever_is_surprising(
    now: int, of: int, before: int, of_before: int, low: float, high: float
) -> None:
    assert low <= surprise(now, of, before, of_before) <= high


def test_surprise_is_the_tail_of_the_distribution() -> None:
    """Counted out: the beta-binomial distribution of 0 to n, by the definition."""

    def probability(k: int, n: int, a: float, b: float) -> float:
        log = math.lgamma
        beta = log(k + a) + log(n - k + b) - log(n + a + b) - (log(a) + log(b) - log(a + b))
        return math.comb(n, k) * math.exp(beta)

    for now in range(13):
        tail = sum(probability(k, 12, 3.5, 40.5) for k in range(now, 13))
        assert surprise(now, 12, 3, 43) == pytest.approx(-math.log(min(1.0, tail)), abs=1e-5)


def test_more_of_it_is_more_surprising() -> None:
    values = [surprise(now, 50, 2, 200) for now in range(51)]
    assert values == sorted(values)


def test_a_step_that_wanders_from_minute_to_minute_is_not_slow_for_being_far_out() -> None:
    drawn = random.Random(3)
    wild = [sums([SHOP.at("stock", own_ms=10 * drawn.lognormvariate(0, 1.2))], first=1 + 100 * n, seed=n) for n in range(12)]
    calm = [sums([SHOP], first=1 + 100 * n, seed=n) for n in range(12)]
    window = sums([SHOP.at("stock", own_ms=60.0)], first=9_000)
    assert known(wild).drift > 0.5
    assert known(calm).drift < DRIFT**2
    assert not list(slow_steps(window, Usual(wild)))
    assert [evidence.service for evidence in slow_steps(window, Usual(calm))] == ["stock"]


def test_of_a_single_minute_nobody_knows_how_far_it_wanders() -> None:
    assert known([sums([SHOP])]).drift == pytest.approx(DRIFT**2)


def test_minutes_right_before_a_trouble_are_left_out_where_there_are_others() -> None:
    minutes = {minute: sums([SHOP], requests=1, first=1 + minute) for minute in range(LEAD_IN + ENOUGH + 3)}
    begin = LEAD_IN + ENOUGH + 1
    assert quiet(minutes, begin) == [minutes[minute] for minute in range(begin - LEAD_IN)]
    assert quiet(minutes, ENOUGH) == [minutes[minute] for minute in range(ENOUGH)]


def test_a_trouble_that_began_before_it_was_noticed_is_as_clear() -> None:
    minutes = {minute: sums([SHOP], first=1 + 100 * minute, seed=minute) for minute in range(12)}
    slow = SHOP.at("stock", own_ms=500.0)
    minutes |= {minute: sums([slow], first=1 + 100 * minute, seed=minute) for minute in (10, 11)}
    ranking = rank(sums([slow], first=5_000), quiet(minutes, 12))
    assert ranking.suspects[0].service == "stock"
    assert ranking.suspects[0].score > 100


SLOW = SHOP.at("stock", own_ms=500.0)
BROKEN = SHOP.at("stock", does=("looking", "ERROR no such item"))


@pytest.mark.parametrize(("trouble", "words"), [(SLOW, "own time of GET /stock"), (BROKEN, "“looking” is followed by")])
def test_an_earlier_trouble_of_the_same_kind_is_not_usual(trouble: Endpoint, words: str) -> None:
    earlier = (2, 3, 4, 9, 10, 11, 16)
    minutes = [sums([trouble if n in earlier else SHOP], requests=20, first=1 + 100 * n, seed=n) for n in range(20)]
    first = rank(sums([trouble], first=9_000), minutes).suspects[0]
    assert first.service == "stock"
    assert words in first.evidence[0].words
    alone = rank(sums([trouble], first=9_000), [sums for n, sums in enumerate(minutes) if n not in earlier]).suspects[0]
    assert first.score == pytest.approx(alone.score, rel=0.1)


def test_a_busy_processor_of_an_earlier_trouble_is_not_usual() -> None:
    minutes = [sums([SHOP], requests=20, first=1 + 100 * n, seed=n) for n in range(20)]
    for number, minute in enumerate(minutes):
        for service in ("shop", "stock", "mail"):
            minute.add_gauge(service, "k8s.pod.cpu.usage", 2.0 if service == "stock" and number in (3, 4, 5) else 0.1)
    window = sums([SHOP], first=9_000)
    window.add_gauge("stock", "k8s.pod.cpu.usage", 2.0)
    assert [reason.words for reason in high_gauges(window, Usual(minutes))] == ["k8s.pod.cpu.usage 2 instead of 0.1"]


def test_levels_are_usual_unless_they_are_far_above_most() -> None:
    calm = [(20, 3.0 + 0.01 * n) for n in range(12)]
    assert all(usual_levels(calm, 0.05, 0.25))
    assert usual_levels([*calm, (20, 6.0), (20, 5.5)], 0.05, 0.25) == [True] * 12 + [False] * 2
    assert all(usual_levels([*calm, (20, 0.1)], 0.05, 0.25))  # faster than ever is no trouble
    assert all(usual_levels([*calm, (1, 5.0)], 1.0, 0.25))  # nor is a single call
    assert usual_levels([(3, 9.0)], 0.05, 0.25) == [True]


def test_rates_are_usual_unless_they_are_surprising_after_the_others() -> None:
    assert usual_rate([]) == (0, 0)
    assert usual_rate([(0, 20)] * 10 + [(15, 20)] * 4) == (0, 200)
    assert usual_rate([(1, 20), (0, 20), (2, 20), (1, 20), (3, 20)]) == (7, 100)
    assert usual_rate([(20, 20)] * 3) == (60, 60)


def test_what_fails_all_the_time_somewhere_is_no_news() -> None:
    usual = merged([failing("ERROR pool is empty", 0.1, seed=1), failing("ERROR pool is empty", 0.1, seed=2, service="shop")])
    same = failing("ERROR pool is empty", 0.1, seed=3)
    more = failing("ERROR pool is empty", 0.9, seed=4)
    other = failing("ERROR no such item", 0.1, seed=5)
    assert not rank(same, [usual]).is_clear
    assert rank(more, [usual]).suspects[0].service == "stock"
    assert rank(other, [usual]).suspects[0].service == "stock"


def test_a_failure_that_names_another_service_speaks_against_that_one() -> None:
    gone = SHOP.at("shop", does=("asked", "ERROR no instances available for stock"))
    ranking = rank(sums([gone], first=5_000), [sums([SHOP], requests=200)])
    first = ranking.suspects[0]
    assert (first.service, first.operation) == ("stock", "")
    assert first.evidence[0].words.startswith("shop says so: ")


def test_a_failure_that_names_several_services_or_itself_accuses_nobody_else() -> None:
    window = sums([SHOP], requests=3)
    failures = Failures(window, [window])

    def line(text: str) -> Transition:
        return ("shop", "GET /", LOGS, BEGIN), f"!{text}"

    assert failures.accused(line("stock and shop are at odds")) == "shop"
    assert failures.accused(line("shop is closed")) == "shop"
    assert failures.accused(line("stockings are sold out")) == "shop"
    assert failures.accused(line("no answer from Stock: timeout")) == "stock"
    assert failures.accused((("shop", "GET /", LOGS, BEGIN), "asked stock")) == "shop"


def test_a_course_is_in_the_order_of_what_happened_and_without_what_was_asked_for() -> None:
    spans, logs = request(1, Endpoint("gateway", "GET /", (SHOP.at("stock", error="Gone"),)), random.Random(1))
    by_span: dict[bytes, list[object]] = {}
    for record in sorted(logs):
        by_span.setdefault(record.span_id, []).append(record)
    found = transitions(assemble(spans), by_span)  # type: ignore[arg-type]
    shop, stock = ("shop", "GET /"), ("stock", "GET /stock")
    assert found == [
        ((*shop, LOGS, BEGIN), "asked"),
        ((*shop, CALLS, BEGIN), "stock GET /stock"),
        ((*stock, LOGS, BEGIN), "looking"),
        ((*stock, LOGS, "looking"), "counted"),
        ((*stock, LOGS, "counted"), END),
        ((*stock, CALLS, BEGIN), END),
        ((*stock, OUTCOME, BEGIN), "Gone"),
        (("shop", "stock GET /stock", OUTCOME, BEGIN), "ok"),
        ((*shop, LOGS, "asked"), "answered"),
        ((*shop, LOGS, "answered"), END),
        ((*shop, CALLS, "stock GET /stock"), END),
        ((*shop, OUTCOME, BEGIN), "ok"),
        (("gateway", "shop GET /", OUTCOME, BEGIN), "ok"),
        (("gateway", "GET /", LOGS, BEGIN), END),
        (("gateway", "GET /", CALLS, "shop GET /"), END),
        (("gateway", "GET /", OUTCOME, BEGIN), "ok"),
    ]
    assert [transition for transition in found if is_failure(transition)] == [((*stock, OUTCOME, BEGIN), "Gone")]


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("k8s.pod.cpu.usage", True),
        ("k8s-pod-cpu_limit_utilization", True),
        ("process_cpu_utilization", True),
        ("k8s.node.cpu.utilization", False),
        ("k8s-node-cpu-utilization", False),
        ("system_cpu_utilization", False),
        ("k8s.pod.memory.usage", False),
    ],
)
def test_a_load_is_what_a_service_does_with_its_own_processor(name: str, counts: bool) -> None:
    assert is_load(name) is counts


def test_a_trace_as_deep_as_it_is_long_is_no_trouble() -> None:
    count = 20_000
    chain = [
        span(number, number - 1 or None, number, 2 * count - number, service=f"s{number % 3}", kind=SpanKind.SERVER)
        for number in range(1, count + 1)
    ]
    found = Sums()
    found.add_trace(assemble(chain))
    assert sum(step.calls for step in found.steps.values()) == count
    assert found.transitions


def test_many_calls_beside_each_other_are_no_trouble() -> None:
    count = 5_000
    fan = [span(number, 1, number, 10 * MS, name="call", kind=SpanKind.CLIENT) for number in range(2, count + 2)]
    found = Sums()
    found.add_trace(assemble([span(1, None, 0, 20 * MS), *fan]))
    assert found.steps["shop", "", "work"].calls == 1
