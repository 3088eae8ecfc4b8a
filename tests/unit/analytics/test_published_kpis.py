"""KPIs as they are published: values of merged cells, by the label sets that all of their terms have."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.publish.kpis import PublishedKpi, RowsOf
from analytics.publish.published_metrics import PublishedMetrics
from analytics.rollup.cells import Cell, merge_all
from analytics.rollup.histogram import Histogram
from analytics.rollup.observations import Labels
from analytics.rollup.windows import Window
from drishti.measures.definitions import OTHER, Kind, MetricDefinition
from drishti.measures.effective import TenantMetrics, merged

NOW = 1_800_000_000_000


def kpi_definition(expression: str, *, version: int = 1) -> MetricDefinition:
    return MetricDefinition(name="the kpi", kind=Kind.DERIVED, expression=expression, version=version)


def metrics_of(view: TenantMetrics, clock: float = 0.0) -> PublishedMetrics:
    def stored(_tenant: str, metric: MetricDefinition) -> str:
        return metric.token if metric.source is None else f"{metric.token}@1"

    return PublishedMetrics(lambda _tenant: view, lambda _tenant: view.definitions, stored, clock=lambda: clock)


def kpi(expression: str) -> PublishedKpi:
    return metrics_of(merged([kpi_definition(expression)], frozenset())).of("t").kpis["the-kpi"]


def numbers(found: PublishedKpi, rows: RowsOf, limit: int | None = None) -> dict[tuple[str, ...], float | None]:
    series = found.series(found.groups(rows), 1.0, limit=limit)
    return {tuple(one.labels.values()): one.value for one in series}


def cell(count: int, errors: int = 0) -> Cell:
    return Cell(count=count, errors=errors, sum=float(count))


REQUESTS: Sequence[tuple[Labels, Cell]] = [
    (("shop", "/a", "200"), cell(80)),
    (("shop", "/a", "500"), cell(20, 20)),
    (("shop", "/b", "200"), cell(100)),
    (("desk", "/b", "200"), cell(50)),
]


def test_a_ratio_is_one_of_sums_by_every_label_set_that_its_metric_publishes() -> None:
    found = numbers(kpi("100 * errors(requests) / count(requests)"), {"requests": REQUESTS})
    assert found[()] == 100 * 20 / 250
    assert (found[("shop",)], found[("desk",)]) == (10.0, 0.0)
    assert (found[("shop", "/a")], found[("shop", "/b")]) == (20.0, 0.0)


def test_conditions_choose_rows_and_services_are_compared_by_their_tokens() -> None:
    one = kpi('count(requests where service = "SHOP" and route != "/b") / count(requests where status prefix "2")')
    assert numbers(one, {"requests": REQUESTS})[()] == 100 / 230
    assert ("desk",) in numbers(one, {"requests": REQUESTS}), "a group that one term has is there"


def test_terms_of_several_metrics_share_the_labels_that_all_of_them_have() -> None:
    one = kpi("count(events) / count(requests)")
    assert set(one.label_sets) == {(), ("service",)}
    assert one.sources == ("events", "requests")
    other = kpi("p95(request_duration_ms) / uniques(active_users)")
    assert other.label_sets == ((),)


def test_terms_of_events_read_the_rows_of_hidden_metrics() -> None:
    one = kpi("count(feedback where satisfaction >= 4) / count(feedback)")
    assert one.label_sets == ((),)
    assert all(source.startswith("term_") and source.endswith("@1") for source in one.sources)
    good, whole = one.sources
    assert numbers(one, {good: [(("{}",), cell(3))], whole: [(("{}",), cell(4))]}) == {(): 0.75}
    assert numbers(one, {whole: [(("{}",), cell(4))]}) == {(): 0.0}
    assert numbers(one, {}) == {}, "division by nothing is no value, and no series"


def test_a_share_is_taken_of_the_whole() -> None:
    cache: Sequence[tuple[Labels, Cell]] = [(("c", "hit"), cell(3)), (("c", "miss"), cell(1)), (("d", "miss"), cell(4))]
    found = numbers(kpi("100 * hit_rate(cache_requests)"), {"cache_requests": cache})
    assert found == {(): 37.5}, "a named share cannot be grouped by the label that it is taken over"
    by_type = numbers(kpi("share(events)"), {"events": [(("a", "s"), cell(3)), (("b", "s"), cell(1))]})
    assert () not in by_type, "the share of all in all is nothing that can be asked"
    assert (by_type[("a",)], by_type[("b",)]) == (0.75, 0.25)


@pytest.mark.parametrize(
    ("expression", "silent"),
    [("count(events)", True), ("rate(events) + 1", True), ("errors(requests) / count(requests)", False),
     ("p95(request_duration_ms)", False), ("avg(cpu_utilization)", False)],
)  # fmt: skip
def test_only_what_has_a_value_of_nothing_has_silence(expression: str, silent: bool) -> None:
    assert kpi(expression).has_silence is silent


rows = st.lists(
    st.tuples(
        st.tuples(st.sampled_from("stuvw"), st.sampled_from("ab"), st.sampled_from(["200", "500"])),
        st.lists(st.floats(1, 1e6), min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=20,
)


@given(rows, st.integers(1, 5))
def test_what_is_beyond_the_limit_is_the_value_of_other_over_merged_cells(
    found: list[tuple[Labels, list[float]]], limit: int
) -> None:
    def of(values: list[float]) -> Cell:
        return Cell(count=len(values), sum=sum(values), min=min(values), max=max(values), histogram=Histogram.of(values))

    one = kpi("p95(request_duration_ms) / avg(request_duration_ms)")
    cells = [(labels, of(values)) for labels, values in found]
    whole, bounded = (numbers(one, {"request_duration_ms": cells}, most) for most in (None, limit))
    assert whole[()] == bounded[()]
    named = {labels for labels in bounded if len(labels) == 1 and labels != (OTHER,)}
    assert len(named) <= limit
    assert all(bounded[labels] == whole[labels] for labels in named)
    rest = merge_all(part for labels, part in cells if labels[:1] not in named)
    if rest.count:
        assert bounded[(OTHER,)] == pytest.approx((rest.quantile(0.95) or 0) / (rest.sum / rest.count))


def window(metric: str, start: int = NOW) -> Window:
    return Window("1s", "t", metric, start)


def test_a_changed_window_is_that_of_its_metric_and_of_the_kpis_that_are_computed_from_it() -> None:
    published = metrics_of(merged([kpi_definition("count(events) / count(signup)")], frozenset()))
    assert list(published.windows(window("events"))) == [window("events"), window("the-kpi")]
    (hidden,) = (name for name in published.of("t").dependents if name != "events")
    assert list(published.windows(window(hidden))) == [window("the-kpi")], "a hidden metric is never published by itself"
    assert list(published.windows(window("gone"))) == []
    assert not published.is_known(window("soon@7"))


def test_windows_of_before_a_change_keep_the_numbers_of_the_old_version() -> None:
    views = [merged([kpi_definition("count(events)")], frozenset())]
    clock = [NOW / 1000]
    published = PublishedMetrics(
        lambda _tenant: views[-1],
        lambda _tenant: views[-1].definitions,
        lambda _t, metric: metric.token,
        clock=lambda: clock[0],
    )
    before, after = window("events", NOW - 1000), window("events", NOW)
    assert window("the-kpi", NOW - 1000) in published.windows(before)
    views.append(merged([kpi_definition("2 * count(events)", version=2)], frozenset()))
    assert list(published.windows(before)) == [before]
    assert window("the-kpi") in published.windows(after)
    assert published.of("t").kpis["the-kpi"].definition.version == 2
