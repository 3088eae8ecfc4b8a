"""What bad traces share: planted causes are found, noise is not, and equal ones are one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from analytics.spans.comparison import FALSE_DISCOVERIES, Bad, Comparison, Shared, is_failing
from analytics.spans.span import Span, SpanEvent, Status
from analytics.spans.trace_properties import Kind, Property
from rigs.spans import START_NS, resource, span

Trace = tuple[list[Span], bool]


def _noise(chance: random.Random, number: int, attributes: int = 12) -> list[Span]:
    """A trace of three services whose attributes have nothing to do with anything."""
    start = START_NS + number * 1_000_000
    trace_id = number.to_bytes(16, "big")

    def one(service: str, place: int, **more: Any) -> Span:
        said: dict[str, Any] = {f"noise.{n}": f"v{chance.randrange(2 + n)}" for n in range(attributes)}
        said |= {"request.id": f"r{number}", "sequence": number, "size": chance.expovariate(0.01), "tries": chance.randrange(4)}
        return span(
            service=service,
            trace_id=trace_id,
            span_id=bytes([place] * 8),
            parent_id=None if place == 1 else bytes([1] * 8),
            start_ns=start + place,
            attributes=said | more,
            name=f"{service} work",
        )

    spans = [one("web", 1), one("shop", 2), one("db", 3)]
    if chance.random() < 0.5:
        spans.append(one("cache", 4))
    return spans


def _traces(seed: int, mark: Callable[[random.Random, list[Span]], float], count: int = 600) -> list[Trace]:
    """Traces that are bad with the probability that ``mark`` gives each, having changed it."""
    chance = random.Random(seed)
    traces = []
    for number in range(1, count + 1):
        spans = _noise(chance, number)
        traces.append((spans, chance.random() < mark(chance, spans)))
    return traces


def _shared(traces: list[Trace], bad: Bad = Bad.FAILING) -> Shared:
    comparison = Comparison(bad)
    for spans, is_bad in traces:
        comparison.add(spans, bad=is_bad)
    return comparison.shared()


def _put(spans: list[Span], place: int, **attributes: Any) -> None:
    spans[place].attributes = {
        **spans[place].attributes,
        **{name.replace("__", "."): value for name, value in attributes.items()},
    }


def _attribute(chance: random.Random, spans: list[Span]) -> float:
    flag = chance.random() < 0.15
    _put(spans, 1, feature__new_checkout="on" if flag else "off")
    return 0.5 if flag else 0.04


def _version(chance: random.Random, spans: list[Span]) -> float:
    new = chance.random() < 0.2
    spans[1].resource = resource("shop", **{"service.version": "2.0" if new else "1.9"})
    return 0.4 if new else 0.05


def _event(chance: random.Random, spans: list[Span]) -> float:
    missed = chance.random() < 0.2
    if missed:
        spans[2].events = (SpanEvent(START_NS, "lock.waited", {}),)
    return 0.4 if missed else 0.05


def _number(chance: random.Random, spans: list[Span]) -> float:
    items = chance.randrange(100)
    _put(spans, 0, cart__items=items)
    return 0.5 if items >= 85 else 0.04


def _missing(chance: random.Random, spans: list[Span]) -> float:
    return 0.03 if any(one.service == "cache" for one in spans) else 0.25


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (_attribute, Property(Kind.ATTRIBUTE, "feature.new_checkout", "on")),
        (_version, Property(Kind.VERSION, "shop", "2.0")),
        (_event, Property(Kind.EVENT, "lock.waited")),
        (_missing, Property(Kind.MISSING_SERVICE, "cache")),
    ],
)
def test_a_planted_cause_is_the_first_finding(plant: Callable[[random.Random, list[Span]], float], expected: Property) -> None:
    for seed in range(12):
        found = _shared(_traces(seed, plant)).findings
        assert found, seed
        assert found[0].property == expected, (seed, [str(one) for one in found])
        assert found[0].p_value <= FALSE_DISCOVERIES
        assert found[0].bad_with / found[0].bad > found[0].rest_with / found[0].rest


def test_a_number_is_cut_near_where_it_matters() -> None:
    for seed in range(12):
        first = _shared(_traces(seed, _number)).findings[0]
        assert (first.property.kind, first.property.name) == (Kind.NUMBER, "cart.items")
        least = first.property.value.removeprefix("≥ ").partition(" to 9")[0]
        assert 75 <= float(least) <= 95, (seed, first.property)


def test_where_nothing_matters_there_is_hardly_ever_a_finding() -> None:
    found = sum(bool(_shared(_traces(seed, lambda _chance, _spans: 0.2, 150)).findings) for seed in range(60))
    assert FALSE_DISCOVERIES == 0.01
    assert found <= 4  # more have a probability of one in three thousand, at a rate of one in a hundred


def test_the_order_of_traces_does_not_matter() -> None:
    traces = _traces(3, _attribute)
    expected = _shared(traces)
    random.Random(1).shuffle(traces)
    assert _shared(traces) == expected


def test_properties_of_the_same_traces_are_one_finding_with_several_names() -> None:
    def plant(chance: random.Random, spans: list[Span]) -> float:
        flag = chance.random() < 0.2
        _put(spans, 1, region="eu" if flag else "us", cluster="e1" if flag else "u1")
        return 0.5 if flag else 0.02

    (finding,) = _shared(_traces(5, plant)).findings
    assert {finding.property, *finding.other_names} == {
        Property(Kind.ATTRIBUTE, "region", "eu"),
        Property(Kind.ATTRIBUTE, "cluster", "e1"),
    }


def test_what_only_comes_along_with_a_cause_is_related_to_it() -> None:
    def plant(chance: random.Random, spans: list[Span]) -> float:
        flag = chance.random() < 0.25
        _put(spans, 1, flag=flag, plan="pro" if chance.random() < (0.8 if flag else 0.2) else "free")
        return 0.5 if flag else 0.02

    (finding,) = _shared(_traces(7, plant, 1500)).findings
    assert finding.property == Property(Kind.ATTRIBUTE, "flag", "true")
    assert Property(Kind.ATTRIBUTE, "plan", "pro") in finding.related


def test_two_causes_are_two_findings() -> None:
    def plant(chance: random.Random, spans: list[Span]) -> float:
        first, second = chance.random() < 0.15, chance.random() < 0.15
        _put(spans, 0, one=first, two=second)
        return 0.03 + 0.4 * first + 0.4 * second

    found = {str(one.property) for one in _shared(_traces(9, plant, 1500)).findings}
    assert found == {"one = true", "two = true"}


def test_examples_are_bad_traces_that_have_it() -> None:
    traces = _traces(1, _attribute)
    finding = _shared(traces).findings[0]
    having = {spans[0].trace_id for spans, bad in traces if bad and spans[1].attributes["feature.new_checkout"] == "on"}
    assert finding.bad_with == len(having)
    assert len(finding.traces) == 5
    assert set(finding.traces) <= having
    assert str(finding).startswith(f"feature.new_checkout = on: in {len(having)} of ")


def test_what_says_that_it_failed_is_no_cause_of_failing_but_one_of_being_slow() -> None:
    def plant(chance: random.Random, spans: list[Span]) -> float:
        failed = chance.random() < 0.2
        if failed:
            _put(spans, 1, error__type="Timeout", http__response__status_code=504)
            spans[1].events = (SpanEvent(START_NS, "exception", {"exception.type": "Timeout"}),)
        return float(failed)

    traces = _traces(2, plant)
    assert _shared(traces, Bad.FAILING).findings == ()
    (finding,) = _shared(traces, Bad.SLOW).findings
    assert Property(Kind.ATTRIBUTE, "error.type", "Timeout") in {finding.property, *finding.other_names}


def test_ids_and_sequences_are_nothing_to_share() -> None:
    """Also where the bad ones are the last ones, so that whatever grows is larger in them."""
    traces = [(spans, number > 500) for number, (spans, _) in enumerate(_traces(4, _attribute))]
    for spans, _ in traces:
        _put(spans, 0, counted=int.from_bytes(spans[0].trace_id, "big"), at__timestamp=spans[0].start_ns)
    assert _shared(traces).findings == ()


@pytest.mark.parametrize(("bad", "rest"), [(0, 0), (0, 50), (4, 50), (50, 4)])
def test_too_few_traces_are_said(bad: int, rest: int) -> None:
    chance = random.Random(1)
    shared = _shared([(_noise(chance, n + 1), n < bad) for n in range(bad + rest)])
    assert shared.findings == ()
    assert "too few" in shared.reason


def test_values_of_every_kind_are_compared_or_left_alone() -> None:
    def plant(chance: random.Random, spans: list[Span]) -> float:
        odd = chance.random() < 0.3
        _put(
            spans, 0, list=["a", "b" if odd else "c", 1, None], object={"a": 1}, nothing=None, nan=float("nan"), long="x" * 9000
        )
        _put(spans, 0, mixed=chance.choice([1, True, "1", 1.0, None]), empty="", infinite=float("inf"))
        return 0.6 if odd else 0.02

    finding = _shared(_traces(6, plant)).findings[0]
    assert finding.property == Property(Kind.ATTRIBUTE, "list", "b")


def _of_many_attributes(traces: int) -> Iterator[Trace]:
    chance = random.Random(0)
    for number in range(1, traces + 1):
        spans = _noise(chance, number, attributes=50)
        yield spans, _attribute(chance, spans) > chance.random()


def test_many_traces_with_many_attributes_are_compared() -> None:
    shared = _shared(list(_of_many_attributes(2_000)))
    assert shared.tried > 500
    assert shared.findings[0].property.name == "feature.new_checkout"


def test_a_trace_fails_where_an_error_of_it_was_not_handled() -> None:
    event = SpanEvent(START_NS, "exception", {"exception.type": "E"})
    assert is_failing([span(), span(status=Status.ERROR, span_id=b"2" * 8)])
    assert not is_failing([span(events=(event,))])
    assert not is_failing([span()])
