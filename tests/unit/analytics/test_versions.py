"""Earlier versions of a tenant's metrics: which there are, what they are computed from, and what is said of others."""

from __future__ import annotations

import msgspec
import pytest

from analytics.query import questions, versions
from drishti.bus.entries import Entry
from drishti.errors import QueryError
from drishti.events import Question, QuestionSet
from drishti.measures.definitions import EventSource, Kind, MetricDefinition
from drishti.measures.effective import TenantMetrics
from drishti.measures.registry import MAX_EARLIER, MetricRegistry

TENANT = "acme"
HOUR = 3_600_000
KPI = MetricDefinition(name="good share", kind=Kind.DERIVED, expression="count(requests) / 2")
SIGNUPS = MetricDefinition(name="signups", kind=Kind.COUNTER, source=EventSource(event="signup"))


def history(*definitions: MetricDefinition | None) -> TenantMetrics:
    """As the bus hands it over: each definition after the one it replaced; ``None``: it was deleted."""
    registry = MetricRegistry()
    token = ""
    for revision, one in enumerate(definitions, start=1):
        token = one.token if one is not None else token
        registry.take(Entry(f"{TENANT}.{token}", revision, None if one is None else msgspec.json.encode(one), 0.0))
    return registry.view(TENANT)


def changed(definition: MetricDefinition, **fields: object) -> MetricDefinition:
    return msgspec.structs.replace(definition, **fields)


def planned(question: Question, metrics: TenantMetrics) -> questions.Plan:
    asked = QuestionSet(tenant=TENANT, questions=[question], from_ms=10 * HOUR, to_ms=11 * HOUR)
    return questions.planned(asked, {"1s": 0, "1m": 0, "1h": 0}, versions.with_earlier(asked, metrics))


KPIS = history(KPI, changed(KPI, description="in other words"), changed(KPI, expression="count(requests) / 3", version=2))
OTHERS = history(SIGNUPS, changed(SIGNUPS, dimensions=("plan",), version=2))


@pytest.mark.parametrize("name", ["good share@1", "good-share@1"])
def test_an_earlier_kpi_is_computed_from_its_own_expression(name: str) -> None:
    for question in (Question(metric=name, aggregate="value"), Question(expression=f'value("{name}")')):
        assert str(planned(question, KPIS).questions[0].expression) == "count(requests) / 2"
    now = planned(Question(metric="good share@2", aggregate="value"), KPIS).questions[0]
    assert (str(now.expression), now.metric) == ("count(requests) / 3", "good-share")


def test_an_earlier_metric_has_its_own_rows_and_labels() -> None:
    (reading,) = planned(Question(metric="signups@1", aggregate="count"), OTHERS).readings
    assert reading.metric == "signups@1"
    (now,) = planned(Question(expression="count(signups@2)"), OTHERS).readings
    assert now.metric == "signups"
    with pytest.raises(QueryError, match="has no labels"):
        planned(Question(metric="signups@1", aggregate="count", group_by=["plan"]), OTHERS)


def test_a_version_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(QueryError, match="signups has no version 3 that is known: it has the versions 1, 2") as error:
        planned(Question(metric="signups@3", aggregate="count"), OTHERS)
    assert error.value.field == "questions.0.metric"
    with pytest.raises(QueryError, match="it has version 1 only") as error:
        planned(Question(expression="1 + count(requests@7)"), OTHERS)
    assert (error.value.field, error.value.character, error.value.length) == ("questions.0.expression", 10, 10)


def test_a_metric_whose_own_name_looks_like_a_version_is_itself() -> None:
    named = changed(SIGNUPS, name="a@1")
    (reading,) = planned(Question(metric="a@1", aggregate="count"), history(named)).readings
    assert reading.metric == named.token


def test_a_definition_that_was_deleted_has_no_earlier_versions() -> None:
    assert history(SIGNUPS, changed(SIGNUPS, dimensions=("plan",), version=2), None, SIGNUPS).earlier.get("signups") is None


def test_as_many_versions_are_remembered_as_the_bus_keeps() -> None:
    many = history(*(changed(KPI, expression=f"count(requests) / {n}", version=n) for n in range(1, 20)))
    assert list(many.earlier["good-share"]) == list(range(19 - MAX_EARLIER, 19))
