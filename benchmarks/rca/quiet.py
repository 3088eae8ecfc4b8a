"""The quiet times of a day: traces from before each fault and from the fault-free file, by the stretch of time they are in."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Iterator, Sequence

from analytics.spans.root_cause.sums import merged
from benchmarks.rca import converter, synthetic
from benchmarks.rca.direct import Buckets, read_logs
from benchmarks.rca.nezha import Day, Fault, LogRow, SpanRow
from benchmarks.rca.scoring import INCIDENT_S, Judged, judged

GAP_S = 90
"""Without a trace for so long, a new stretch begins."""

MIN_TRACES = 10
MAX_TRACES = 150
"""Of one file, the earliest."""

MAX_APART = 0.7
"""Natural logarithm: how far the mean duration and size of a stretch's traces may be from those of the others."""

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

    def __init__(self, day: Day) -> None:
        self._stretches = stretches(day, day.faults())
        wanted = {span.span_id for stretch in self._stretches for span in stretch}
        self._logs: dict[bytes, list[LogRow]] = {}
        for lines in day.logs():
            for line in lines:
                if line.span_id in wanted:
                    self._logs.setdefault(line.span_id, []).append(line)
        self._usual = [merged(_sums(stretch, self._logs).values()) for stretch in self._stretches]

    def judge(self, kind: str, number: int, seed: int) -> Iterator[Judged]:
        """``number`` incidents of one kind in some stretches, each against a few others."""
        drawn = random.Random(f"{seed} {kind}")
        for _ in range(number if len(self._stretches) > WINDOW_STRETCHES else 0):
            order = drawn.sample(range(len(self._stretches)), len(self._stretches))
            chosen, rest = order[:WINDOW_STRETCHES], order[WINDOW_STRETCHES:]
            spans = [span for at in chosen for span in self._stretches[at]]
            roots = synthetic.trees(spans, self._logs)
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
