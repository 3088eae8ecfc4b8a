"""The quiet times of a day: traces from before each fault and from the fault-free file, by the stretch of time they are in."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Iterator, Mapping, Sequence

from analytics.spans.root_cause.sums import Sums, merged
from benchmarks.rca import converter, synthetic
from benchmarks.rca.direct import Buckets, read_logs
from benchmarks.rca.nezha import Day, Fault, LogRow, SpanRow, service_of
from benchmarks.rca.scoring import INCIDENT_S, Judged, judged
from drishti.messages import subjects

GAP_S = 90
"""Without a trace for so long, a new stretch begins."""

MIN_TRACES = 10
MAX_TRACES = 150
"""Of one file, the earliest."""

MAX_APART = 0.7
"""Natural logarithm: how far the mean duration and size of a stretch's traces may be from those of the others."""

LOAD, LOAD_COLUMN = "k8s.pod.cpu.usage", "CpuUsage(m)"
LOAD_WITHIN_NS = 90 * 10**9
"""Samples of a gauge belong to a stretch that began so long before, at most."""

WINDOW_STRETCHES = 2
BASELINES = (3, 6, 12)
"""Stretches that make a baseline: a fault early in the day has few."""


def stretches(day: Day, faults: Sequence[Fault]) -> list[list[SpanRow]]:
    """The spans of the quiet traces of each stretch, in order of time."""
    begins = [fault.at_s for fault in faults]
    quiet: list[tuple[int, list[SpanRow]]] = []
    for rows in day.spans():
        traces: dict[bytes, list[SpanRow]] = {}
        for row in rows:
            traces.setdefault(row.trace_id, []).append(row)
        early = sorted(traces.values(), key=lambda spans: min(span.start_ns for span in spans))
        kept = [(_seconds(spans), spans) for spans in early if _is_quiet(spans, begins)]
        quiet += [(first, spans) for (first, _), spans in kept[:MAX_TRACES]]
    quiet.sort(key=lambda each: each[0])
    found: list[list[list[SpanRow]]] = []
    before = 0
    for first, spans in quiet:
        if first - before > GAP_S:
            found.append([])
        found[-1].append(spans)
        before = first
    return _alike([stretch for stretch in found if len(stretch) >= MIN_TRACES])


def _seconds(spans: Sequence[SpanRow]) -> tuple[int, int]:
    return min(span.start_ns for span in spans) // 10**9, max(span.end_ns for span in spans) // 10**9


def _is_quiet(spans: Sequence[SpanRow], begins: Sequence[int]) -> bool:
    first, last = _seconds(spans)
    return not any(begin - 2 <= last and first < begin + INCIDENT_S for begin in begins)


def _alike(stretches: list[list[list[SpanRow]]]) -> list[list[SpanRow]]:
    """The spans of those stretches that are as most are: some faults began before the list says so."""
    if not stretches:
        return []
    durations = [statistics.mean(math.log(_duration_ns(spans) + 1) for spans in stretch) for stretch in stretches]
    sizes = [math.log(statistics.mean(len(spans) for spans in stretch)) for stretch in stretches]
    typical, size = statistics.median(durations), statistics.median(sizes)
    return [
        [span for spans in stretch for span in spans]
        for stretch, duration, spans_each in zip(stretches, durations, sizes, strict=True)
        if abs(duration - typical) < MAX_APART and abs(spans_each - size) < MAX_APART
    ]


def _duration_ns(spans: Sequence[SpanRow]) -> int:
    return max(0, max(span.end_ns for span in spans) - min(span.start_ns for span in spans))


class Quiet:
    """The quiet stretches of a day with their log lines and sums."""

    def __init__(
        self,
        stretches: list[list[SpanRow]],
        logs: dict[bytes, list[LogRow]],
        loads: list[list[tuple[str, float]]],
    ) -> None:
        """``logs`` are by span id; ``loads`` are, by stretch, samples of how busy the processor of each service was."""
        self.stretches = stretches
        self.logs = logs
        self._loads = loads
        self._usual = [merged(_sums(stretch, logs).values()) for stretch in stretches]
        self._without_logs: dict[int, Sums] = {}

    @classmethod
    def of(cls, day: Day) -> Quiet:
        """Those of a recorded day."""
        found = stretches(day, day.faults())
        wanted = {span.span_id for stretch in found for span in stretch}
        logs: dict[bytes, list[LogRow]] = {}
        for lines in day.logs():
            for line in lines:
                if line.span_id in wanted:
                    logs.setdefault(line.span_id, []).append(line)
        return cls(found, logs, _loads(day, [min(span.start_ns for span in stretch) for stretch in found]))

    def usual(self, at: int, *, has_logs: bool, has_gauges: bool) -> Sums:
        """The sums of one stretch."""
        known = self._usual[at]
        if not has_logs:
            if at not in self._without_logs:
                self._without_logs[at] = merged(_sums(self.stretches[at], {}).values())
            known = self._without_logs[at]
        if not has_gauges:
            return known
        whole = merged([known])
        self.add_gauges(whole, at, {})
        return whole

    def add_gauges(self, sums: Sums, at: int, factors: Mapping[str, float]) -> None:
        """Adds how busy the processor of each service was in a stretch, some of them so many times more."""
        for service, value in self._loads[at]:
            sums.add_gauge(subjects.token(service), LOAD, value * factors.get(service, 1.0))

    def judge(self, kind: str, number: int, seed: int) -> Iterator[Judged]:
        """``number`` incidents of one kind in some stretches, each against a few others."""
        drawn = random.Random(f"{seed} {kind}")
        for _ in range(number if len(self.stretches) > WINDOW_STRETCHES else 0):
            order = drawn.sample(range(len(self.stretches)), len(self.stretches))
            chosen, rest = order[:WINDOW_STRETCHES], order[WINDOW_STRETCHES:]
            spans = [span for at in chosen for span in self.stretches[at]]
            roots = synthetic.trees(spans, self.logs)
            incident = synthetic.draw(roots, kind, drawn)
            if incident is None:
                continue
            for root in roots:
                synthetic.strike(incident, root, drawn)
            struck = Buckets()
            synthetic.add(struck, roots)
            baseline = [self._usual[at] for at in rest[: drawn.choice(BASELINES)]]
            fault = Fault(min(span.start_ns for span in spans) // 10**9, incident.place.service, kind)
            yield judged(fault, merged(struck.values()), baseline)._replace(about=_about(incident))


def _loads(day: Day, begins: Sequence[int]) -> list[list[tuple[str, float]]]:
    found: list[list[tuple[str, float]]] = [[] for _ in begins]
    for rows in day.gauges():
        for row in rows:
            for load, begin in zip(found, begins, strict=True):
                if 0 <= row.time_ns - begin < LOAD_WITHIN_NS:
                    load += [(service_of(row.pod), value) for name, value in row.values if name == LOAD_COLUMN]
    return found


def _sums(spans: Sequence[SpanRow], logs: dict[bytes, list[LogRow]]) -> Buckets:
    buckets = Buckets()
    lines = [line for span in spans for line in logs.get(span.span_id, ())]
    buckets.add_spans(converter.spans(spans), read_logs(converter.logs(lines)))
    return buckets


def _about(incident: synthetic.Incident) -> str:
    place = incident.place
    return (
        f"after {place.after!r} in {place.operation!r}; {'logged' if incident.is_logged else 'unlogged'}"
        f"{', error page' if incident.has_error_page else ''}{', status' if incident.has_status else ''}; {incident.share:.0%}"
    )
