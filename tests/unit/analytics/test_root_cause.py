"""Which service is to blame, in small systems where it is known."""

from __future__ import annotations

import random

import pytest

from analytics.spans.root_cause.evidence import ERRORS, GAP, GAUGE, LINES, PATH, SLOW
from analytics.spans.root_cause.ranking import Ranking, rank
from analytics.spans.root_cause.sums import Sums
from analytics.spans.span import SpanKind
from analytics.spans.trace import assemble
from rigs.small_system import MS, Endpoint, sums
from rigs.span_trees import span

STOCK = Endpoint("stock", "GET /stock", ("looking", "counted"))
PAYMENT = Endpoint("payment", "POST /pay", ("charging", "charged"))
MAIL = Endpoint("mail", "POST /mail", ("sending", "sent"))
ORDER = Endpoint("order", "POST /order", ("received", STOCK, "in stock", PAYMENT, "paid", MAIL, "placed"))
BROWSE = Endpoint("catalogue", "GET /items", ("asked", STOCK, "answered"))
BUY = Endpoint("gateway", "POST /buy", (ORDER,))
LOOK = Endpoint("gateway", "GET /look", (BROWSE,))
SYSTEM = (BUY, LOOK)
USUAL = [sums(SYSTEM, requests=100, first=1 + 100 * minute, seed=7 + minute) for minute in range(4)]


def after(*entries: Endpoint, requests: int = 60, seed: int = 3) -> Ranking:
    return rank(sums(entries, requests=requests, first=10_000, seed=seed), USUAL)


def test_a_slow_leaf_is_to_blame_and_not_its_callers() -> None:
    ranking = after(*(entry.at("payment", own_ms=400.0) for entry in SYSTEM))
    first = ranking.suspects[0]
    assert (first.service, first.operation, first.kind) == ("payment", "POST /pay", SLOW)
    assert first.path == ("gateway", "order", "payment")
    assert ranking.is_clear
    assert [suspect.service for suspect in ranking.suspects] == ["payment"]
    assert "own time of POST /pay 4" in first.evidence[0].words
    assert "instead of 10" in first.evidence[0].words


def test_a_slow_network_before_a_service_speaks_against_it() -> None:
    ranking = after(*(entry.at("payment", network_ms=300.0) for entry in SYSTEM))
    assert (ranking.suspects[0].service, ranking.suspects[0].kind) == ("payment", GAP)


def test_a_service_that_is_slow_towards_everybody_is_slow_itself() -> None:
    slow = ORDER
    for callee in ("stock", "payment", "mail"):
        slow = slow.at(callee, network_ms=300.0)
    ranking = after(Endpoint("gateway", "POST /buy", (slow,)), LOOK)
    assert (ranking.suspects[0].service, ranking.suspects[0].kind) == ("order", GAP)


def test_a_slow_network_of_a_caller_speaks_against_it_though_its_only_callee_seems_slower() -> None:
    slow = Endpoint("gateway", "GET /look", (BROWSE.at("stock", network_ms=340.0).at("catalogue", network_ms=300.0),))
    assert (after(BUY, slow).suspects[0].service, after(BUY, slow).suspects[0].kind) == ("catalogue", GAP)


def test_a_callee_that_others_wait_for_too_is_to_blame_though_a_caller_is_slow() -> None:
    slow = Endpoint("gateway", "GET /look", (BROWSE.at("catalogue", network_ms=50.0),))
    ranking = after(*(entry.at("stock", network_ms=600.0) for entry in (BUY, slow)))
    assert ranking.suspects[0].service == "stock"


def test_an_early_return_is_where_the_course_ends_first() -> None:
    ranking = after(*(entry.at("payment", does=("charging",)) for entry in SYSTEM))
    first = ranking.suspects[0]
    assert (first.service, first.kind) == ("payment", LINES)
    assert "nothing follows the log line “charging” 30 of 30 times, usually 0 of" in first.evidence[0].words


def test_calls_that_are_not_made_any_more_speak_against_the_caller() -> None:
    quiet = [entry.at("order", does=(STOCK,)) for entry in SYSTEM]
    first = after(*quiet).suspects[0]
    assert first.service == "order"
    assert {reason.kind for reason in first.evidence} == {PATH, LINES}


