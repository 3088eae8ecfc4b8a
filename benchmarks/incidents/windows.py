"""Traffic to the final one-second aggregates that analytics would publish of it, in order. Pure.

As there: a counter's series that was active within :data:`ACTIVE_S` is in every window, with count 0 where nothing happened;
values and gauges are there in the seconds that have some. Only what the predictor watches is made: the totals and the series
by one label.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from benchmarks.incidents import application as app
from benchmarks.incidents.arrivals import Floats
from benchmarks.incidents.traffic import Rows, Traffic
from drishti.events import Aggregate, AggregateSeries
from drishti.measures.built_in import FED

ACTIVE_S = 300
FINAL_S = 2.5
"""A window is final two seconds after its end; the rest is publishing and judging it. Live: 2.1 to 3.0 s, median 2.5."""

_EVENT_TYPES = (*app.EVENTS, "llm_call", "cache_access")
_RESULTS = ("miss", "hit")


def aggregates(traffic: Traffic, start: int) -> Iterator[Aggregate]:
    """``start``: the second since 1970 in which the traffic begins."""
    windows = _Windows(start)
    parts = [_by_second(rows, traffic.plan.seconds) for rows in _tables(traffic)]
    for second in range(traffic.plan.seconds):
        requests, calls, lookups, tracked, reports = (rows[edges[second] : edges[second + 1]] for rows, edges in parts)
        yield from windows.counters(second, requests, calls, lookups, tracked)
        yield from windows.values(second, "request_duration_ms", requests, "service", app.SERVICES)
        yield from windows.values(second, "llm_duration_ms", calls, "model", app.MODELS)
        yield from windows.values(second, "llm_time_per_output_token_ms", paces(calls), "model", app.MODELS)
        yield from windows.gauge(second, "cpu_utilization", reports["cpu"], reports["service"])
        yield from windows.gauge(second, "memory_usage_bytes", reports["memory"], reports["service"])


class _Windows:
    """Makes aggregates, and remembers which counters were active when."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._active: dict[str, dict[str, int]] = {}

    def counters(self, second: int, requests: Rows, calls: Rows, lookups: Rows, tracked: Rows) -> Iterator[Aggregate]:
        types = np.bincount(tracked["type"], minlength=len(app.EVENTS)).tolist()
        types += [len(calls), len(lookups)]
        yield from self._counter(second, "requests", "service", *_counted(requests, "service", app.SERVICES))
        yield from self._counter(second, "llm_requests", "model", *_counted(calls, "model", app.MODELS))
        yield from self._counter(second, "events", "event_type", dict(zip(_EVENT_TYPES, types, strict=True)), {})
        results = np.bincount(lookups["hit"].astype(np.int64), minlength=2).tolist()
        yield from self._counter(second, "cache_requests", "result", dict(zip(_RESULTS, results, strict=True)), {})

    def values(self, second: int, metric: str, rows: Rows, label: str, names: Sequence[str]) -> Iterator[Aggregate]:
        if len(rows):
            series = [_distribution(rows["duration_ms"], {})]
            for place, name in enumerate(names):
                if len(part := rows["duration_ms"][rows[label] == place]):
                    series.append(_distribution(part, {label: name}))
            yield self._aggregate(second, metric, series)

    def gauge(self, second: int, metric: str, values: Floats, services: Floats) -> Iterator[Aggregate]:
        if len(values):
            series = [_level(values, {})]
            for place, name in enumerate(app.SERVICES):
                if len(part := values[services == place]):
                    series.append(_level(part, {"service": name}))
            yield self._aggregate(second, metric, series)

    def _counter(
        self, second: int, metric: str, label: str, counts: Mapping[str, int], errors: Mapping[str, int]
    ) -> Iterator[Aggregate]:
        active = self._active.setdefault(metric, {})
        active.update({name: second for name, count in counts.items() if count})
        shown = [name for name, last in active.items() if last >= second - ACTIVE_S]
        if shown:
            total = AggregateSeries(count=sum(counts.values()), errors=sum(errors.values()))
            parts = [AggregateSeries(labels={label: n}, count=counts[n], errors=errors.get(n, 0)) for n in shown]
            yield self._aggregate(second, metric, [total, *parts])

    def _aggregate(self, second: int, metric: str, series: list[AggregateSeries]) -> Aggregate:
        at = (self._start + second) * 1000
        published_at = at + 1000 + int(FINAL_S * 1000)
        return Aggregate(
            tenant="default",
            metric=metric,
            unit=FED[metric].unit,
            resolution="1s",
            window_start=at,
            revision=published_at,
            final=True,
            published_at=published_at,
            series=series,
        )


def paces(calls: Rows) -> Rows:
    """Calls that wrote something, with the time for each token in the place of their duration."""
    wrote = calls[~calls["failed"] & (calls["tokens"] > 0)].copy()
    wrote["duration_ms"] /= wrote["tokens"]
    return wrote


def _tables(traffic: Traffic) -> Iterable[Rows]:
    return traffic.requests, traffic.calls, traffic.lookups, traffic.tracked, traffic.reports


def _by_second(rows: Rows, seconds: int) -> tuple[Rows, list[int]]:
    return rows, np.searchsorted(rows["at"], np.arange(seconds + 1)).tolist()


def _counted(rows: Rows, label: str, names: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Rows and failed rows by name."""
    count = np.bincount(rows[label], minlength=len(names)).tolist()
    failed = np.bincount(rows[label][rows["failed"]], minlength=len(names)).tolist()
    return dict(zip(names, count, strict=True)), dict(zip(names, failed, strict=True))


def _distribution(values: Floats, labels: dict[str, str]) -> AggregateSeries:
    """Quantiles as analytics gives them: interpolated between neighbouring ranks."""
    ordered = np.sort(values)
    last = len(ordered) - 1
    p50, p95, p99 = np.interp(np.array([0.5, 0.95, 0.99]) * last, np.arange(last + 1), ordered).tolist()
    return AggregateSeries(
        labels=labels,
        count=last + 1,
        errors=0,
        sum=float(ordered.sum()),
        min=float(ordered[0]),
        max=float(ordered[-1]),
        p50=p50,
        p95=p95,
        p99=p99,
    )


def _level(values: Floats, labels: dict[str, str]) -> AggregateSeries:
    return AggregateSeries(
        labels=labels, count=len(values), sum=float(values.sum()), min=float(values.min()), max=float(values.max())
    )
