"""Simulated aggregates of the sample application, for the predictor's tests: recorded arrivals, or seeded ones.

Every arrival is a request of the service ``wisdom`` that asks one of two models and tells a few events; its latency is
lognormal around 100 ms plus 4 ms for each generated token, unless the cache has the answer (40 %); 1 % fail. These are the
sample application's own figures. Beside it the service ``gateway`` gets a sparse, clustered load, as when people open pages.
Windows count what *completed* in them.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from drishti.events import Aggregate, AggregateSeries
from drishti.measures.built_in import FED
from wisdom.arrivals import EDGE_S

START_S = 1_790_000_000
CACHED = 0.4
RECORDED = "llm-arrivals/azure_llm_2023_conv.csv"


@dataclass(frozen=True)
class Fault:
    """``kind`` is latency (×5), errors (30 %) or drop (to 10 %), from ``start`` for ``seconds``."""

    kind: str
    start: int
    seconds: int = 60


def recorded() -> tuple[np.ndarray, np.ndarray] | None:
    """Arrival (seconds from the first) and generated tokens of the recorded hour; ``None`` where the data is not there."""
    path = Path(os.environ.get("DRISHTI_DATA", Path(__file__).parents[3] / "shared" / "data")) / RECORDED
    if not path.is_file():
        return None
    with path.open(newline="") as file:
        rows = [
            (datetime.fromisoformat(r["TIMESTAMP"][:26]).timestamp(), int(r["GeneratedTokens"])) for r in csv.DictReader(file)
        ]
    times = np.array([t for t, _ in rows])
    return times - times[0], np.array([n for _, n in rows], float)


def rotated(times: np.ndarray, tokens: np.ndarray, by: int) -> tuple[np.ndarray, np.ndarray]:
    """The same traffic from second ``by`` on, its beginning at the end, without the edges within which it fades in and out."""
    steady = (times >= EDGE_S) & (times < np.ceil(times[-1]) - EDGE_S)
    length = np.ceil(times[-1]) - 2 * EDGE_S
    moved = (times[steady] - EDGE_S - by) % length
    order = np.argsort(moved, kind="stable")
    return moved[order], tokens[steady][order]


def starting(times: np.ndarray, tokens: np.ndarray, seed: int, over_s: float = 60.0) -> tuple[np.ndarray, np.ndarray]:
    """The same traffic to an application that has just started: few requests at first, all of them after ``over_s``."""
    come = np.random.default_rng(seed).random(len(times)) < 0.15 + 0.85 * times / over_s
    return times[come], tokens[come]


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


@dataclass(frozen=True)
class Traffic:
    """An hour of arrivals with faults in it. The same seed gives the same traffic, with or without faults."""

    times: np.ndarray
    tokens: np.ndarray
    faults: tuple[Fault, ...] = ()
    seed: int = 0
    per_token_ms: float = 4.0

    def first_affected(self) -> dict[Fault, int]:
        """The second in which each fault shows first: slow and failed requests show when they end, absent ones at once."""
        done, _, _, touched, _ = self._requests()
        return {f: f.start if f.kind == "drop" else int(done[touched == i].min(initial=1e9)) for i, f in enumerate(self.faults)}

    def _requests(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Of each request: its end (infinite: it never came), duration, failure, the fault that touched it, whether cached."""
        rng = np.random.default_rng(self.seed)
        n = len(self.times)
        cached = rng.random(n) < CACHED
        duration = np.where(cached, 20.0, 100 + self.per_token_ms * np.minimum(self.tokens, 600)) * rng.lognormal(0, 0.25, n)
        failed = rng.random(n) < 0.01
        luck = rng.random(n)
        done = self.times.copy()
        touched = np.full(n, -1)
        for i, fault in enumerate(self.faults):
            hit = (self.times >= fault.start) & (self.times < fault.start + fault.seconds)
            if fault.kind == "latency":
                duration = np.where(hit, duration * 5, duration)
            elif fault.kind == "errors":
                hit &= luck < 0.3
                failed |= hit
            elif fault.kind == "drop":
                hit &= luck < 0.9
                done[hit] = np.inf
            else:
                raise ValueError(fault.kind)
            touched[hit] = i
        return done + duration / 1000, duration, failed, touched, cached

    def aggregates(self) -> Iterator[Aggregate]:
        """The final one-second aggregates of the hour, in order."""
        rng = np.random.default_rng(self.seed + 1)
        seconds = int(self.times[-1]) + 1
        done, duration, failed, _, cached = self._requests()
        arrivals = np.bincount(self.times[np.isfinite(done)].astype(int), minlength=seconds)
        order = np.argsort(done, kind="stable")[: int(np.isfinite(done).sum())]
        done, duration, failed = done[order], duration[order], failed[order]
        asked = ~cached[order]
        small = rng.random(len(done)) < 0.7
        feedback = rng.random(len(done)) < 0.05
        pages = rng.random(seconds) < 1 / 90
        edges = np.searchsorted(done, np.arange(seconds + 1))
        for second in range(seconds):
            part = slice(edges[second], edges[second + 1])
            d, bad = duration[part], failed[part]
            models = {"small": d[asked[part] & small[part]], "large": d[asked[part] & ~small[part]]}
            calls = np.concatenate(list(models.values()))
            entrance = rng.lognormal(1.0, 0.5, int(rng.poisson(0.2) + (20 if pages[second] else 0)))
            services = {"gateway": entrance, "wisdom": d}
            every = np.concatenate(list(services.values()))
            types = {"dharma_query": arrivals[second], "wisdom_generated": (~bad).sum(), "feedback": feedback[part].sum()}
            hits = len(d) - len(calls)
            errors = {"wisdom": int(bad.sum())}
            lengths = {
                "service": {name: len(x) for name, x in services.items()},
                "model": {m: len(x) for m, x in models.items()},
            }
            yield _counter("requests", second, "service", lengths["service"], errors)
            yield _counter("events", second, "event_type", types)
            yield _counter("llm_requests", second, "model", _lengths(models))
            yield _counter("cache_requests", second, "result", {"hit": hits, "miss": len(calls)})
            if len(every):
                yield _aggregate("request_duration_ms", second, [_values(every), *_each("service", services)])
            if len(calls):
                yield _aggregate("llm_duration_ms", second, [_values(calls), *_each("model", models)])


