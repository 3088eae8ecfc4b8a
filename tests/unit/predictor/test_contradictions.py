"""No alarm contradicts itself: it opens, lasts, ends and adapts by a judged value, and says which; else it says why not."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re

import numpy as np
import pytest

from drishti.events import AnomalyInsight
from predictor.anomalies import insights, sentences
from predictor.anomalies.engine import Engine
from predictor.anomalies.evaluation import APART_S, Evaluation
from predictor.anomalies.findings import Finding, Lack
from predictor.anomalies.incidents import ADAPT_S, IMPROVED_S, LAPSE_S, ONGOING_S, UNJUDGED_S
from predictor.anomalies.lifecycle import Change
from predictor.anomalies.lifecycle import Phase as Told
from predictor.detectors.interface import Anomaly
from predictor.errors import ContradictoryInsight
from predictor.seconds.detector import EFFECTS, SPARSE, STALE_S, WIDEST_S, judge
from predictor.seconds.scales import _root_deviance, band
from predictor.seconds.verdicts import Statistic
from predictor.series.watch import Kind, SeriesKey
from rigs.predictor_phases import T0, Phase, after, alarms, gauges, live, tell, windows
from rigs.watches import watch

ERRORS = ("requests", "error_rate")
RATE = ("requests", "rate")
COUNTS, DURATIONS = ("requests",), ("request_duration_ms",)
MEAN, P95 = ("request_duration_ms", "avg"), ("request_duration_ms", "p95")


def check(reported: list[AnomalyInsight]) -> None:
    """Every sentence, number and word of each insight agrees with the others."""
    open_: dict[str, AnomalyInsight] = {}
    for one in reported:
        value, lower, upper = one.value, one.lower, one.upper
        if one.phase in ("opened", "ongoing"):
            assert value is not None, one
            assert lower is not None, one
            assert upper is not None, one
            assert value > upper if one.direction == "up" else value < lower, one
            assert one.window_ms, one
            assert one.statistic, one
            assert one.anomaly != "silence" or value == 0, one
        if one.unjudged is not None:
            assert one.severity != "critical", one
            assert "not judged" in (one.message or ""), one
        if one.phase == "ongoing" and one.unjudged is None:
            assert one.judged_at is None, one
        if one.phase == "resolved" and not one.adapted and one.unjudged is None:
            assert one.severity == "info"
            assert value is not None
            assert lower is not None
            assert upper is not None
            assert value <= upper if one.direction == "up" else value >= lower, one
        if one.adapted:
            assert value is not None
            assert lower is not None
            assert upper is not None
            assert not lower <= value <= upper, one
        _check_order(open_, one)


def _check_order(open_: dict[str, AnomalyInsight], one: AnomalyInsight) -> None:
    if one.phase == "opened":
        assert one.insight_id not in open_
        open_[one.insight_id] = one
    elif one.phase == "ongoing":
        assert one.insight_id in open_, one


THIN, BUSY = 0.8, 3.0


@pytest.mark.parametrize(("seed", "rate", "share"), list(itertools.product(range(2), (1.5, 8.0), (0.4, 1.0))))
def test_errors_that_ceased_are_over_soon_in_thin_traffic(seed: int, rate: float, share: float) -> None:
    reported = live(Phase(110, BUSY, ms=20), Phase(45, rate, share, ms=20), Phase(100, THIN, ms=20), seed=seed, metrics=COUNTS)
    check(reported)
    result = alarms(reported, *ERRORS)
    assert result[0].phase == "opened"
    assert result[0].at < (T0 + 155) * 1000
    assert (result[-1].phase, result[-1].adapted, result[-1].unjudged) == ("resolved", False, None)
    assert result[-1].at <= (T0 + 155 + 45) * 1000, "within three quarters of a minute"
    assert not [one for one in after(result, 170) if one.severity == "critical" and one.phase == "ongoing"]


@pytest.mark.parametrize("seed", range(2))
def test_a_slow_service_that_is_fast_again_in_thin_traffic_is_over_soon(seed: int) -> None:
    reported = live(Phase(150, 5.0), Phase(45, 4.0, ms=4000), Phase(100, 0.5), seed=seed, metrics=DURATIONS)
    check(reported)
    for series in (MEAN, P95):
        result = alarms(reported, *series)
        assert (result[0].phase, result[-1].phase, result[-1].adapted) == ("opened", "resolved", False)
        assert result[-1].at <= (T0 + 195 + 45) * 1000


@pytest.mark.parametrize("seed", range(2))
def test_a_service_that_stops_and_returns_recovers(seed: int) -> None:
    reported = live(Phase(150, 5.0), Phase(45, 5.0, 0.6), Phase(120, 0.0), Phase(90, 5.0), seed=seed, metrics=COUNTS)
    check(reported)
    silent = [one for one in alarms(reported, *RATE) if one.phase == "opened"]
    assert (silent[0].direction, silent[0].value, silent[0].severity) == ("down", 0.0, "critical")
    assert [(one.phase, one.adapted) for one in alarms(reported, *RATE)][-1] == ("resolved", False)
    failing = alarms(reported, *ERRORS)
    lacking = [one for one in failing if one.unjudged]
    assert {one.severity for one in lacking} == {"warning"}, "nobody knows that it is critical"
    assert lacking[0].unjudged == "no requests in 8 s, 10 needed"
    assert lacking[0].at <= (T0 + 195 + STALE_S + UNJUDGED_S + 2) * 1000
    assert (failing[-1].phase, failing[-1].adapted, failing[-1].unjudged) == ("resolved", False, None)
    assert failing[-1].at > (T0 + 195 + 120) * 1000, "nothing was judged before"


def test_an_incident_that_nobody_can_judge_any_more_is_closed_without_a_word_on_how_it_ended() -> None:
    reported = live(Phase(150, 5.0), Phase(45, 5.0, 0.6), Phase(LAPSE_S + 150, 0.0), metrics=COUNTS)
    check(reported)
    last = alarms(reported, *ERRORS)[-1]
    assert (last.phase, last.adapted, last.severity, last.value) == ("resolved", False, "info", None)
    assert last.unjudged is not None
    assert "whether it recovered is not known" in (last.message or "")
    (adapted,) = alarms(reported, *RATE, adapted=True)
    assert adapted.value == 0.0, "a rate is judged in silence too, and lasts"


@pytest.mark.parametrize("seed", range(2))
def test_one_error_now_and_then_in_three_requests_a_window_says_nothing(seed: int) -> None:
    reported = live(Phase(200, 0.4, 0.3), Phase(200, 0.3, 0.5), seed=seed, metrics=COUNTS)
    check(reported)
    assert alarms(reported, *ERRORS) == []
    lacking = [one for one in reported if one.phase is None and one.unjudged]
    assert all(re.fullmatch(r"(no|[\d.]+) requests? (expected )?in \d+ s, \d+ needed", one.unjudged or "") for one in lacking)


def test_an_incident_from_the_first_second_on_is_not_reported_by_what_has_no_past() -> None:
    reported = live(Phase(60, 5.0, 0.6, ms=3000), Phase(200, 5.0))
    check(reported)
    assert [one for one in reported if one.phase == "opened"] == []


@pytest.mark.parametrize("between", [30, 150])
def test_two_incidents_one_after_the_other_are_two(between: int) -> None:
    bad = Phase(90, 5.0, 0.5, ms=3000)
    reported = live(Phase(150, 5.0), bad, Phase(between, 5.0), bad, Phase(90, 5.0))
    check(reported)
    for series in (ERRORS, MEAN, P95):
        result = alarms(reported, *series)
        assert [one.phase for one in result if one.phase != "ongoing"] == ["opened", "resolved"] * 2, series


def test_a_band_does_not_learn_from_incidents() -> None:
    """As wide after three incidents as before the first."""
    bad, good = Phase(60, 5.0, 0.5, ms=30_000), Phase(120, 5.0)
    engine = Engine()
    stream = windows([Phase(300, 5.0), *[bad, good] * 3], 1)
    tell(engine, itertools.islice(stream, 2 * 300 + 2 * 5))
    before = _bands(engine)
    reported = tell(engine, stream)
    check(reported)
    after_them = _bands(engine)
    for name, (lower, upper) in before.items():
        assert after_them[name][1] - after_them[name][0] <= 1.25 * (upper - lower), name
    assert len(alarms(reported, *P95, phase="opened")) == 3
    row = next(row for row, key in enumerate(engine.table.keys) if (key.metric, key.field) == MEAN)
    known = engine.table.likelihoods.state(row + 1)["known"][row]
    slow = int((math.log2(5_000.0) + 4) * 3)
    assert known[slow:].sum() == 0, "nothing that took seconds is remembered"


def _bands(engine: Engine) -> dict[str, tuple[float, float]]:
    rows = np.arange(len(engine.table))
    result = judge(engine.table, rows, engine.judged_until())
    return {
        f"{key.metric}.{key.field}": (float(result.lower[row]), float(result.upper[row]))
        for row, key in enumerate(engine.table.keys)
    }


def test_a_level_that_was_adapted_to_and_left_again_leaves_no_band_that_holds_both() -> None:
    slow, fast = Phase(ADAPT_S + 60, 5.0, ms=34_000), Phase(IMPROVED_S + 60, 5.0)
    reported = live(Phase(200, 5.0), slow, fast, Phase(60, 5.0, ms=34_000), metrics=DURATIONS)
    check(reported)
    result = alarms(reported, *P95)
    ends = [(one.phase, one.adapted) for one in result if one.phase != "ongoing"]
    assert ends == [("opened", False), ("resolved", True), ("resolved", False), ("opened", False)]
    assert result[0].insight_id == next(one for one in result if one.phase == "resolved" and not one.adapted).insight_id
    again = [one for one in result if one.phase == "opened"][-1]
    assert again.upper is not None
    assert again.upper < 1_000, "it is held against what is fast"


def test_a_silence_that_was_adapted_to_is_reported_as_recovered() -> None:
    reported = live(Phase(200, 5.0), Phase(ADAPT_S + 60, 0.0), Phase(400, 5.0), metrics=COUNTS)
    check(reported)
    ends = [(one.phase, one.adapted) for one in alarms(reported, *RATE) if one.phase != "ongoing"]
    assert ends == [("opened", False), ("resolved", True), ("resolved", False)]


def by_chance(rng: np.random.Generator) -> Phase:
    return Phase(
        seconds=int(rng.integers(10, 400 if rng.random() < 0.15 else 90)),
        rate=float(rng.choice([0.0, 0.1, 0.4, 0.8, 1.3, 3.0, 8.0, 25.0])),
        errors=float(rng.choice([0.0, 0.0, 0.05, 0.3, 0.6, 1.0])),
        ms=float(rng.choice([20.0, 200.0, 200.0, 900.0, 4_000.0, 34_000.0])),
        bursty=bool(rng.random() < 0.5),
        spread=float(rng.choice([0.05, 0.3, 1.2])),
    )


@pytest.mark.parametrize("seed", range(8))
def test_nothing_contradicts_itself_whatever_happens(seed: int) -> None:
    """Load, failure, slowness and silence by chance, with a restart in the middle of it."""
    rng = np.random.default_rng(1000 + seed)
    begin = Phase(120, float(rng.choice([0.7, 2.0, 6.0, 20.0])), bursty=bool(rng.random() < 0.5))
    phases = [begin, *(by_chance(rng) for _ in range(5))]
    engine, reported, restart = Engine(), [], int(rng.integers(200, 600))
    for i, aggregate in enumerate(windows(phases, seed)):
        if i == restart:
            keys, state = engine.state()
            engine = Engine()
            engine.restore(keys, {name: array.copy() for name, array in state.items()})
        reported += tell(engine, [aggregate])
    check(reported)


def finding(**fields: object) -> Finding:
    change = Change(0, 0, Told.ONGOING, T0, 1, Anomaly.SPIKE, "critical")
    made = Finding(
        key=SeriesKey("default", "llm_requests", "rate", (("model", "large"),)),
        watch=watch("llm_requests", "rate"),
        at=T0 + 30,
        change=change,
        ready=True,
        score=0.999,
        value=3.88,
        expected=3.0,
        lower=0.0,
        upper=8.02,
        window_s=8.0,
        weight=8.0,
    )
    return dataclasses.replace(made, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("phase", [Told.OPENED, Told.ONGOING, Told.ESCALATED, Told.UNJUDGED])
@pytest.mark.parametrize("direction", [1, -1])
def test_an_alarm_whose_value_is_as_expected_cannot_be_made(phase: Told, direction: int) -> None:
    change = Change(0, 0, phase, T0, direction, Anomaly.SILENCE if direction < 0 else Anomaly.SPIKE, "critical")
    for value in (3.88, 0.0 if direction < 0 else 8.02, 9.0 if direction < 0 else -1.0):
        with pytest.raises(ContradictoryInsight, match="is not beyond"):
            insights.anomaly(finding(change=change, value=value))
    assert insights.anomaly(finding(change=change, value=9.0 if direction > 0 else -1.0)).phase in ("opened", "ongoing")


def test_what_decided_is_what_is_said() -> None:
    gap = finding(
        change=Change(0, 0, Told.OPENED, T0, -1, Anomaly.SILENCE, "critical"),
        value=0.0,
        expected=3.2,
        usual=3.2,
        lower=1 / 15,
        statistic=Statistic.GAP,
        window_s=17.0,
    )
    reported = insights.anomaly(gap)
    assert (reported.statistic, reported.window_ms, reported.value) == ("gap", 17_000, 0.0)
    assert reported.message == (
        "llm_requests rate of model large is silent: nothing came for 17 s; no longer than 15 s expected, at 3.2 requests/s"
    )
    rare = insights.anomaly(finding(value=9.5))
    assert rare.message == (
        "llm_requests rate of model large is 9.5 requests/s (76 in 8 s), for 30 s now; expected 0–8.0 requests/s (0 to 64)"
    )
    slow = finding(
        key=SeriesKey("default", "request_duration_ms", "avg"),
        watch=watch(*MEAN),
        statistic=Statistic.LIKELIHOOD,
        value=14.2,
        expected=0.3,
        lower=-4.0,
        upper=6.1,
        observed=4580.0,
        usual=880.0,
        weight=23.0,
    )
    reported = insights.anomaly(slow)
    assert (reported.unit, reported.observed, reported.usual, reported.observations) == ("", 4580.0, 880.0, 23.0)
    assert reported.message == (
        "request_duration_ms avg is slower than its last minutes explain: evidence 14.2 in 8 s, for 30 s now; "
        "expected -4.0 to 6.1 (on average 4,580 ms, usually 880 ms)"
    )
    lacking = insights.anomaly(
        finding(
            change=Change(0, 0, Told.UNJUDGED, T0, 1, Anomaly.SPIKE, "critical"),
            value=9.5,
            judged_at=T0 + 5,
            lack=Lack(held=8.8, needed=12, window_s=8),
        )
    )
    assert (lacking.severity, lacking.unjudged) == ("warning", "9 requests expected in 8 s, 12 needed")
    assert lacking.judged_at == (T0 + 5) * 1000
    assert lacking.message == (
        "llm_requests rate of model large is not judged now: 9 requests expected in 8 s, 12 needed. "
        "Last judged 25 s ago, it was 9.5 requests/s (76 in 8 s); expected 0–8.0 requests/s (0 to 64)"
    )


def test_what_only_single_answers_show_is_judged_by_them_and_a_mean_as_usual_is_not_critical() -> None:
    """Durations that scatter so widely that four times as long often lies in the band of their mean."""
    by = []
    for seed in range(2):
        reported = live(Phase(400, 3.0, spread=1.3), Phase(40, 3.0, ms=800.0, spread=1.3), seed=seed, metrics=DURATIONS)
        check(reported)
        by += [one for one in reported if one.statistic == "likelihood" and one.phase in ("opened", "ongoing")]
    assert by
    for one in by:
        assert one.unit == ""
        assert one.observed is not None
        assert one.usual is not None
        assert "slower than its last minutes explain" in (one.message or "")


@pytest.mark.parametrize("whole", [8.0, 10.0, 16.0, 200.0])
@pytest.mark.parametrize("usual", [0.002, 0.05, 0.4, 0.95])
def test_the_band_of_a_share_is_where_its_distance_says(whole: float, usual: float) -> None:
    q, n, spread = np.array([usual]), np.array([whole]), np.array([1.7])
    lower, upper = band(Kind.SHARE, np.zeros(1), spread, spread, q, n, n)
    edge = 2.776 * 1.7
    assert 0 <= lower[0] <= usual <= upper[0] <= 1
    if upper[0] < 1:
        assert _root_deviance(upper * n, n, q)[0] == pytest.approx(edge, rel=1e-4)
    if lower[0] > 0:
        assert _root_deviance(lower * n, n, q)[0] == pytest.approx(-edge, rel=1e-4)


def test_a_series_that_is_not_judged_is_reported_once_and_again_when_it_is() -> None:
    reported = live(Phase(200, 5.0), Phase(200, 0.5), Phase(200, 5.0), metrics=COUNTS)
    check(reported)
    states = [one for one in reported if one.phase is None and (one.metric, one.field) == ERRORS and one.state == "ready"]
    assert [one.unjudged for one in states] == [None, "4 requests in 8 s, 10 needed", None]
    assert states[1].message == "requests error_rate of service shop is not judged now: 4 requests in 8 s, 10 needed"
    assert states[2].message == "requests error_rate of service shop is judged again"
    assert len({one.insight_id for one in states}) == 3


def test_traffic_at_the_edge_of_what_is_enough_floods_nobody() -> None:
    evaluation, row, yes = Evaluation(), np.array([0]), np.array([True])
    evaluation.reset(0)
    reported = [at for at in range(1000) for _ in evaluation.step(row, np.array([at % 45 >= 32]), yes, T0 + at)]
    assert len(reported) >= 10
    assert all(later - earlier >= APART_S for earlier, later in itertools.pairwise(reported))


def test_constants_fit_each_other() -> None:
    assert max(EFFECTS[Kind.GAUGE].windows_s) < WIDEST_S
    assert STALE_S + UNJUDGED_S < LAPSE_S
    assert SPARSE > 1
    assert ONGOING_S < 120, "pages take an incident that is told no further for two minutes for one of which nothing is known"


@pytest.mark.parametrize("seed", range(4))
def test_nothing_contradicts_itself_by_the_minute(seed: int) -> None:
    rng = np.random.default_rng(seed)
    level = 5e8 * (1 + rng.normal(0, 0.02, 2000))
    for _ in range(4):
        begin, length = int(rng.integers(900, 1700)), int(rng.integers(3, 300))
        grown = np.linspace(1.0, rng.choice([1.0, 2.0]), length) * rng.choice([0.3, 1.4, 2.0, 8.0])
        level[begin : begin + length] *= grown
    gone = int(rng.integers(1000, 1900))
    level[gone : gone + int(rng.integers(2, 90))] = math.nan
    reported = tell(Engine(), gauges(level))
    for one in reported:
        if one.phase in ("opened", "ongoing") and one.value is not None:
            assert one.lower is not None
            assert one.upper is not None
            assert one.value > one.upper if one.direction == "up" else one.value < one.lower, one
        if one.unjudged:
            assert one.severity != "critical"
    assert [one for one in reported if one.phase == "opened"]


def test_the_detector_of_minutes_learns_nothing_of_an_incident() -> None:
    """What is expected after it is what was, and the band is no wider."""
    quiet = 5e8 * (1 + np.random.default_rng(3).normal(0, 0.01, 2000))
    disturbed = quiet.copy()
    disturbed[1700:1790] *= 6.0
    one, other = Engine(), Engine()
    for engine, values in ((one, quiet), (other, disturbed)):
        tell(engine, gauges(values[:1900]))
    rows = np.array([0])
    at = np.array([float(T0 + 60 * 1900)])
    calm, after_it = (engine.minutes._detector.update(rows, at, quiet[1900:1901]) for engine in (one, other))
    assert after_it.expected[0] == pytest.approx(calm.expected[0], rel=0.02)
    assert after_it.upper[0] - after_it.lower[0] <= 1.2 * (calm.upper[0] - calm.lower[0])


@pytest.mark.parametrize(
    ("held", "needed", "text"),
    [(4.0, 10.0, "4"), (11.7, 12.0, "11.7"), (11.96, 12.0, "11.96"), (0.4, 12.0, "0"), (9.6, 10.0, "9.6")],
)
def test_what_is_too_little_never_reads_as_enough(held: float, needed: float, text: str) -> None:
    assert sentences.below(held, needed) == text
