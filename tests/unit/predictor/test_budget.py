"""How many series are watched in all, and who gets the room where there is too little."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drishti.events import Aggregate, AggregateSeries
from drishti.measures.definitions import OTLP, Kind, MetricDefinition
from predictor.anomalies import insights
from predictor.anomalies.engine import Engine
from predictor.replicas.refusals import REPEAT_S, REPORT_S, Refusals
from predictor.series.budget import REMEMBERED_S, Budget, max_min, shared
from predictor.series.policies import Policies

T0 = 1_790_000_000
LARGE, SMALL = (
    MetricDefinition(name=name, kind=Kind.GAUGE, unit="Cel", origin=OTLP, watched=True) for name in ("large", "small")
)
POLICIES = Policies(lambda _tenant: {"large": LARGE, "small": SMALL})


@given(st.integers(0, 200), st.dictionaries(st.text("abcdef", min_size=1), st.integers(0, 80), max_size=8))
def test_nobody_gets_more_while_another_who_wants_more_gets_less(room: int, wanted: dict[str, int]) -> None:
    shares = max_min(room, wanted)
    assert shares.keys() == wanted.keys()
    assert sum(shares.values()) == min(room, sum(wanted.values()))
    for one, share in shares.items():
        assert 0 <= share <= wanted[one]
        if share < wanted[one]:
            assert all(other <= share + 1 for other in shares.values())


def test_tenants_share_before_their_metrics_do() -> None:
    wanted = {("busy", f"m{n:02}"): 50 for n in range(20)} | {("quiet", "a"): 90, ("quiet", "b"): 2}
    shares = shared(184, wanted)
    assert (shares["quiet", "a"], shares["quiet", "b"]) == (90, 2)
    assert sorted({share for (tenant, _), share in shares.items() if tenant == "busy"}) == [4, 5]


def take(engine: Engine, second: int, metric: str, rooms: Iterable[int], tenant: str = "acme") -> None:
    series = [AggregateSeries(labels={"room": f"{n:04}"}, count=1, sum=20.0 + n % 3) for n in rooms]
    engine.take(
        Aggregate(
            tenant=tenant,
            metric=metric,
            unit="Cel",
            resolution="1s",
            window_start=(T0 + second) * 1000,
            revision=1,
            final=True,
            published_at=0,
            series=series,
        )
    )


def rooms(engine: Engine, metric: str, tenant: str = "acme") -> list[int]:
    return [int(key.labels[0][1]) for key in engine.table.keys if (key.tenant, key.metric) == (tenant, metric)]


def test_a_metric_with_a_thousand_series_leaves_room_for_one_with_two() -> None:
    tables: list[Engine] = []
    budget = Budget(100, held=lambda: [engine.table for engine in tables])
    one, other = (Engine(POLICIES.watches, budget=budget) for _ in range(2))
    tables += [one, other]
    take(one, 0, "large", range(1000))
    assert rooms(one, "large") == list(range(100)), "there was room for no other"
    take(other, 0, "small", range(2))
    assert rooms(other, "small") == []
    assert budget.crowded
    more = budget.share_out(T0)
    assert more == {("acme", "large"): 2}
    assert one.give_up(more, T0) == [], "no incident was open"
    for second in range(1, 5):
        take(one, second, "large", range(1000))
        take(other, second, "small", range(2))
        assert budget.share_out(T0 + second) == {}
    assert rooms(one, "large") == list(range(98)), "those that were there first stay"
    assert rooms(other, "small") == [0, 1]
    assert budget.unwatched() == {("acme", "large"): 902}


def test_another_tenant_gets_its_part() -> None:
    budget = Budget(60)
    engine = Engine(POLICIES.watches, budget=budget)
    budget.held = lambda: [engine.table]
    take(engine, 0, "large", range(500))
    take(engine, 0, "large", range(40), tenant="globex")
    for second in (1, 2):
        engine.give_up(budget.share_out(T0 + second), T0 + second)
        take(engine, second, "large", range(500))
        take(engine, second, "large", range(40), tenant="globex")
    assert (len(rooms(engine, "large")), len(rooms(engine, "large", "globex"))) == (30, 30)


def test_a_series_that_is_given_up_ends_its_incident_with_the_reason() -> None:
    budget = Budget(3)
    engine = Engine(POLICIES.watches, budget=budget)
    budget.held = lambda: [engine.table]
    take(engine, 0, "large", range(3))
    row = next(row for row, key in enumerate(engine.table.keys) if key.labels[0][1] == "0002")
    cycle = engine.incidents.cycle
    now = cycle.read(row_of := engine.groups["acme", "large"].rows[row : row + 1])
    now["since"], now["direction"], now["kind"] = T0, 1, 1
    cycle.write(row_of, now)
    cycle.announce(row)
    take(engine, 1, "small", range(1))
    (ended,) = (insights.anomaly(finding) for finding in engine.give_up(budget.share_out(T0 + 1), T0 + 1))
    assert (ended.phase, ended.unjudged, ended.labels) == ("resolved", "not watched: budget", {"room": "0002"})


def test_the_room_of_what_is_gone_is_given_to_others_again() -> None:
    budget = Budget(4)
    engine = Engine(POLICIES.watches, budget=budget)
    budget.held = lambda: [engine.table]
    take(engine, 0, "large", range(4))
    take(engine, 1, "small", range(9))
    engine.give_up(budget.share_out(T0 + 1), T0 + 1)
    take(engine, 2, "small", range(9))
    assert (rooms(engine, "large"), rooms(engine, "small")) == ([0, 1], [0, 1])
    take(engine, 4000, "small", range(2))
    for at in (4001, 4001 + REMEMBERED_S, 4001 + 2 * REMEMBERED_S):
        budget.share_out(T0 + at)
    assert budget.unwatched() == {}
    assert not budget.crowded
    take(engine, 4200, "small", range(9))
    assert sorted(rooms(engine, "small")) == [0, 1, 2, 3], "rows that were silent for an hour are given away"


@pytest.mark.parametrize("count", [0, 902])
def test_what_is_not_watched_is_an_insight_of_the_metric(count: int) -> None:
    said = insights.unwatched("acme", "large", 98, count, T0, limit=2000)
    assert (said.tenant, said.metric, said.field, said.phase, said.severity) == ("acme", "large", "", None, "info")
    assert said.unjudged == ("not watched: budget" if count else None)
    assert said.message == (
        "902 of 1,000 series of large are not watched: budget. PREDICTOR_SERIES says for how many there is room in all, "
        "which is shared between the metrics"
        if count
        else "all series of large are watched"
    )


def test_it_says_which_of_the_two_limits_is_reached() -> None:
    said = insights.unwatched("acme", "large", 2000, 40, T0, limit=2000)
    assert said.message is not None
    assert said.message.endswith("not watched: budget. One metric may have 2,000 (PREDICTOR_MAX_SERIES)")


def test_what_is_not_watched_is_repeated_while_it_lasts() -> None:
    """Whoever was not there at the first report, and whoever forgot it, knows it after some minutes."""
    budget = Budget(0)
    refusals = Refusals(budget)
    budget.refuse(("acme", "large"), 1)
    assert len(refusals.changes(T0)) == 1
    assert refusals.changes(T0 + REPEAT_S - 1) == []
    assert [u.unwatched for u in refusals.changes(T0 + REPEAT_S)] == [1]
    assert refusals.changes(T0 + REPEAT_S + 1) == []


def test_what_is_not_watched_is_reported_when_it_changes_and_not_too_often() -> None:
    budget = Budget(0)
    refusals = Refusals(budget)
    metric = ("acme", "large")
    budget.refuse(metric, 1)
    assert [(u.metric, u.unwatched) for u in refusals.changes(T0)] == [(metric, 1)]
    budget.refuse(metric, 2)
    assert refusals.changes(T0 + 1) == []
    assert [u.unwatched for u in refusals.changes(T0 + REPORT_S)] == [2]
    for turn in range(1, 4):
        budget.share_out(T0 + turn * REMEMBERED_S)
    assert [u.unwatched for u in refusals.changes(T0 + 300)] == [0]
    assert refusals.changes(T0 + 400) == []
