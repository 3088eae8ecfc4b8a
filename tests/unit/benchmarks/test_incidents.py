"""Planted incidents: their truth, what they change, and the marks that alarms get. Without servers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from analytics.ingest.batch import observe
from analytics.ingest.signals.events import SIGNAL as EVENTS
from benchmarks.incidents import application as app
from benchmarks.incidents import messages, plan, report, simulated, traffic, truth, windows
from benchmarks.incidents.affected import drift_shows
from benchmarks.incidents.arrivals import arrivals
from benchmarks.incidents.heard import Alarm, Heard
from benchmarks.incidents.plan import KINDS, Incident, Plan
from benchmarks.incidents.score import Score, score
from benchmarks.incidents.traffic import Traffic
from benchmarks.incidents.truth import Direction, Series, Truth
from drishti.events import Aggregate, AggregateSeries, AnalyticsEvent, AnomalyInsight, ForecastInsight, RequestEvent, encode
from rigs.watches import WATCHES
from wisdom import arrivals as hour

SECONDS = 400
BEGINS, ENDS = 200, 290


def with_incident(kind: str, seed: int = 1) -> Plan:
    """One incident in the middle of a short run, to the target and of the severity that the seed gives."""
    (drawn,) = plan.draw(seed, kinds=[kind]).incidents
    return Plan(seed, SECONDS, (replace(drawn, begins=BEGINS, ends=ENDS),))


def same(one: Traffic, other: Traffic) -> bool:
    names = ("requests", "calls", "lookups", "tracked", "reports")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def test_same_seed_gives_the_same_plan_and_the_same_traffic() -> None:
    assert plan.draw(5) == plan.draw(5)
    assert plan.draw(5) != plan.draw(6)
    planned = with_incident("traffic_surge")
    assert same(traffic.happen(planned), traffic.happen(planned))
    assert not same(traffic.happen(planned), traffic.happen(replace(planned, seed=2)))


def test_recording_that_fades_in_and_out_is_repeated_without_a_gap(tmp_path: Path) -> None:
    path = tmp_path / hour.RECORDED
    path.parent.mkdir()
    begin = datetime(2023, 11, 16, 18)
    times = [*range(0, 40, 4), *np.arange(40, 560, 0.2), *range(560, 600, 4)]
    rows = [f"{begin + timedelta(seconds=float(at)):%Y-%m-%d %H:%M:%S.%f}0,200,100" for at in times]
    path.write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *rows]) + "\n")
    result, tokens = arrivals(1, 2000, stream=0, data=tmp_path)
    assert len(result) == len(tokens)
    by_second = np.bincount(result.astype(int), minlength=2000)
    assert len(by_second) == 2000
    assert by_second.min() >= 4, "five a second in the middle of the recording, one in four seconds at its edges"


def test_every_kind_is_planned_once_with_quiet_around_it() -> None:
    drawn = plan.draw(3, warm_up_s=300, quiet_s=100, calm_s=50)
    assert sorted(i.kind for i in drawn.incidents) == sorted(KINDS)
    ends = [300 - 100, *(i.ends for i in drawn.incidents)]
    assert all(i.begins - before >= 100 for i, before in zip(drawn.incidents, ends, strict=False))
    assert drawn.seconds == drawn.incidents[-1].ends + 150
    for i in drawn.incidents:
        low, high = plan.SEVERITY[i.kind]
        assert low <= i.magnitude <= high


def test_unknown_kind_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no kind 'flood'; there are latency_step, .*memory_leak"):
        plan.draw(1, kinds=["flood"])


def test_truth_survives_its_file(tmp_path: Path) -> None:
    drawn = plan.draw(4)
    written = plan.truths(drawn, [i.begins + 2 for i in drawn.incidents], 1_790_000_000)
    truth.write(tmp_path / "truth.jsonl", written)
    assert truth.read(tmp_path / "truth.jsonl") == written
    assert len((tmp_path / "truth.jsonl").read_text().splitlines()) == len(KINDS)
    first = written[0]
    assert first.begins < first.first_affected < first.ends < first.over


def test_truth_names_only_series_that_the_predictor_watches() -> None:
    watched = {(w.metric, w.field): {(), *((label,) for label in w.by or ())} for w in WATCHES}
    for seed in range(6):
        for incident in plan.draw(seed).incidents:
            for series in plan.concerned(incident):
                assert tuple(series.labels) in watched[series.metric, series.field]


def aggregates(happened: Traffic) -> list[Aggregate]:
    return list(windows.aggregates(happened, 0))


def values(shown: list[Aggregate], series: Series) -> np.ndarray:
    """The series second by second; NaN where nothing was observed."""
    result = np.full(SECONDS, np.nan)
    for aggregate in shown:
        if aggregate.metric == series.metric:
            result[aggregate.window_start // 1000] = _value(series, aggregate.series)
    return result


def _value(series: Series, parts: list[AggregateSeries]) -> float:
    if series.field == "hit_rate":
        total, hits = (next((p.count for p in parts if p.labels == x), 0) for x in ({}, {"result": "hit"}))
        return hits / total if total else np.nan
    part = next((p for p in parts if p.labels == series.labels), None)
    if part is None:
        return np.nan
    if series.field == "rate":
        return part.count
    if not part.count:
        return np.nan
    if series.field == "error_rate":
        return (part.errors or 0) / part.count
    return part.sum / part.count if series.field == "avg" and part.sum is not None else part.p95 or np.nan


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_incident_changes_what_its_truth_says_and_nothing_before(kind: str, seed: int) -> None:
    planned = with_incident(kind, seed)
    happened, quiet = traffic.happen(planned), traffic.happen(replace(planned, incidents=()))
    (first,) = happened.first
    assert BEGINS <= first < ENDS
    shown, shown_quiet = aggregates(happened), aggregates(quiet)
    for series in plan.concerned(planned.incidents[0]):
        disturbed, usual = values(shown, series), values(shown_quiet, series)
        np.testing.assert_array_equal(disturbed[:BEGINS], usual[:BEGINS])
        during = slice(first + 5, ENDS)
        ratio = np.nanmean(disturbed[during]) / np.nanmean(usual[during])
        # the total of a leak or of one slow service holds the others too
        assert ratio >= 1.15 if series.direction == "up" else ratio <= 0.5, series


@pytest.mark.parametrize("kind", ["latency_step", "model_slow", "error_burst", "cache_collapse"])
def test_first_affected_window_is_the_first_that_differs(kind: str) -> None:
    planned = with_incident(kind)
    happened, quiet = traffic.happen(planned), traffic.happen(replace(planned, incidents=()))
    series = plan.concerned(planned.incidents[0])[0]
    disturbed, usual = values(aggregates(happened), series), values(aggregates(quiet), series)
    differs = ~((disturbed == usual) | (np.isnan(disturbed) & np.isnan(usual)))
    # a slow request is missing where it would have ended; what is measured of the fault itself comes later
    assert BEGINS <= np.flatnonzero(differs)[0] <= happened.first[0]
    assert differs[happened.first[0]]


def test_leak_counts_from_the_first_report_of_half_as_much_again() -> None:
    planned = with_incident("memory_leak")
    (incident,) = planned.incidents
    reached = BEGINS + (ENDS - BEGINS) * 0.5 / (incident.magnitude - 1)
    (first,) = traffic.happen(planned).first
    assert reached - 1 <= first <= reached + app.REPORT_EVERY_S + 1


@pytest.mark.parametrize("seed", [1, 2])
def test_drift_counts_from_when_ten_seconds_took_half_as_long_again_as_without_it(seed: int) -> None:
    planned = with_incident("latency_drift", seed)
    (incident,) = planned.incidents
    happened, quiet = traffic.happen(planned), traffic.happen(replace(planned, incidents=()))
    (first,) = happened.first

    def mean(t: Traffic, second: int) -> float:
        place = app.SERVICES.index(incident.target)
        at = t.requests["at"]
        newest = (t.requests["service"] == place) & (at >= second - 9) & (at < second + 1)
        return float(t.requests["duration_ms"][newest].mean())

    ratios = [mean(happened, second) / mean(quiet, second) for second in range(BEGINS, first + 1)]
    assert ratios[-1] >= plan.CHANGED > max(ratios[:-1])


def test_drift_that_never_shows_counts_at_its_end() -> None:
    incident = Incident("latency_drift", app.ACCOUNTS, 3.0, BEGINS, ENDS)
    nothing = traffic.happen(Plan(1, SECONDS, ())).requests
    assert drift_shows(incident, nothing, nothing) == ENDS - 1


def test_silent_service_sends_nothing_and_is_shown_with_zero() -> None:
    planned = Plan(1, SECONDS, (Incident("service_silence", app.ACCOUNTS, 0.0, BEGINS, ENDS),))
    happened = traffic.happen(planned)
    place = app.SERVICES.index(app.ACCOUNTS)
    for rows in (happened.requests, happened.reports):
        own = rows["at"][rows["service"] == place]
        assert len(own) > 0
        assert not ((own >= BEGINS) & (own < ENDS)).any()
    (series,) = plan.concerned(planned.incidents[0])
    assert values(aggregates(happened), series)[BEGINS:ENDS].tolist() == [0.0] * (ENDS - BEGINS)


def test_producer_sends_what_the_aggregates_count() -> None:
    happened = traffic.happen(Plan(1, 30, ()))
    sent = list(messages.messages(happened, simulated.START, "x"))
    assert [at for at, _ in sent] == sorted(at for at, _ in sent)
    events = [m for _, m in sent if isinstance(m, AnalyticsEvent)]
    requests = [m for _, m in sent if isinstance(m, RequestEvent)]
    assert len({m.event_id for m in [*events, *requests]}) == len(events) + len(requests)
    for kind, result in (("requests", requests), ("events", events)):
        counted = sum(a.series[0].count for a in windows.aggregates(happened, simulated.START) if a.metric == kind)
        assert counted == len(result) > 100
    for event in events:
        msgspec.json.decode(msgspec.json.encode(event), type=AnalyticsEvent)
        assert event.timestamp is not None
        assert 0 <= event.timestamp.timestamp() - simulated.START < 30


def test_time_per_output_token_is_what_analytics_draws_from_what_the_producer_sends() -> None:
    happened = traffic.happen(Plan(1, 60, ()))
    assert happened.calls["failed"].any(), "a failed call has no time per token"
    sent = [m for _, m in messages.messages(happened, simulated.START, "x") if isinstance(m, AnalyticsEvent)]
    items, refused = EVENTS.decode("default", encode(sent), datetime.fromtimestamp(simulated.START + 60, UTC), None)
    assert not refused
    metric = "llm_time_per_output_token_ms"
    drawn = {
        (series.second, series.labels[0]): (cell.count, cell.errors, cell.sum)
        for series, cell in observe([(EVENTS, items)], {}).cells().items()
        if series.metric == metric
    }
    tracked = {
        (aggregate.window_start // 1000, part.labels["model"]): (part.count, part.errors, part.sum)
        for aggregate in windows.aggregates(happened, simulated.START)
        if aggregate.metric == metric
        for part in aggregate.series
        if part.labels
    }
    assert {model for _, model in tracked} == {app.LARGE, app.SMALL}, "embed writes no tokens"
    assert drawn.keys() == tracked.keys()
    for key, result in tracked.items():
        assert result == pytest.approx(drawn[key], rel=1e-2)  # the producer rounds durations to 0.1 ms


def test_calls_that_failed_or_wrote_nothing_have_no_time_per_token() -> None:
    calls = np.array([(0.5, 0, 400.0, False, 50), (0.6, 0, 400.0, True, 50), (0.7, 2, 30.0, False, 0)], traffic.CALLS)
    assert windows.paces(calls)["duration_ms"].tolist() == [8.0]
    assert calls["duration_ms"].tolist() == [400.0, 400.0, 30.0], "the calls themselves stay as they are"


RATE = Series("requests", "rate", {"service": "accounts"}, "down")


def planted(begins: int, series: tuple[Series, ...] = (RATE,)) -> Truth:
    return Truth(
        seed=1,
        kind="service_silence",
        target="accounts",
        magnitude=0.0,
        begins=begins,
        first_affected=begins + 2,
        ends=begins + 45,
        series=series,
    )


def alarm(at: int, series: str = "requests.rate{service=accounts}", direction: Direction = "down") -> Alarm:
    return Alarm(series, direction, at, at + 3.5)


def marks(*alarms: Alarm, watched: dict[str, int] | None = None) -> Score:
    return score([planted(1000)], Heard(list(alarms), watched or {}), begin=0, end=2000)


def test_first_alarm_of_a_named_series_finds_the_incident() -> None:
    result = marks(alarm(1030), alarm(1004), alarm(1002, "events.rate"))
    assert result.outcomes[0].alarm == alarm(1004)
    assert result.outcomes[0].delay_s == pytest.approx(5.5)
    assert result.outcomes[0].within(15)
    assert result.false == ()


@pytest.mark.parametrize(
    "heard",
    [alarm(999), alarm(1105), alarm(1010, "requests.rate"), alarm(1010, direction="up")],
    ids=["before", "after its aftermath", "another series", "other direction"],
)
def test_alarm_that_does_not_fit_finds_nothing(heard: Alarm) -> None:
    assert marks(heard).outcomes[0].alarm is None


def test_alarms_outside_of_incidents_and_aftermaths_are_false() -> None:
    false = [alarm(500), alarm(999), alarm(1105, "events.rate")]
    assert marks(*false, alarm(1000), alarm(1104, "events.rate")).false == tuple(false)


def test_end_of_the_run_is_no_false_alarm() -> None:
    assert marks(alarm(1999), alarm(2000), alarm(2004)).false == (alarm(1999),)


def test_false_alarms_of_one_burst_are_one_moment() -> None:
    burst = [alarm(500), alarm(503, "events.rate"), alarm(530, "llm_requests.rate")]
    assert (marks().moments, marks(*burst).moments, marks(*burst, alarm(700)).moments) == (0, 1, 2)


def test_series_days_are_the_quiet_seconds_since_each_series_is_watched() -> None:
    result = marks(watched={"a": 100, "b": 1050})
    assert result.quiet_s == 2000 - 105
    assert result.series_days * 86_400 == pytest.approx((900 + 895) + 895)


def test_scores_of_runs_add_up() -> None:
    one, other = marks(alarm(500), watched={"a": 0}), marks(alarm(1010), watched={"a": 0, "b": 0})
    both = one + other
    assert len(both.outcomes) == 2
    assert both.series == 2
    assert both.series_days == pytest.approx(one.series_days + other.series_days)


def test_table_counts_what_was_found_and_says_what_was_missed() -> None:
    text = report.render(marks(alarm(1004)) + marks(alarm(1060), alarm(10), watched={"a": 0}))
    assert "| service_silence | 2 / 2 | 50% | 5.5 | 61.5 | 61.5 |" in text
    assert "* 1 × requests.rate{service=accounts} down" in text
    assert "* service_silence accounts 0 (seed 1): after 61.5 s" in text
    assert text.endswith("**missed**.\n")
    assert report.render(marks(alarm(1004))).endswith("day: met.\n")


def test_only_ready_series_are_watched_and_only_opened_anomalies_alarm() -> None:
    heard = Heard()
    said = AnomalyInsight(insight_id="1", tenant="default", metric="events", field="rate", state="learning", at=5000, model="m")
    heard.take(said, 8.0)
    heard.take(msgspec.structs.replace(said, state="ready", at=60_000), 63.0)
    heard.take(msgspec.structs.replace(said, state="ready", phase="opened", direction="up", at=90_000), 93.0)
    heard.take(msgspec.structs.replace(said, state="ready", phase="resolved", at=99_000), 102.0)
    forecast = ForecastInsight(
        insight_id="2", tenant="default", metric="events", field="rate", state="ready", at=10_000, model="m"
    )
    heard.take(forecast, 13.0)
    assert heard.watched == {"events.rate": 60}
    assert heard.alarms == [Alarm("events.rate", "up", 90, 93.0)]


def test_predictor_hears_a_silent_service_in_simulated_traffic() -> None:
    planned = Plan(1, 240, (Incident("service_silence", app.ACCOUNTS, 0.0, 200, 230),))
    happened = traffic.happen(planned)
    heard = simulated.listen(happened)
    truths = plan.truths(planned, happened.first, simulated.START)
    result = score(truths, heard, begin=simulated.START, end=simulated.START + 240)
    assert result.outcomes[0].within(report.WITHIN_S)