def test_an_exception_is_to_blame_where_it_was_thrown_first() -> None:
    failing = Endpoint("payment", "POST /pay", ("charging", "ERROR refused"), error="CardError")
    order = Endpoint("order", "POST /order", ("received", STOCK, "in stock", failing, "ERROR 500"), error="HttpError")
    ranking = after(Endpoint("gateway", "POST /buy", (order,), error="HttpError"), LOOK)
    first = ranking.suspects[0]
    assert first.service == "payment"
    assert ERRORS in {reason.kind for reason in first.evidence}
    assert any("POST /pay ends with CardError 30 of 30 times" in reason.words for reason in first.evidence)
    assert len(ranking.suspects) == 1


def test_an_exception_shows_by_status_alone() -> None:
    first = after(*(entry.at("payment", error="CardError") for entry in SYSTEM)).suspects[0]
    assert (first.service, first.kind) == ("payment", ERRORS)


def test_two_incidents_at_once_are_the_first_two_suspects() -> None:
    both = [entry.at("payment", own_ms=400.0).at("catalogue", does=("asked",)) for entry in SYSTEM]
    assert {suspect.service for suspect in after(*both).suspects[:2]} == {"payment", "catalogue"}


def test_thin_traffic_is_enough() -> None:
    ranking = after(*(entry.at("payment", own_ms=800.0) for entry in SYSTEM), requests=12)
    assert ranking.suspects[0].service == "payment"
    assert ranking.is_clear


def test_nothing_unusual_is_no_clear_suspect() -> None:
    ranking = after(*SYSTEM)
    assert not ranking.is_clear
    assert ranking.note == "no clear suspect"


def test_more_requests_of_one_kind_are_no_trouble() -> None:
    assert not after(LOOK, LOOK, LOOK, BUY, requests=200).is_clear


def test_an_asynchronous_parent_does_not_answer_for_the_call_it_handed_over() -> None:
    """The gateway's handler runs beside the call that it waits for."""

    def trace(number: int, work_ms: int) -> Sums:
        found = Sums()
        spans = [
            span(1, None, 0, (work_ms + 4) * MS, service="gateway", name="/*", kind=SpanKind.SERVER, trace=number),
            span(2, 1, 1 * MS, (work_ms + 3) * MS, service="gateway", name="handler", trace=number),
            span(3, 1, 2 * MS, (work_ms + 3) * MS, service="gateway", name="GET", kind=SpanKind.CLIENT, trace=number),
            span(4, 3, 3 * MS, (work_ms + 2) * MS, service="shop", name="GET /", kind=SpanKind.SERVER, trace=number),
        ]
        found.add_trace(assemble(spans))
        return found

    usual, window = Sums(), Sums()
    for number in range(1, 50):
        usual.merge(trace(number, 10 + number % 3))
        window.merge(trace(number + 100, 500 + number % 3))
    assert [suspect.service for suspect in rank(window, [usual]).suspects] == ["shop"]


def test_a_database_without_spans_of_its_own_is_a_suspect() -> None:
    def query(number: int, ms: int) -> Sums:
        found = Sums()
        database = {"db.system.name": "postgresql"}
        spans = [
            span(1, None, 0, (ms + 6) * MS, service="shop", name="GET /", kind=SpanKind.SERVER, trace=number),
            span(
                2, 1, MS, (ms + 1) * MS, service="shop", name="SELECT", kind=SpanKind.CLIENT, trace=number, attributes=database
            ),
        ]
        found.add_trace(assemble(spans))
        return found

    usual, window = Sums(), Sums()
    for number in range(1, 50):
        usual.merge(query(number, 5))
        window.merge(query(number + 100, 500))
    first = rank(window, [usual]).suspects[0]
    assert (first.service, first.path) == ("postgresql", ("shop", "postgresql"))


def test_half_of_the_traces_are_enough() -> None:
    """Sampled at random, before they come here."""
    drawn = random.Random(5)
    entries = [entry.at("mail", does=()) for entry in SYSTEM]
    found = Sums()
    for number in range(200):
        if drawn.random() < 0.5:
            found.merge(sums(entries, requests=1, first=20_000 + number, seed=number))
    assert rank(found, USUAL).suspects[0].service == "mail"


