"""Simulated aggregates of the sample application, for the predictor's tests: recorded arrivals, or seeded ones.

Every arrival is a request of the service ``wisdom`` that asks one of two models and tells a few events; its latency is
lognormal around 300 ms plus 10 ms for each generated token, 1 % fail, and 40 % hit the cache. Beside it the service
``gateway`` gets a sparse, clustered load, as when people open pages. Windows count what *completed* in them.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from drishti.events import Aggregate, AggregateSeries

START_S = 1_790_000_000
RECORDED = "llm-arrivals/azure_llm_2023_conv.csv"


@dataclass(frozen=True)
class Fault:
    """``kind`` is latency (×5), errors (30 %) or drop (to 10 %), from ``start`` for ``seconds``."""

    kind: str
    start: int
    seconds: int = 60


def recorded() -> tuple[np.ndarray, np.ndarray] | None:
    """Arrival (seconds from the first) and generated tokens of the recorded hour; ``None`` where the data is not there."""
    path = Path(os.environ.get("DRISHTI_DATA", Path(__file__).parents[2] / "shared" / "data")) / RECORDED
    if not path.is_file():
        return None
    with path.open(newline="") as file:
        rows = [
            (datetime.fromisoformat(r["TIMESTAMP"][:26]).timestamp(), int(r["GeneratedTokens"])) for r in csv.DictReader(file)
        ]
    times = np.array([t for t, _ in rows])
    return times - times[0], np.array([n for _, n in rows], float)


def generated(seed: int, seconds: int = 3600) -> tuple[np.ndarray, np.ndarray]:
    """Arrivals with the statistics of the recorded ones: 5.5/s, a slow swing by a factor of two, and bursts of some seconds."""
    rng = np.random.default_rng(seed)
    slow = np.interp(np.arange(seconds), np.arange(0, seconds + 301, 300), rng.normal(0, 0.22, seconds // 300 + 2))
    fast = np.zeros(seconds)
    for i in range(1, seconds):
        fast[i] = 0.6 * fast[i - 1] + rng.normal(0, 0.16)
    counts = rng.poisson(5.5 * np.exp(slow + fast - 0.045))
    times = np.sort(np.repeat(np.arange(seconds), counts) + rng.random(counts.sum()))
    tokens = np.where(rng.random(len(times)) < 0.6, rng.normal(90, 30, len(times)), rng.normal(390, 60, len(times)))
    return times, np.clip(tokens, 16, 1000)


def aggregates(times: np.ndarray, tokens: np.ndarray, faults: tuple[Fault, ...] = (), seed: int = 0) -> Iterator[Aggregate]:
    """The final one-second aggregates of the hour, in order."""
    rng = np.random.default_rng(seed)
    seconds = int(times[-1]) + 1
    n = len(times)
    duration = (300 + 10 * tokens) * rng.lognormal(0, 0.25, n)
    failed = rng.random(n) < 0.01
    kept = np.ones(n, bool)
    for fault in faults:
        hit = (times >= fault.start) & (times < fault.start + fault.seconds)
        if fault.kind == "latency":
            duration = np.where(hit, duration * 5, duration)
        elif fault.kind == "errors":
            failed |= hit & (rng.random(n) < 0.3)
        elif fault.kind == "drop":
            kept &= ~hit | (rng.random(n) < 0.1)
        else:
            raise ValueError(fault.kind)
    arrivals = np.bincount(times[kept].astype(int), minlength=seconds)
    done = times + duration / 1000
    order = np.argsort(np.where(kept, done, np.inf), kind="stable")[: kept.sum()]
    done, duration, failed = done[order], duration[order], failed[order]
    n = len(done)
    model = rng.random(n) < 0.7
    cache = rng.random(n) < 0.4
    feedback = rng.random(n) < 0.05
    pages = rng.random(seconds) < 1 / 90
    edges = np.searchsorted(done, np.arange(seconds + 1))
    for second in range(seconds):
        part = np.arange(edges[second], edges[second + 1])
        d, bad, first, hits = duration[part], failed[part], model[part], cache[part]
        door = int(rng.poisson(0.2) + (20 if pages[second] else 0))
        door_ms = rng.lognormal(1.0, 0.5, door)
        yield _aggregate(
            "requests",
            "{request}",
            second,
            _counts(len(d) + door, bad.sum(), service=[("gateway", door, 0), ("wisdom", len(d), bad.sum())]),
        )
        if door or len(d):
            both = np.concatenate([d, door_ms])
            yield _aggregate(
                "request_duration_ms",
                "ms",
                second,
                [
                    _values(both),
                    *([_values(d, service="wisdom")] if len(d) else []),
                    *([_values(door_ms, service="gateway")] if door else []),
                ],
            )
        types = [
            ("dharma_query", int(arrivals[second]), 0),
            ("wisdom_generated", int((~bad).sum()), 0),
            ("feedback", int(feedback[part].sum()), 0),
        ]
        yield _aggregate("events", "{event}", second, _counts(sum(c for _, c, _ in types), 0, event_type=types))
        calls = [("small", int(first.sum()), 0), ("large", int((~first).sum()), 0)]
        yield _aggregate("llm_requests", "{request}", second, _counts(len(d), 0, model=calls))
        if len(d):
            split = [_values(x, model=m) for m, x in (("small", d[first]), ("large", d[~first])) if len(x)]
            yield _aggregate("llm_duration_ms", "ms", second, [_values(d), *split])
        yield _aggregate(
            "cache_requests",
            "{request}",
            second,
            _counts(len(d), 0, result=[("hit", int(hits.sum()), 0), ("miss", int((~hits).sum()), 0)]),
        )


def _counts(count: int, errors: int, **by: list[tuple[str, int, int]]) -> list[AggregateSeries]:
    series = [AggregateSeries(count=int(count), errors=int(errors))]
    for label, parts in by.items():
        series += [AggregateSeries(labels={label: value}, count=int(c), errors=int(e)) for value, c, e in parts]
    return series


def _values(durations: np.ndarray, **labels: str) -> AggregateSeries:
    ordered = np.sort(durations)
    rank = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return AggregateSeries(
        labels=labels,
        count=len(ordered),
        sum=float(ordered.sum()),
        p95=float(rank),
        min=float(ordered[0]),
        max=float(ordered[-1]),
    )


def _aggregate(metric: str, unit: str, second: int, series: list[AggregateSeries]) -> Aggregate:
    start = (START_S + second) * 1000
    return Aggregate(
        tenant="default",
        metric=metric,
        unit=unit,
        resolution="1s",
        window_start=start,
        revision=start + 3000,
        final=True,
        published_at=start + 3200,
        series=series,
    )
