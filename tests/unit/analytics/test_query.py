"""Questions: what may be asked, what is read for it, and how rows become an answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analytics.query import questions, readings
from analytics.query.metrics import asked_by
from analytics.query.readings import COUNTS, HISTOGRAMS, UNIQUES, Reading
from analytics.rollup import uniques
from analytics.rollup.cells import Cell
from analytics.rollup.histogram import Histogram
from analytics.rollup.observations import Labels
from analytics.rollup.windows import Window
from analytics.storage.rows import NamedRow
from drishti.errors import QueryError
from drishti.events import Query, QueryAnswer, Question, QuestionAnswer, QuestionSet
from drishti.measures.built_in import FED, PACKS
from drishti.measures.effective import merged
from drishti.measures.fields import fields_of
from rigs.rollup_rows import answered, cells_of

FROM = 1_800_000_000_000
TO = FROM + 60_000
KEPT = {"1s": FROM - 3_600_000, "1m": FROM - 86_400_000, "1h": 0}
METRICS = merged((), frozenset(PACKS))


def question(**fields: Any) -> Query:
    known = {"tenant": "t", "metric": "requests", "aggregate": "count", "from_ms": FROM, "to_ms": TO}
    return Query(**(known | fields))


def records(metric: str, *found: tuple[int, Labels, Cell]) -> list[NamedRow]:
    return [NamedRow(Window("1s", "t", metric, at), labels, cell) for at, labels, cell in found]


def reading(**fields: Any) -> Reading:
    """The first that is read for a question."""
    return next(iter(questions.planned(asked_by(question(**fields)), KEPT, METRICS).readings))


def asked(found: list[NamedRow], as_of: int = TO, **fields: Any) -> QueryAnswer:
    return answered(question(**fields), KEPT, METRICS, found, as_of)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"metric": "request"}, "metric"),
        ({"aggregate": "p95"}, "aggregate"),
        ({"filters": {"model": "x"}}, "model"),
        ({"group_by": ["service", "model"]}, "group_by"),
        ({"to_ms": FROM}, "from"),
        ({"from_ms": -1}, "from"),
        ({"to_ms": 10**18}, "to"),
        ({"resolution": "1s", "from_ms": FROM - 86_400_000}, "resolution"),
        ({"resolution": "1s", "from_ms": FROM - 7_200_000, "to_ms": FROM - 3_600_000}, "resolution"),
        ({"from_ms": 0}, "from"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_the_field_that_is_wrong(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(QueryError) as caught:
        asked([], **fields)
    assert (caught.value.code, caught.value.field) == ("invalid", field)


@pytest.mark.parametrize("metric", FED)
def test_every_aggregate_of_every_metric_has_a_plan_and_an_answer_without_data(metric: str) -> None:
    for aggregate in fields_of(FED[metric]):
        if aggregate == "share":
            continue  # needs something to group by
        found = asked([], metric=metric, aggregate=aggregate)
        assert found.unit
        (series,) = found.series
        assert series.points == []
        assert series.total == (0 if aggregate in ("count", "errors", "sum", "rate", "sum_rate", "uniques") else None)
        taken = FED[metric].share(aggregate)
        for dimension in FED[metric].dimensions:
            if taken is not None and dimension == taken.dimension:
                continue
            assert asked([], metric=metric, aggregate=aggregate, group_by=[dimension]).series == []


def test_a_range_is_widened_to_whole_windows_and_the_answer_says_so() -> None:
    found = asked([], from_ms=FROM + 1, to_ms=TO - 1)
    assert (found.from_ms, found.to_ms, found.resolution, found.source) == (FROM, TO, "1s", "rollup_1s")


def test_only_what_is_needed_is_read() -> None:
    assert reading().statement == COUNTS
    assert reading(metric="request_duration_ms", aggregate="p99").statement == HISTOGRAMS
    assert reading(metric="request_duration_ms", aggregate="avg").statement == COUNTS
    assert reading(metric="sessions", aggregate="uniques").statement == UNIQUES
    assert reading(filters={"route": 'a"b'}).labels == '{"route":"a\\"b"}'


def test_a_service_is_found_by_the_name_that_people_gave_it() -> None:
    assert reading(filters={"service": "Checkout Service.v2"}).labels == '{"service":"checkout-service-v2"}'


def test_text_that_no_label_holds_is_refused_by_its_field() -> None:
    with pytest.raises(QueryError, match="U\\+0000") as raised:
        asked([], filters={"route": "a\0b"})
    assert raised.value.field == "route"


def test_rows_of_all_writers_and_series_come_together_by_group_and_window() -> None:
    found = records(
        "requests",
        (FROM, ("api", "/a", "200"), Cell(count=3)),
        (FROM, ("api", "/a", "200"), Cell(count=4)),
        (FROM, ("api", "/b", "500"), Cell(count=5, errors=5)),
        (FROM + 1000, ("web", "/a", "200"), Cell(count=1)),
    )
    (total,) = asked(found).series
    assert (total.labels, total.total, total.points) == ({}, 13, [(FROM, 12), (FROM + 1000, 1)])
    by_service = asked(found, group_by=["service"]).series
    assert [(s.labels, s.total) for s in by_service] == [({"service": "api"}, 12), ({"service": "web"}, 1)]
    assert asked(found, aggregate="error_rate").series[0].total == pytest.approx(5 / 13)
    assert asked(found, aggregate="error_rate").series[0].points[1] == (FROM + 1000, 0)


def test_a_total_percentile_comes_from_merged_histograms_and_never_from_points() -> None:
    rng = np.random.default_rng(3)
    fast, slow = rng.uniform(1, 2, 990), rng.uniform(900, 1000, 10)

    def cell(values: Any) -> Cell:
        return Cell(count=len(values), sum=values.sum(), min=values.min(), max=values.max(), histogram=Histogram.of(values))

    labels = ("api", "/a", "200")
    found = records("request_duration_ms", (FROM, labels, cell(fast)), (FROM + 1000, labels, cell(slow)))
    (series,) = asked(found, metric="request_duration_ms", aggregate="p95").series
    assert series.total == pytest.approx(np.quantile(np.concatenate([fast, slow]), 0.95), rel=0.0101)
    assert [value for _, value in series.points] == [
        pytest.approx(np.quantile(fast, 0.95), rel=0.0101),
        pytest.approx(np.quantile(slow, 0.95), rel=0.0101),
    ]
    (average,) = asked(found, metric="request_duration_ms", aggregate="avg").series
    assert average.total == pytest.approx(np.concatenate([fast, slow]).mean())


def test_distinct_users_of_a_range_are_not_the_sum_of_its_windows() -> None:
    cells = [Cell(count=3, sketch=uniques.sketch(["a", "b", "c"])), Cell(count=2, sketch=uniques.sketch(["b", "d"]))]
    found = records("active_users", (FROM, (), cells[0]), (FROM + 1000, (), cells[1]))
    (series,) = asked(found, metric="active_users", aggregate="uniques").series
    assert series.total == pytest.approx(4, rel=0.01)
    assert [round(value) for _, value in series.points] == [3, 2]


def test_a_rate_is_per_second_of_the_part_that_has_passed() -> None:
    found = records("requests", (FROM, ("api", "/a", "200"), Cell(count=30)))
    (series,) = asked(found, as_of=FROM + 15_000, aggregate="rate").series
    assert series.total == 2
    assert series.points == [(FROM, 30)]
    assert asked(found, as_of=TO + 1, aggregate="rate").series[0].total == 0.5


def test_too_many_series_or_rows_are_an_error_and_not_a_cut_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    many = records("topics", *((FROM, (f"t{n}",), Cell(count=1)) for n in range(questions.MAX_SERIES + 1)))
    with pytest.raises(QueryError, match="501 series are more than 500: group by less, or filter") as caught:
        asked(many, metric="topics", group_by=["topic"])
    assert caught.value.field == "group_by"
    assert asked(many, metric="topics").series[0].total == 501
    monkeypatch.setattr(readings, "MAX_ROWS", 500)
    with pytest.raises(QueryError, match="more than 500 rows"):
        asked(many, metric="topics")


def binned(found: list[NamedRow], bins: int, **fields: Any) -> QuestionAnswer:
    asked = Question(metric="request_duration_ms", aggregate="p50", bins=bins, **fields)
    plan = questions.planned(
        QuestionSet(tenant="t", questions=[asked], from_ms=FROM, to_ms=TO, resolution="10s"), KEPT, METRICS
    )
    (answer,) = questions.answers(plan, cells_of(plan, found), {}, TO).answers
    return answer


def duration_cell(*values: float) -> Cell:
    return Cell(count=len(values), sum=sum(values), min=min(values), max=max(values), histogram=Histogram.of(values))


def test_values_are_counted_in_ranges_whose_bounds_are_those_of_the_histogram() -> None:
    rng = np.random.default_rng(7)
    early, late = (rng.lognormal(4, 1, 4_000) for _ in range(2))
    found = records(
        "request_duration_ms",
        (FROM, ("api", "/a", "200"), duration_cell(*early)),
        (FROM + 20_000, ("web", "/a", "200"), duration_cell(*late)),
    )
    answer = binned(found, 30)
    values = np.concatenate([early, late])
    (series,) = answer.series
    assert len(answer.edges) == 31
    assert (answer.edges[0], answer.edges[-1]) == (values.min(), values.max())
    assert series.counts == np.histogram(values, answer.edges)[0].tolist()
    assert series.counts_by_step == [
        (FROM, np.histogram(early, answer.edges)[0].tolist()),
        (FROM + 20_000, np.histogram(late, answer.edges)[0].tolist()),
    ]
    api, other = binned(found, 5, group_by=["service"], top=1).series
    assert [sum(api.counts), sum(other.counts)] == [4_000, 4_000]


def test_values_that_are_close_have_fewer_ranges_and_none_have_none() -> None:
    def of(*values: float) -> tuple[list[float], list[int]]:
        found = binned(records("request_duration_ms", (FROM, ("a", "/", "200"), duration_cell(*values))), 10)
        return found.edges, found.series[0].counts

    assert of(5, 5, 5) == ([5, 5], [3])
    edges, counts = of(-10, 0, 0, 10)
    assert edges[0] == -10
    assert edges[-1] == 10
    assert sorted(edges) == edges
    assert sum(counts) == 4
    assert binned([], 10).edges == []
    assert binned([], 10).series[0].counts == []


@pytest.mark.parametrize(
    ("fields", "error"),
    [({"bins": 1}, "2 to 100"), ({"bins": 101}, "2 to 100"), ({"bins": 9, "aggregate": "avg"}, "a percentile such as p50")],
)
def test_ranges_are_of_a_distribution(fields: dict[str, Any], error: str) -> None:
    asked = Question(**({"metric": "request_duration_ms", "aggregate": "p50"} | fields))
    with pytest.raises(QueryError, match=error) as refused:
        questions.planned(QuestionSet(tenant="t", questions=[asked], from_ms=FROM, to_ms=TO), KEPT, METRICS)
    assert refused.value.field == "questions.0.bins"