def test_a_busy_processor_speaks_against_its_service() -> None:
    usual, window = Sums(), Sums()
    for service, cores in (("payment", 0.1), ("order", 0.2), ("stock", 0.001)):
        for _ in range(10):
            usual.add_gauge(service, "k8s.pod.cpu.usage", cores)
            usual.add_gauge(service, "k8s.pod.memory.usage", 1e8)
        for _ in range(3):
            window.add_gauge(service, "k8s.pod.cpu.usage", cores * 8 if service != "order" else cores)
            window.add_gauge(service, "k8s.pod.memory.usage", 9e8)
    (first,) = rank(window, [usual]).suspects
    assert (first.service, first.kind) == ("payment", GAUGE)
    assert "k8s.pod.cpu.usage 0.8 instead of 0.1" in first.evidence[0].words


def test_processors_that_are_all_busier_have_more_to_do() -> None:
    def minute(number: int, *, times: float) -> Sums:
        found = sums(SYSTEM, requests=10, first=1 + 100 * number, seed=number)
        for service, cores in (("stock", 0.3), ("order", 0.2), ("payment", 0.1), ("mail", 0.1)):
            found.add_gauge(service, "k8s.pod.cpu.usage", cores * times)
        return found

    usual = [minute(number, times=1.0) for number in range(6)]
    assert not rank(minute(100, times=4.0), usual).suspects
    busy = minute(100, times=2.0)
    busy.add_gauge("mail", "k8s.pod.cpu.usage", 3.0)
    assert [suspect.service for suspect in rank(busy, usual).suspects] == ["mail"]


def test_a_value_that_is_no_number_is_no_sample() -> None:
    found = Sums()
    for value in (float("nan"), float("inf"), -float("inf")):
        found.add_gauge("shop", "cpu", value)
    assert not found.gauges


def test_logs_that_stopped_coming_are_no_evidence() -> None:
    mute = [
        entry.at("stock", does=())
        .at("payment", does=())
        .at("mail", does=())
        .at("catalogue", does=(STOCK.at("stock", does=()),))
        for entry in SYSTEM
    ]
    silent = [
        entry.at("order", does=tuple(part for part in mute[0].does[0].does if not isinstance(part, str)))  # type: ignore[union-attr]
        for entry in mute
    ]
    assert not after(*silent).suspects


@pytest.mark.parametrize(
    ("window", "usual", "note"),
    [
        (Sums(), USUAL[0], "no traces in the window"),
        (USUAL[0], Sums(), "no traces before the window to compare with"),
        (Sums(), Sums(), "no traces in the window"),
    ],
)
def test_where_there_is_nothing_to_compare_nobody_is_suspected(window: Sums, usual: Sums, note: str) -> None:
    ranking = rank(window, [usual])
    assert (ranking.suspects, ranking.is_clear, ranking.note) == ((), False, note)


def test_a_single_service_may_be_the_suspect() -> None:
    alone = Endpoint("shop", "GET /", ("asked", "answered"))
    ranking = rank(
        sums([alone.at("shop", own_ms=300.0)], first=5_000),
        [sums([alone], requests=200)],
    )
    assert (ranking.suspects[0].service, ranking.suspects[0].path) == ("shop", ("shop",))


def test_who_is_excluded_is_no_suspect_and_neither_is_what_only_they_call() -> None:
    slow = [entry.at("stock", own_ms=400.0).at("mail", own_ms=900.0) for entry in SYSTEM]
    window = sums(slow, requests=60, first=10_000, seed=3)
    assert {one.service for one in rank(window, USUAL).suspects} == {"stock", "mail"}
    assert [one.service for one in rank(window, USUAL, excluded={"mail"}.__contains__).suspects] == ["stock"]
    callers_of_mail = {"order", "gateway"}
    without = rank(window, USUAL, excluded=callers_of_mail.__contains__)
    assert [one.service for one in without.suspects] == ["stock"], "catalogue calls it, too"
