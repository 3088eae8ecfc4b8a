"""The promises of the one default configuration, measured on an hour of recorded arrivals: what it finds, and how soon.

``pytest -s`` prints the figures. Where the recorded data is not there, seeded arrivals with the same statistics are used.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pytest

from predictor.anomalies.engine import Engine
from predictor.anomalies.findings import Finding
from predictor.anomalies.lifecycle import Phase
from predictor.seconds.detector import judge
from predictor.series.watch import Kind
from rigs import predictor_traffic as traffic
from rigs.predictor_traffic import START_S, Fault, Traffic

FINAL_S = 2.3
"""A window is final two seconds after its end, and published within 0.3 s."""

SHOWS = {
    "latency": lambda f: f.watch.kind is Kind.LEVEL and f.change.direction > 0,
    "errors": lambda f: f.key.field == "error_rate",
    "drop": lambda f: f.watch.kind is Kind.RATE and f.change.direction < 0,
}


@dataclass
class Report:
    """Of some hours: delays by fault (from the first affected window to the alarm), misses, and false alarms by series."""

    hours: float = 0.0
    series: int = 0
    delays: dict[str, list[float]] = field(default_factory=dict)
    missed: list[Fault] = field(default_factory=list)
    false: Counter[str] = field(default_factory=Counter)
    scores: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        total = sum(self.false.values())
        lines = [
            f"{self.hours:.1f} h undisturbed, {self.series} series: {total} false alarms, "
            f"{total / max(self.hours * self.series, 1e-9):.3f} a series and hour; most: {self.false.most_common(3)}"
        ]
        for kind, delays in sorted(self.delays.items()):
            missed = sum(f.kind == kind for f in self.missed)
            half, most, last = np.quantile(delays, [0.5, 0.95, 1.0])
            soon = np.mean(np.array(delays) <= 15)
            lines.append(
                f"{kind}: {len(delays)} of {len(delays) + missed} found, {soon:.0%} of them within 15 s; "
                f"delay p50 {half:.1f} s, p95 {most:.1f} s, worst {last:.1f} s"
            )
        return "\n".join(lines)


def arrivals(seed: int, start: int = 0) -> tuple[np.ndarray, np.ndarray]:
    actual = traffic.recorded()
    return traffic.rotated(*actual, start) if actual is not None else traffic.generated(seed)


def opened(engine: Engine, hour: Traffic, scores: list[float] | None = None) -> list[Finding]:
    actual = []
    for aggregate in hour.aggregates():
        actual += [f for f in engine.take(aggregate) if f.change is not None and f.change.phase is Phase.OPENED]
        if scores is not None and aggregate.window_start % 10_000 == 0:
            rows = engine.groups["default", aggregate.metric].rows
            verdicts = judge(engine.table, rows, aggregate.window_start // 1000)
            scores += verdicts.score[verdicts.judged].tolist()
    return actual


def undisturbed(report: Report, times: np.ndarray, tokens: np.ndarray, seed: int) -> None:
    engine = Engine()
    for finding in opened(engine, Traffic(times, tokens, (), seed), report.scores):
        report.false[str(finding.key)] += 1
    report.hours += times[-1] / 3600
    report.series = len(engine.table)


def planted(report: Report, times: np.ndarray, tokens: np.ndarray, seed: int, first: int = 180) -> None:
    rng = np.random.default_rng(seed + 77)
    faults = []
    at = first
    while at < times[-1] - 120:
        at += int(rng.integers(0, 60))
        faults.append(Fault(str(rng.choice(list(SHOWS))), at, 45))
        at += 220
    hour = Traffic(times, tokens, tuple(faults), seed)
    actual = opened(Engine(), hour)
    for fault, affected in hour.first_affected().items():
        ends = [f.at - START_S + 1 for f in actual if SHOWS[fault.kind](f)]
        inside = [end for end in ends if affected < end <= fault.start + fault.seconds + 20]
        if inside:
            report.delays.setdefault(fault.kind, []).append(min(inside) - affected + FINAL_S)
        else:
            report.missed.append(fault)


def _quiet_hour() -> Report:
    report = Report()
    undisturbed(report, *arrivals(0), seed=0)
    return report


def _troubled_hour() -> Report:
    report = Report()
    planted(report, *arrivals(1, start=1700), seed=1)
    return report


@pytest.fixture(scope="module")
def report() -> Report:
    with ProcessPoolExecutor(2) as pool:
        quiet, troubled = pool.submit(_quiet_hour), pool.submit(_troubled_hour)
        report = quiet.result()
        report.delays, report.missed = troubled.result().delays, troubled.result().missed
    print(f"\n{report}")
    return report


def test_undisturbed_traffic_raises_at_most_one_alarm_a_series_and_hour(report: Report) -> None:
    assert max(report.false.values(), default=0) <= 1, report
    assert sum(report.false.values()) <= 0.5 * report.series, report


def test_planted_faults_are_found_within_fifteen_seconds(report: Report) -> None:
    assert set(report.delays) == set(SHOWS), report
    assert report.missed == [], report
    delays = np.concatenate([np.array(d) for d in report.delays.values()])
    assert np.mean(delays <= 15) >= 0.9, report


@pytest.mark.parametrize("kind", SHOWS)
@pytest.mark.parametrize("start", [300, 2100])
def test_a_fault_two_minutes_after_the_start_is_found_though_traffic_still_grew(kind: str, start: int) -> None:
    """As the sample application plants it by default."""
    times, tokens = arrivals(2, start)
    early = times < 190
    fault = Fault(kind, 120, 45)
    traffic_ = Traffic(*traffic.starting(times[early], tokens[early], seed=start), (fault,), start)
    actual = opened(Engine(), traffic_)
    ends = [f.at - START_S + 1 for f in actual if SHOWS[kind](f)]
    affected = traffic_.first_affected()[fault]
    assert [f for f in actual if f.at - START_S < fault.start] == []
    assert min(ends, default=np.inf) - affected + FINAL_S <= 15


@pytest.mark.parametrize(("score", "low", "high"), [(0.9, 0.02, 0.15), (0.99, 0.0005, 0.02), (0.999, 0.0, 0.004)])
def test_score_means_how_rare_a_window_is(report: Report, score: float, low: float, high: float) -> None:
    share = float(np.mean(np.array(report.scores) > score))
    assert low <= share <= high, f"{share:.4f} of the windows score above {score}"
