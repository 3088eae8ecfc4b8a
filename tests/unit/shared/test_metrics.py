"""The table of metrics is sound: analytics, predictor, gateway and dashboards all go by it."""

from __future__ import annotations

import msgspec
import pytest

from drishti.events import AggregateSeries
from drishti.messages import subjects
from drishti.messages.metrics import AGGREGATES, METRICS, Kind, MetricSpec

SPECS = [pytest.param(spec, id=name) for name, spec in METRICS.items()]


@pytest.mark.parametrize("spec", SPECS)
def test_what_is_published_are_label_sets_of_its_dimensions_each_once(spec: MetricSpec) -> None:
    assert all(set(labels) <= set(spec.dimensions) for labels in spec.published)
    assert len({frozenset(labels) for labels in spec.published}) == len(spec.published)
    assert len(set(spec.dimensions)) == len(spec.dimensions)


@pytest.mark.parametrize("spec", SPECS)
def test_its_total_is_published(spec: MetricSpec) -> None:
    """Dashboards and the predictor watch the series without labels."""
    assert () in spec.published


@pytest.mark.parametrize("spec", SPECS)
def test_its_name_can_be_part_of_a_subject_and_says_its_unit(spec: MetricSpec) -> None:
    assert subjects.token(spec.name) == spec.name
    assert spec.name.endswith("_ms") is (spec.unit == "ms")
    assert spec.name.endswith("_bytes") is (spec.unit == "By")
    assert spec.unit
    assert len(spec.description) > 10


@pytest.mark.parametrize(
    ("metric", "units"),
    [
        ("requests", {"count": "{request}", "rate": "{request}/s", "error_rate": "1"}),
        ("request_duration_ms", {"p95": "ms", "count": "{observation}", "rate": "{observation}/s"}),
        ("llm_tokens", {"sum": "{token}", "sum_rate": "{token}/s"}),
    ],
)
def test_counts_are_of_what_it_counts_and_the_rest_in_its_unit(metric: str, units: dict[str, str]) -> None:
    assert {aggregate: METRICS[metric].unit_of(aggregate) for aggregate in units} == units


def test_every_kind_has_aggregates_and_is_used() -> None:
    assert set(AGGREGATES) == set(Kind) == {spec.kind for spec in METRICS.values()}


def test_an_aggregate_message_has_a_field_for_whatever_cannot_be_derived() -> None:
    """``rate``, ``error_rate`` and ``avg`` follow from counts and sums; everything else is told as it is."""
    derived = {"rate", "error_rate", "avg"}
    told = {field.name for field in msgspec.structs.fields(AggregateSeries)}
    assert {name for names in AGGREGATES.values() for name in names} - derived <= told
