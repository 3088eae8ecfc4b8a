"""KPIs: what they are computed from, and what is wrong with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drishti.measures import kpis
from drishti.measures.definition_checks import InvalidDefinition, check
from drishti.measures.definition_reading import given as definition_given
from drishti.measures.definitions import EventSource, Kind, MetricDefinition
from drishti.measures.effective import (
    MAX_EXPRESSIONS,
    MAX_FROM_EVENTS,
    excess,
    faults_of,
    kpi_faults,
    merged,
    with_version,
)
from drishti.measures.expressions.tree import terms


def kpi(name: str, expression: str) -> MetricDefinition:
    return MetricDefinition(name=name, kind=Kind.DERIVED, expression=expression)


GOOD = "100 * count(feedback where satisfaction >= 4) / count(feedback)"


def test_terms_of_events_become_hidden_metrics_that_kpis_share() -> None:
    one = kpi("good", GOOD)
    other = kpi("how", 'avg(feedback.satisfaction) + p95(feedback.satisfaction) + count("feedback")')
    known = merged([one, other], frozenset())
    sources = {(m.kind, m.source.event, m.source.where, m.source.value) for m in known.hidden.values() if m.source}
    assert sources == {
        (Kind.COUNTER, "feedback", "satisfaction >= 4", ""),
        (Kind.COUNTER, "feedback", "", ""),
        (Kind.DISTRIBUTION, "feedback", "", "satisfaction"),
    }
    assert all(known.hidden[term.name] for term in terms(known.kpis["good"].expression))
    assert known.find("good") == one
    assert not set(known.hidden) & set(known.definitions)


def test_a_kpi_may_be_computed_from_metrics_and_other_kpis() -> None:
    one = kpi("seconds", 'avg(request_duration_ms where service = "shop") / 1000')
    other = kpi("twice", "2 * value(seconds)")
    known = merged([one, other], frozenset())
    assert str(known.kpis["twice"].expression) == '2 * (avg(request_duration_ms where service = "shop") / 1000)'
    assert not known.hidden


def test_a_cycle_is_refused_with_its_path() -> None:
    known = merged([kpi("a", "value(b) + 1"), kpi("b", "2 * value(c)")], frozenset())
    (fault,) = kpi_faults(kpi("c", "1 + value(a)"), known)
    assert fault.field == "expression"
    assert fault.character == 10
    assert "c → a → b → c" in fault.error
    broken = merged([kpi("a", "value(a)")], frozenset())
    assert not broken.kpis


def test_many_kpis_within_each_other_take_no_time() -> None:
    wide = [
        kpi(f"k{n}", "+".join(f"value(k{m})+value(k{m})" for m in range(max(0, n - 8), n)) or "count(e)") for n in range(40)
    ]
    known = merged(wide, frozenset())
    assert len(known.kpis) < 40


def test_a_change_resolves_the_kpis_again_that_it_concerns() -> None:
    own = [kpi("inner", "count(a)"), kpi("outer", "2 * value(inner)"), kpi("apart", "count(b)"), kpi("broken", "value(later)")]
    before = merged(own, frozenset())
    assert set(before.kpis) == {"inner", "outer", "apart"}
    own[0] = kpi("inner", "count(c)")
    later = merged([*own, kpi("later", "count(d)")], frozenset(), before.resolutions)
    assert later.kpis == merged([*own, kpi("later", "count(d)")], frozenset()).kpis
    assert later.kpis["apart"] is before.kpis["apart"]
    assert later.kpis["outer"] != before.kpis["outer"]
    gone = merged(own[1:], frozenset(), later.resolutions)
    assert set(gone.kpis) == {"apart"}
    assert set(gone.hidden) == set(merged(own[1:], frozenset()).hidden)


def test_all_kpis_of_a_tenant_together_are_bounded() -> None:
    inner = kpi("inner", "count(a)" + " + 1" * 150)
    outer = [kpi(f"outer{n}", "value(inner)") for n in range(300)]
    known = merged([inner, *outer], frozenset())
    length = len(inner.expression) + 300 * (len(outer[0].expression) + len(inner.expression))
    assert length > MAX_EXPRESSIONS
    (fault,) = excess(kpi("more", "value(inner)"), known)
    assert (fault.field, str(MAX_EXPRESSIONS) in fault.error) == ("expression", True)
    assert not excess(kpi("inner", "count(a)"), known), "what makes it less is taken"
    (fault,) = excess(kpi("inner", inner.expression + " + 1"), known)
    assert fault.field == "expression"
    assert not excess(MetricDefinition(name="other", kind=Kind.COUNTER), known)


def test_metrics_out_of_events_are_bounded_with_those_that_kpis_need() -> None:
    terms_of = [" + ".join(f"count(a where b = {n * 16 + m})" for m in range(16)) for n in range(MAX_FROM_EVENTS // 16)]
    known = merged([kpi(f"k{n}", text) for n, text in enumerate(terms_of)], frozenset())
    assert len(known.hidden) == MAX_FROM_EVENTS
    assert [fault.field for fault in excess(kpi("k", "count(b)"), known)] == ["expression"]
    assert not excess(kpi("k", "count(a where b = 7)"), known), "it shares a term"
    drawn = MetricDefinition(name="drawn", kind=Kind.COUNTER, source=EventSource(event="b"))
    assert [fault.field for fault in excess(drawn, known)] == ["source"]


def test_no_metric_is_called_as_a_term_of_a_kpi() -> None:
    (hidden,) = merged([kpi("k", "count(a where b = 1)")], frozenset()).hidden
    assert [fault.field for fault in faults_of(MetricDefinition(name=hidden, kind=Kind.COUNTER))] == ["name"]
    assert not faults_of(MetricDefinition(name="term_of_a_contract", kind=Kind.COUNTER))


@pytest.mark.parametrize(
    ("change", "field", "character"),
    [
        ({"expression": "count(feedback"}, "expression", 14),
        ({"expression": "1 + 2"}, "expression", 0),
        ({"expression": ""}, "expression", 0),
        ({"dimensions": ["a"]}, "dimensions", None),
        ({"target": 1, "bad": 2}, "target", None),
        ({"direction": "down", "target": 2, "warn": 1}, "warn", None),
        ({"direction": "sideways"}, "direction", None),
        ({"source": {"event": "a"}}, "source", None),
        ({"kind": "counter"}, "expression", None),
        ({"target": "high"}, "target", None),
    ],
)
def test_a_wrong_kpi_is_refused_by_field_and_character(change: dict[str, object], field: str, character: int | None) -> None:
    with pytest.raises(InvalidDefinition) as refused:
        definition_given({"name": "good", "kind": "derived", "expression": GOOD} | change)
    fault = next(fault for fault in refused.value.faults if fault.field == field)
    assert fault.character == character


@pytest.mark.parametrize(
    ("expression", "character"),
    [
        ("count(requests where country = 1)", 21),
        ("p95(requests)", 0),
        ("sum(feedback)", 0),
        ("value(requests)", 0),
        ('count("No Event")', 6),
    ],
)
def test_a_term_that_means_nothing_is_refused_at_its_character(expression: str, character: int) -> None:
    (fault,) = kpi_faults(kpi("k", expression), merged([], frozenset()))
    assert (fault.field, fault.character) == ("expression", character)


def test_another_expression_is_another_version() -> None:
    first = kpi("k", "count(a)")
    assert with_version(kpi("k", "count(b)"), first).version == 2
    assert with_version(kpi("k", "count(a)"), first).version == 1


@given(
    st.text(alphabet="count(feedbackp95.value) where and or not in exists prefix \"'\\=<>1234567890,-+*/ü\u202e", max_size=60)
)
def test_whatever_is_written_is_a_kpi_or_a_fault(text: str) -> None:
    definition = kpi("k", text)
    wrong = check(definition)
    assert {fault.field for fault in wrong} <= {"expression"}
    known = merged([definition], frozenset())
    if not wrong:
        assert ("k" in known.kpis) is not bool(kpis.faults(definition, known.find))
