"""What is published of a window: every set of labels adds up to the total, whatever the limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analytics.publish.aggregates import PublishedLabels, aggregate_series, names_of
from analytics.rollup.cells import Cell
from analytics.rollup.histogram import Histogram
from analytics.rollup.observations import Labels
from drishti.events import AggregateSeries
from drishti.measures.built_in import FED
from drishti.measures.definitions import OTHER

labels = st.tuples(st.sampled_from("stu"), st.sampled_from(["/a", "/b", "/c", "/d", OTHER]), st.sampled_from(["200", "500"]))
cells = st.dictionaries(labels, st.lists(st.floats(0, 1e6), min_size=1, max_size=5), max_size=20)


def cell(values: list[float]) -> Cell:
    histogram = Histogram.of(values)
    return Cell(count=len(values), sum=sum(values), min=min(values), max=max(values), histogram=histogram)


def series_of(found: list[AggregateSeries], names: tuple[str, ...]) -> list[AggregateSeries]:
    return [series for series in found if tuple(series.labels) == names]


@given(cells, st.integers(0, 5), st.integers(0, 2**30))
def test_every_set_of_labels_adds_up_to_the_total_under_any_limit(
    values: dict[Labels, list[float]], limit: int, chosen: int
) -> None:
    spec = FED["request_duration_ms"]
    found = [(at, cell(part)) for at, part in values.items()]

    def is_active(published: PublishedLabels) -> bool:
        return bool(chosen >> (hash(published) % 30) & 1)

    whole = aggregate_series(spec, found)
    bounded = aggregate_series(spec, found, limit=limit, is_active=is_active)
    for names in spec.published:
        parts = series_of(bounded, names)
        named = [series for series in parts if set(series.labels.values()) != {OTHER}]
        assert len(named) <= limit or not names
        assert sum(series.count for series in parts) == sum(map(len, values.values()))
        known = {tuple(series.labels.items()): series for series in series_of(whole, names)}
        assert all(known[tuple(series.labels.items())] == series for series in named), "who is named is exact"
        for series in parts:
            assert series.min is None or series.p99 is None or series.min <= series.p99 <= (series.max or 0)
    if limit >= 20:
        assert bounded == whole


def test_active_series_keep_their_names_and_then_those_that_count_most() -> None:
    spec = FED["events"]
    found = [((f"k{n}", "s"), Cell(count=n, sum=float(n))) for n in range(1, 10)]
    silent = [(("event_type", "quiet"),)]
    active = {(("event_type", "k1"),), *silent}
    series = aggregate_series(spec, found, silent, limit=4, is_active=active.__contains__)
    counts = {s.labels.get("event_type", ""): s.count for s in series}
    assert counts == {"": 45, "k1": 1, "quiet": 0, "k9": 9, "k8": 8, OTHER: 27}
    assert names_of(silent[0]) == ("event_type",)


@given(st.lists(st.text(min_size=1, max_size=3), max_size=30, unique=True), st.integers(0, 3))
def test_who_is_named_does_not_depend_on_the_order_of_rows(kinds: list[str], limit: int) -> None:
    spec = FED["events"]
    found = [((kind, "s"), Cell(count=len(kind))) for kind in kinds]
    assert aggregate_series(spec, found, limit=limit) == aggregate_series(spec, found[::-1], limit=limit)
