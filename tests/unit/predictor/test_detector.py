"""The detector and the incidents, on small made-up series."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest

from drishti.events import Aggregate, AggregateSeries
from predictor.anomalies.engine import Engine
from predictor.anomalies.findings import Finding
from predictor.anomalies.incidents import ADAPT_S, ONGOING_S, OPEN_AFTER, Incidents
from predictor.anomalies.lifecycle import Change, Phase
from predictor.detectors.interface import Anomaly
from predictor.seconds.detector import judge, tail_probability
from predictor.seconds.effects import EFFECTS
from predictor.seconds.onset import BIN_S, LOOK_S, slow
from predictor.seconds.verdicts import Verdicts
from predictor.series.table import LENGTH
from predictor.series.watch import Kind

T0 = 1_790_000_000


def requests(second: int, count: int, errors: int = 0) -> Aggregate:
    return aggregate("requests", second, [AggregateSeries(count=count, errors=errors)])


def latency(second: int, value: float, count: int = 6) -> Aggregate:
    series = [AggregateSeries(count=count, sum=value * count, p95=value)] if count else []
    return aggregate("request_duration_ms", second, series)


def gauge(second: int, value: float) -> Aggregate:
    return aggregate("memory_usage_bytes", second, [AggregateSeries(count=1, sum=value)])


def aggregate(metric: str, second: int, series: list[AggregateSeries], *, revision: int = 1) -> Aggregate:
    start = (T0 + second) * 1000
    return Aggregate(
        tenant="default",
        metric=metric,
        unit="1",
        resolution="1s",
        window_start=start,
        revision=revision,
        final=True,
        published_at=start,
        series=series,
    )


def feed(engine: Engine, aggregates: Iterable[Aggregate]) -> list[Finding]:
    return [finding for item in aggregates for finding in engine.take(item)]


def changes(findings: list[Finding], field: str = "") -> list[tuple[int, Phase]]:
    return [(f.at - T0, f.change.phase) for f in findings if f.change and (not field or f.key.field == field)]


def poisson(seed: int, rate: float, n: int) -> list[int]:
    return np.random.default_rng(seed).poisson(rate, n).tolist()


def test_score_is_a_tail_probability_of_student_with_four_degrees_of_freedom() -> None:
    # table values of the two-sided 5 %, 1 % and 0.1 %
    got = tail_probability(np.array([0.0, 2.776445, 4.604095, -8.610302]))
    assert got == pytest.approx([1.0, 0.05, 0.01, 0.001], rel=1e-4)


def test_verdicts_of_the_past_do_not_change_when_more_follows() -> None:
    counts = poisson(1, 6, 400)
    counts[300:340] = [0] * 40
    items = [item for i, c in enumerate(counts) for item in (requests(i, c), latency(i, 200 + 20 * c))]

    def scores(part: list[Aggregate]) -> list[tuple[float, ...]]:
        engine = Engine()
        result = []
        for item in part:
            engine.take(item)
            rows = engine.groups["default", item.metric].rows
            verdicts = judge(engine.table, rows, item.window_start // 1000)
            result.append((*verdicts.score.tolist(), *verdicts.value.tolist(), *verdicts.upper.tolist()))
        return result

    assert scores(items)[:500] == scores(items[:500])


def test_new_series_learns_first_and_says_when_it_is_ready() -> None:
    findings = feed(Engine(), [requests(i, 6) for i in range(120)])
    rate = [(f.at - T0, f.ready) for f in findings if f.key.field == "rate"]
    assert rate[0] == (0, False)
    assert [ready for _, ready in rate] == [False, True]
    assert 55 <= rate[1][0] <= 90


def test_no_alarm_while_learning() -> None:
    counts = [6] * 30 + [200] * 25
    assert changes(feed(Engine(), [requests(i, c) for i, c in enumerate(counts)])) == []


@pytest.mark.parametrize("value", [0, 1, 7, 5000])
def test_constant_series_is_quiet(value: int) -> None:
    assert changes(feed(Engine(), [requests(i, value) for i in range(400)])) == []


def test_constant_latency_is_quiet_and_its_fivefold_is_found() -> None:
    values = [120.0] * 200 + [600.0] * 20
    findings = feed(Engine(), [latency(i, v) for i, v in enumerate(values)])
    for field in ("avg", "p95"):
        (change,) = changes(findings, field)
        assert change[1] is Phase.OPENED
        assert 200 <= change[0] <= 210
    opened = next(f for f in findings if f.change)
    assert opened.change is not None
    assert opened.change.direction == 1
    assert opened.expected == pytest.approx(120, rel=0.01)
    assert opened.lower < 120 < opened.upper < opened.value


def test_series_without_observations_is_quiet() -> None:
    assert changes(feed(Engine(), [latency(i, 0, count=0) for i in range(200)])) == []


def test_one_busy_second_is_no_incident() -> None:
    counts = poisson(2, 5, 300)
    counts[250] += 60
    counts[251] += 60
    assert changes(feed(Engine(), [requests(i, c) for i, c in enumerate(counts)])) == []


def test_one_slow_request_is_no_incident() -> None:
    values = [120.0] * 300
    values[250] = 9000.0
    assert changes(feed(Engine(), [latency(i, v) for i, v in enumerate(values)])) == []


def test_incident_opens_once_goes_on_and_is_resolved_once() -> None:
    errors = [0] * 200 + [3] * 70 + [0] * 60
    findings = feed(Engine(), [requests(i, 8, e) for i, e in enumerate(errors)])
    phases = changes(findings, "error_rate")
    assert [p for _, p in phases] == [Phase.OPENED, Phase.ONGOING, Phase.ONGOING, Phase.RESOLVED]
    assert 203 <= phases[0][0] <= 210
    assert phases[1][0] == phases[0][0] + ONGOING_S
    assert 280 <= phases[3][0] <= 295
    incidents = {f.change.since for f in findings if f.change}
    assert len(incidents) == 1


def test_fewer_errors_and_faster_answers_are_no_incidents() -> None:
    items = [requests(i, 8, 4 if i < 300 else 0) for i in range(400)] + [latency(i, 900 if i < 300 else 90) for i in range(400)]
    assert changes(feed(Engine(), items)) == []


def test_lasting_shift_becomes_the_new_normal() -> None:
    values = [120.0] * 200 + [700.0] * 700
    phases = changes(feed(Engine(), [latency(i, v) for i, v in enumerate(values)]), "avg")
    assert phases[0][1] is Phase.OPENED
    assert phases[-1][1] is Phase.ADAPTED
    assert ADAPT_S <= phases[-1][0] - phases[0][0] <= ADAPT_S + 5


def test_shift_that_became_normal_is_the_baseline_of_the_next_incident() -> None:
    values = [120.0] * 200 + [700.0] * 500 + [3500.0] * 15
    findings = feed(Engine(), [latency(i, v) for i, v in enumerate(values)])
    last = [f for f in findings if f.change and f.key.field == "avg"][-1]
    assert last.change is not None
    assert last.change.phase is Phase.OPENED
    assert last.expected == pytest.approx(700, rel=0.02)


def test_slow_growth_is_followed() -> None:
    counts = [poisson(i, 4 * 1.001**i, 1)[0] for i in range(900)]
    assert changes(feed(Engine(), [requests(i, c) for i, c in enumerate(counts)])) == []


def test_silence_of_all_aggregates_raises_nothing_and_their_return_neither() -> None:
    counts = poisson(3, 6, 400)
    items = [requests(i, c) for i, c in enumerate(counts) if not 250 <= i < 320]
    assert changes(feed(Engine(), items)) == []


@pytest.mark.parametrize("gap", [1, 5, 1000])
def test_gaps_leave_no_old_values_behind(gap: int) -> None:
    engine = Engine()
    feed(engine, [requests(i, 6) for i in range(100)])
    feed(engine, [requests(100 + gap, 6)])
    rows = engine.groups["default", "requests"].rows[:1]
    size = min(gap + 1, LENGTH)
    _, weight, _ = engine.table.window(rows, T0 + 100 + gap, size)
    assert weight[0].tolist() == [0.0] * (size - 1) + [1.0]


def test_late_revision_corrects_history_and_raises_nothing() -> None:
    engine = Engine()
    feed(engine, [requests(i, 6) for i in range(200)])
    late = [requests(190 + i, 6, errors=6) for i in range(9)]
    assert feed(engine, late) == []
    rows = engine.groups["default", "requests"].rows
    amount, _, _ = engine.table.window(rows, T0 + 199, 10)
    assert amount.sum() == 60 + 54, "ten seconds of six requests, nine of them with six errors"


def test_open_windows_are_passed_over_and_minutes_are_remembered() -> None:
    engine = Engine()
    item = requests(1, 6)
    item.final = False
    assert engine.take(item) == []
    assert len(engine.table) == 0
    item = requests(T0 // 60 * 60 - T0 + 60, 6)
    item.resolution = "1m"
    assert engine.take(item) == []
    (row,) = [row for row, key in enumerate(engine.table.keys) if (key.metric, key.field) == ("requests", "rate")]
    assert engine.history.values("1m", row).tolist() == pytest.approx([0.1]), "six requests in a minute, per second"
    assert engine.history.newest_s("1m", row) == T0 // 60 * 60 + 60


def test_memory_that_doubles_is_found_and_one_that_drifts_is_not() -> None:
    def at(i: int) -> float:
        return 8e7 * (1 + 0.0002 * i)

    def memory(doubled: bool) -> list[Aggregate]:
        return [gauge(i, at(i) * (2.2 if doubled and i >= 900 else 1)) for i in range(0, 1200, 5)]

    assert changes(feed(Engine(), memory(False))) == []
    result = changes(feed(Engine(), memory(True)))
    assert [p for _, p in result] == [Phase.OPENED, *[Phase.ONGOING] * (len(result) - 1)]


@pytest.mark.parametrize("factor", [1, 1000])
def test_scale_of_a_latency_does_not_matter(factor: float) -> None:
    noise = np.random.default_rng(5).lognormal(0, 0.3, 300)
    values = [100 * factor * x * (5 if i >= 250 else 1) for i, x in enumerate(noise)]
    opened, *later = changes(feed(Engine(), [latency(i, v) for i, v in enumerate(values)]), "avg")
    assert 250 < opened[0] <= 260
    assert {phase for _, phase in later} <= {Phase.ONGOING}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (lambda i, c: requests(i, c // 10), "rate"),
        (lambda i, c: requests(i, c * 4), "rate"),
        (lambda i, c: requests(i, c, round(c * 0.3)), "error_rate"),
    ],
    ids=["drop", "surge", "errors"],
)
def test_planted_fault_is_found_in_time(fault: Callable[[int, int], Aggregate], expected: str) -> None:
    counts = poisson(7, 6, 400)
    items = [fault(i, c) if i >= 300 else requests(i, c) for i, c in enumerate(counts)]
    at, phase = changes(feed(Engine(), items), expected)[0]
    assert phase is Phase.OPENED
    assert at - 300 < 12, "the window's end, to which the wait for its final revision is added"


def services(second: int, *names: str, tenant: str = "default") -> Aggregate:
    """Requests of each of them: two series, of the rate and the error rate."""
    result = aggregate("requests", second, [AggregateSeries(labels={"service": name}, count=6) for name in names])
    result.tenant = tenant
    return result


def test_full_metric_refuses_new_series_and_counts_them() -> None:
    engine = Engine(capacity=2)
    feed(engine, [services(0, "chat", "search"), latency(0, 100.0)])
    assert [(key.field, key.labels) for key in engine.table.keys if key.metric == "requests"] == [
        ("rate", (("service", "chat"),)),
        ("rate", (("service", "search"),)),
    ]
    assert engine.table.refused == 2
    assert len(engine.table) == 4, "another metric has room of its own"


def test_flood_of_one_tenant_takes_no_room_of_another() -> None:
    engine = Engine(capacity=40)
    feed(engine, [services(0, *(f"s{i}" for i in range(600)), tenant="acme"), services(0, "chat", tenant="globex")])
    assert sum(key.tenant == "acme" for key in engine.table.keys) == 40
    assert sum(key.tenant == "globex" for key in engine.table.keys) == 2
    findings = feed(engine, [services(i, "chat", tenant="globex") for i in range(1, 100)])
    assert {f.key.tenant for f in findings if f.ready} == {"globex"}


def test_silent_series_gives_its_row_to_a_new_one_of_its_metric() -> None:
    engine = Engine(capacity=4)
    feed(engine, [services(i, "chat", "search") for i in range(100)])
    feed(engine, [latency(0, 100.0)])
    feed(engine, [services(i, "chat") for i in range(100, 5000, 20)])
    feed(engine, [latency(5000, 100.0)])
    findings = feed(engine, [services(5000, "chat", "new")])
    assert [(f"{key.metric}.{key.field}", *dict(key.labels).values()) for key in engine.table.keys] == [
        ("requests.rate", "chat"),
        ("requests.rate", "new"),
        ("requests.error_rate", "chat"),
        ("requests.error_rate", "new"),
        ("request_duration_ms.p95",),
        ("request_duration_ms.avg",),
    ]
    assert [(f.key.labels, f.ready) for f in findings] == [((("service", "new"),), False)] * 2


def test_tenants_without_end_take_no_more_rows_than_all_together_may_have() -> None:
    engine = Engine(capacity=4)
    engine.table.budget.series = 6
    feed(engine, [services(0, "chat", "search", tenant="quiet")])
    feed(engine, [services(i, "chat", tenant="busy") for i in range(10)])
    feed(engine, [services(9, "chat", tenant=f"made-up-{n}") for n in range(50)])
    assert len(engine.table) == 6
    assert engine.table.refused == 100
    assert {key.tenant for key in engine.table.keys} == {"quiet", "busy"}
    feed(engine, [services(4999, "chat", tenant="busy")])
    findings = feed(engine, [services(i, "chat", tenant="new") for i in range(5000, 5010)])
    assert len(engine.table) == 6
    assert [key.tenant for key in engine.table.keys].count("new") == 2
    assert {finding.key.tenant for finding in findings} == {"new"}
    assert all(finding.key.tenant == "busy" for finding in feed(engine, [services(5010, "chat", tenant="busy")]))
    kept = feed(engine, [services(5011, "chat", "search", tenant="quiet")])
    assert {dict(finding.key.labels)["service"] for finding in kept} <= {"chat", "search"}


def test_restored_state_has_as_much_room_as_the_one_that_was_saved() -> None:
    whole, first, second = Engine(capacity=4), Engine(capacity=4), Engine(capacity=4)
    before = [services(0, "a", tenant="acme"), services(0, "a", "b", tenant="globex"), services(1, "c", tenant="globex")]
    after = [
        services(2, "b", "c", tenant="acme"),
        *(services(i, "b", tenant="globex") for i in range(2, 3700, 10)),
        services(3700, "b", "d", "e", tenant="globex"),
        services(3701, "b", "d", tenant="globex"),
    ]
    expected = feed(whole, before + after)
    result = feed(first, before)
    keys, state = first.state()
    second.restore(keys, {name: array.copy() for name, array in state.items()})
    result += feed(second, after)
    assert second.table.keys == whole.table.keys
    assert [(f.key, f.at, f.ready, f.score) for f in result] == [(f.key, f.at, f.ready, f.score) for f in expected]
    assert first.table.refused + second.table.refused == whole.table.refused == 7
    with pytest.raises(ValueError, match="4 series are more than the 3"):
        Engine(capacity=3).restore(keys, state)


def test_state_saved_and_restored_goes_on_as_if_nothing_had_happened() -> None:
    counts = poisson(9, 6, 420)
    items = [requests(i, c, 3 if i > 380 else 0) for i, c in enumerate(counts)]
    whole, first, second = Engine(), Engine(), Engine()
    expected = feed(whole, items)
    result = feed(first, items[:390])
    keys, state = first.state()
    second.restore(keys, {name: array.copy() for name, array in state.items()})
    result += feed(second, items[390:])
    assert [(f.at, f.change, f.score) for f in result] == [(f.at, f.change, f.score) for f in expected]


def verdicts(*, unusual: bool = False, grave: bool = False, kind: Anomaly = Anomaly.SPIKE) -> Verdicts:
    """Of one row, which is calm where it is not unusual."""
    yes, no, one = np.ones(1, np.bool_), np.zeros(1, np.bool_), np.ones(1)
    return Verdicts(
        judged=yes,
        ready=yes,
        seen=np.array([75]),
        unusual=yes & unusual,
        outside=yes & unusual,
        calm=no | (not unusual),
        improved=no,
        direction=np.array([1]),
        score=one,
        value=one,
        expected=one,
        lower=one,
        upper=one,
        observed=one,
        usual=one,
        statistic=np.zeros(1, np.int64),
        window_s=one,
        weight=one,
        needed=one,
        kind=np.array([kind if unusual else Anomaly.NONE]),
        grave=yes & grave,
        confidence=np.array([0.5]),
    )


def reported(said: Iterable[Verdicts]) -> list[Change]:
    incidents, row = Incidents(), np.array([0])
    incidents.reset(0)
    return [change for at, one in enumerate(said, start=T0) for change in incidents.step(row, one, at)]


def test_warning_that_becomes_critical_is_reported_once_more_and_stays_critical() -> None:
    mild, bad = verdicts(unusual=True), verdicts(unusual=True, grave=True)
    result = reported([mild] * OPEN_AFTER + [bad] * 3 + [mild] * (ONGOING_S - 2) + [bad] * 3)
    assert [(c.phase, c.severity) for c in result] == [
        (Phase.OPENED, "warning"),
        (Phase.ESCALATED, "critical"),
        (Phase.ONGOING, "critical"),
    ]
    assert {c.confidence for c in result} == {0.5}


def test_incident_that_opens_critical_has_nowhere_to_rise_to() -> None:
    result = reported([verdicts(unusual=True, grave=True)] * 10)
    assert [(c.phase, c.severity) for c in result] == [(Phase.OPENED, "critical")]


def test_drift_is_still_one_after_it_has_arrived() -> None:
    spike, drift = verdicts(unusual=True), verdicts(unusual=True, kind=Anomaly.DRIFT)
    result = reported([spike] * OPEN_AFTER + [drift] + [spike] * ONGOING_S)
    assert [(c.phase, c.kind) for c in result] == [(Phase.OPENED, Anomaly.SPIKE), (Phase.ONGOING, Anomaly.DRIFT)]


def test_what_is_adapted_to_is_a_shift() -> None:
    result = reported([verdicts(unusual=True)] * (ADAPT_S + 10))
    assert (result[-1].phase, result[-1].kind) == (Phase.ADAPTED, Anomaly.SHIFT)


@pytest.mark.parametrize(
    ("after", "expected"), [(lambda i: 0, Anomaly.SILENCE), (lambda i: 1, Anomaly.DROP), (lambda i: 40, Anomaly.SPIKE)]
)
def test_rate_says_what_happened_to_it(after: Callable[[int], int], expected: Anomaly) -> None:
    counts = poisson(11, 8, 300)
    findings = feed(Engine(), [requests(i, c if i < 250 else after(i)) for i, c in enumerate(counts)])
    opened = next(f.change for f in findings if f.change and f.key.field == "rate")
    assert opened.kind is expected


def test_memory_that_leaks_is_a_drift_found_soon_after_it_is_half_as_large_again() -> None:
    noise = np.random.default_rng(6).normal(1, 0.01, 500)
    items = [gauge(i, 8e7 * noise[i] * (1 + max(0, i - 400) / 45)) for i in range(0, 460, 5)]
    result = [f.change for f in feed(Engine(), items) if f.change]
    assert (result[0].phase, result[0].kind) == (Phase.OPENED, Anomaly.DRIFT)
    assert result[0].since - T0 <= 400 + 0.5 * 45 + 10


def test_line_is_distinguished_from_a_step() -> None:
    bins = np.arange(LOOK_S // BIN_S)

    def begins(shape: np.ndarray) -> bool:
        return slow(np.repeat(np.exp(5 + shape), BIN_S), np.ones(LOOK_S), 5.0)

    assert begins(np.maximum(0.0, bins - 5) * 0.2)
    assert begins(-np.maximum(0.0, bins - 5) * 0.2)
    assert not begins(np.where(bins > 5, 1.0, 0.0))


def test_few_milliseconds_wake_nobody() -> None:
    findings = feed(Engine(), [latency(i, 4.0 if i < 250 else 20.0) for i in range(300)])
    assert changes(findings) == []


def test_judging_series_in_blocks_or_one_by_one_gives_the_same() -> None:
    engine = Engine()
    for i in range(200):
        engine.take(requests(i, 5 + i % 3, i % 2))
    rows = np.arange(len(engine.table))
    whole = judge(engine.table, rows, T0 + 199)
    for row in rows:
        alone = judge(engine.table, rows[row : row + 1], T0 + 199)
        for name, values in vars(alone).items():
            assert values.tolist() == vars(whole)[name][row : row + 1].tolist(), name


def test_every_kind_is_judged_by_a_declared_effect() -> None:
    assert set(EFFECTS) == set(Kind)


def test_a_second_of_more_observations_than_can_be_kept_keeps_its_mean() -> None:
    engine = Engine()
    feed(engine, [latency(0, 250.0, count=200_000)])
    rows = engine.groups["default", "request_duration_ms"].rows
    amount, weight, _ = engine.table.window(rows, T0, 1)
    assert weight.max() == 65_535
    assert (amount / weight).tolist() == [[pytest.approx(250.0)]] * len(rows)