def _counter(metric: str, second: int, label: str, counts: dict[str, Any], errors: dict[str, int] | None = None) -> Aggregate:
    errors = errors or {}
    total = AggregateSeries(count=int(sum(counts.values())), errors=sum(errors.values()))
    parts = [AggregateSeries(labels={label: k}, count=int(n), errors=errors.get(k, 0)) for k, n in counts.items()]
    return _aggregate(metric, second, [total, *parts])


def _lengths(parts: dict[str, np.ndarray]) -> dict[str, int]:
    return {name: len(durations) for name, durations in parts.items()}


def _each(label: str, parts: dict[str, np.ndarray]) -> list[AggregateSeries]:
    return [_values(durations, **{label: name}) for name, durations in parts.items() if len(durations)]


def _values(durations: np.ndarray, **labels: str) -> AggregateSeries:
    """As analytics tells of them: percentiles lie between neighbouring ranks."""
    p50, p95, p99 = np.quantile(durations, [0.5, 0.95, 0.99]).tolist()
    return AggregateSeries(
        labels=labels,
        count=len(durations),
        sum=float(durations.sum()),
        min=float(durations.min()),
        max=float(durations.max()),
        p50=p50,
        p95=p95,
        p99=p99,
    )


def _aggregate(metric: str, second: int, series: list[AggregateSeries]) -> Aggregate:
    start = (START_S + second) * 1000
    return Aggregate(
        tenant="default",
        metric=metric,
        unit=FED[metric].unit,
        resolution="1s",
        window_start=start,
        revision=start + 3000,
        final=True,
        published_at=start + 3200,
        series=series,
    )
