"""A service that lives through phases of load, failure and slowness, in virtual time, for the predictor's tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from drishti.events import Aggregate, AggregateSeries, AnomalyInsight
from drishti.measures.built_in import FED
from predictor.anomalies import insights
from predictor.anomalies.engine import Engine

Resolution = Literal["1s", "1m"]

T0 = 1_790_000_000 // 60 * 60
SHOP = {"service": "shop"}
METRICS_OF_SHOP = ("requests", "request_duration_ms")


@dataclass(frozen=True)
class Phase:
    """For ``seconds``: ``rate`` requests a second, evenly or (``bursty``) by chance, of which the share ``errors`` fails; each
    takes ``ms``, give or take ``spread`` of it."""

    seconds: int
    rate: float
    errors: float = 0.0
    ms: float = 200.0
    bursty: bool = False
    spread: float = 0.2


def windows(
    phases: Iterable[Phase], seed: int, metrics: Sequence[str] = METRICS_OF_SHOP, begin: int = T0
) -> Iterator[Aggregate]:
    """The aggregates of ``metrics`` of each second, and of each minute that is over."""
    rng = np.random.default_rng(seed)
    second, minute = begin, [np.zeros((0, 2))]
    for phase in phases:
        due = 0.0
        for _ in range(phase.seconds):
            due += phase.rate
            count = int(rng.poisson(phase.rate)) if phase.bursty else int(due)
            due -= int(due)
            failed = rng.random(count) < phase.errors
            ms = phase.ms * rng.lognormal(0.0, phase.spread, count)
            minute.append(np.column_stack([failed, ms]))
            yield from _aggregates(metrics, "1s", second, minute[-1])
            second += 1
            if second % 60 == 0:
                yield from _aggregates(metrics, "1m", second - 60, np.concatenate(minute))
                minute = [np.zeros((0, 2))]


def gauges(values: Iterable[float], begin: int = T0) -> Iterator[Aggregate]:
    """The memory of the shop by the minute, reported twelve times in each; NaN: not at all."""
    for i, value in enumerate(values):
        count = 12 if np.isfinite(value) else 0
        series = [AggregateSeries(labels=SHOP, count=count, sum=value * count)] if count else []
        yield _aggregate("memory_usage_bytes", "1m", begin + 60 * i, series)


def tell(engine: Engine, aggregates: Iterable[Aggregate]) -> list[AnomalyInsight]:
    return [insights.anomaly(finding) for one in aggregates for finding in engine.take(one)]


def live(*phases: Phase, seed: int = 1, metrics: Sequence[str] = METRICS_OF_SHOP) -> list[AnomalyInsight]:
    """All that is reported of ``metrics`` of a service with these phases, in order."""
    return tell(Engine(), windows(phases, seed, metrics))


def alarms(reported: Iterable[AnomalyInsight], metric: str, field: str, **about: object) -> list[AnomalyInsight]:
    """What was reported of incidents of one series of the shop, and has these values."""
    result = (i for i in reported if (i.metric, i.field, i.labels) == (metric, field, SHOP) and i.phase is not None)
    return [i for i in result if all(getattr(i, name) == value for name, value in about.items())]


def after(reported: Iterable[AnomalyInsight], second: int) -> list[AnomalyInsight]:
    """What was reported of second ``second`` (since the begin) and later."""
    return [i for i in reported if i.at >= (T0 + second) * 1000]


def _aggregates(metrics: Sequence[str], resolution: Resolution, start: int, requests: np.ndarray) -> Iterator[Aggregate]:
    failed, ms = requests[:, 0], requests[:, 1]
    count = len(requests)
    counted = AggregateSeries(labels=SHOP, count=count, errors=int(failed.sum()))
    timed = AggregateSeries(labels=SHOP, count=count)
    if count:
        p50, p95, p99 = np.percentile(ms, (50, 95, 99)).tolist()
        timed = AggregateSeries(
            labels=SHOP, count=count, sum=float(ms.sum()), min=float(ms.min()), max=float(ms.max()), p50=p50, p95=p95, p99=p99
        )
    for metric, series in (("requests", counted), ("request_duration_ms", timed)):
        if metric in metrics:
            yield _aggregate(metric, resolution, start, [series])


def _aggregate(metric: str, resolution: Resolution, start: int, series: list[AggregateSeries]) -> Aggregate:
    return Aggregate(
        tenant="default",
        metric=metric,
        unit=FED[metric].unit,
        resolution=resolution,
        window_start=start * 1000,
        revision=0,
        final=True,
        published_at=(start + 61) * 1000,
        series=series,
    )
