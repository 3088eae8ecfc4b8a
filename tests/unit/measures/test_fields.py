"""What a field means: over merged cells, whatever they are merged of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drishti.events import AggregateSeries
from drishti.measures.built_in import FED, METRICS
from drishti.measures.definitions import Kind, MetricDefinition
from drishti.measures.fields import (
    FIELDS,
    OF_KIND,
    SECONDS,
    fields_of,
    has_field,
    meaning,
    percentile,
    quantities_of,
    unit_of,
    value,
)


class Seen(NamedTuple):
    """A cell that remembers everything: the slow reference."""

    values: Sequence[float] = ()
    errors: int | None = 0

    @property
    def count(self) -> int:  # type: ignore[override]
        return len(self.values)

    @property
    def sum(self) -> float:
        return math.fsum(self.values)

    @property
    def min(self) -> float | None:
        return min(self.values, default=None)

    @property
    def max(self) -> float | None:
        return max(self.values, default=None)

    def quantile(self, part: float) -> float | None:
        return sorted(self.values)[int(part * (len(self.values) - 1))] if self.values else None

    def distinct(self) -> float | None:
        return float(len(set(self.values)))


VALUES = st.lists(st.integers(0, 1000).map(float), max_size=30)


@given(st.lists(VALUES, min_size=1, max_size=6), st.sampled_from([1.0, 60.0, 3600.0]))
def test_a_quotient_of_all_is_of_sums_and_never_a_mean_of_quotients(windows: list[list[float]], seconds: float) -> None:
    everything = [number for window in windows for number in window]
    whole = Seen(everything)
    assert value("rate", whole, seconds * len(windows)) == len(everything) / (seconds * len(windows))
    assert value("avg", whole, seconds) == (math.fsum(everything) / len(everything) if everything else None)
    assert value("sum_rate", whole, seconds) == math.fsum(everything) / seconds


@given(VALUES, st.integers(0, 30))
def test_a_share_is_the_part_over_the_whole_and_lies_between_0_and_1(values: list[float], size: int) -> None:
    whole, part = Seen(values), Seen(values[:size])
    result = value("hit_rate", whole, 1.0, part=part)
    assert result is None if not values else result == part.count / whole.count
    assert result is None or 0 <= result <= 1


@pytest.mark.parametrize(
    "field", [field for field in FIELDS if field not in ("count", "errors", "rate", "sum", "sum_rate", "uniques", "value")]
)
def test_of_nothing_there_is_no_value(field: str) -> None:
    assert value(field, Seen(), 1.0, part=Seen() if field == "share" else None) is None


def test_counts_of_nothing_are_0() -> None:
    assert [value(field, Seen(), 1.0) for field in ("count", "errors", "rate", "sum_rate")] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("name", "part"), [("p50", 0.5), ("p95", 0.95), ("p99.9", 0.999), ("p1", 0.01), ("p0.1", 0.001), ("p99", 0.99)]
)
def test_p_and_a_number_is_a_percentile(name: str, part: float) -> None:
    assert percentile(name) == pytest.approx(part)


@pytest.mark.parametrize(
    "name", ["p", "p0", "p100", "p-1", "p5e1", "p٩٩", "pnan", "p99.9999", "P50", "p50\n", "p 50", "p0.0", ""]
)
def test_anything_else_is_none(name: str) -> None:
    assert percentile(name) is None


@pytest.mark.parametrize(
    ("metric", "units"),
    [
        ("requests", {"count": "{request}", "rate": "{request}/s", "error_rate": "1", "share": "1"}),
        ("request_duration_ms", {"p95": "ms", "p99.9": "ms", "count": "{observation}", "rate": "{observation}/s", "avg": "ms"}),
        ("llm_tokens", {"sum": "{token}", "sum_rate": "{token}/s"}),
        ("cache_requests", {"hit_rate": "1", "count": "{request}"}),
        ("active_users", {"uniques": "{user}"}),
        ("memory_usage_bytes", {"avg": "By", "max": "By"}),
    ],
)
def test_counts_are_of_what_it_counts_ratios_have_no_unit_and_the_rest_is_in_the_metric_s(
    metric: str, units: dict[str, str]
) -> None:
    assert {field: unit_of(METRICS[metric], field) for field in units} == units


@pytest.mark.parametrize("definition", [pytest.param(metric, id=token) for token, metric in FED.items()])
def test_every_field_of_a_metric_means_something_and_has_a_unit(definition: MetricDefinition) -> None:
    for field in fields_of(definition):
        assert has_field(definition, field)
        assert unit_of(definition, field)
        assert quantities_of(definition, field)
        assert meaning(definition, field).is_ratio is (
            unit_of(definition, field) == "1" and field not in _IN_UNIT[definition.kind]
        )


_IN_UNIT: dict[Kind, Any] = {kind: {"sum", "avg", "min", "max", "p50", "p95", "p99"} for kind in Kind}


def test_every_kind_has_fields() -> None:
    assert set(OF_KIND) == set(Kind)
    assert has_field(METRICS["cache_requests"], "hit_rate")
    assert not has_field(METRICS["requests"], "hit_rate")
    assert not has_field(METRICS["requests"], "p95")
    assert quantities_of(METRICS["requests"], "rate") == {"count"}
    assert quantities_of(METRICS["cache_requests"], "hit_rate") == {"count"}
    assert SECONDS not in quantities_of(METRICS["llm_tokens"], "sum_rate")


def test_an_aggregate_message_carries_whatever_cannot_be_derived() -> None:
    """Quotients follow from counts and sums, and shares from series; everything else is published as it is."""
    carried = {field.name for field in msgspec.structs.fields(AggregateSeries)}
    for metric in FED.values():
        for field in fields_of(metric):
            assert quantities_of(metric, field) <= carried, (metric.name, field)


def test_what_is_published_is_worth_what_its_cell_is() -> None:
    series = AggregateSeries(count=4, errors=1, sum=10.0, min=1.0, max=4.0, p50=2.0, p95=3.0, p99=4.0, uniques=3.0)
    fields = ("count", "errors", "error_rate", "sum", "avg", "rate", "min", "p50", "p95", "p99", "p90", "uniques")
    assert [value(field, series, 2.0) for field in fields] == [4, 1, 0.25, 10.0, 2.5, 2.0, 1.0, 2.0, 3.0, 4.0, None, 3.0]
