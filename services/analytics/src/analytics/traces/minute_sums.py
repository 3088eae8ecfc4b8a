"""What the traces of one minute say together: one kind of sums for each question that ranges of time are asked. Pure.

Traces come in portions. A trace that crosses minutes is given whole to each, and counts in each what belongs there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from analytics.spans import bottleneck_walks, queues, service_calls
from analytics.spans.bottlenecks import Bottlenecks
from analytics.spans.queues import Queues
from analytics.spans.root_cause.records import LogRecord
from analytics.spans.root_cause.sums import Sums as Evidence
from analytics.spans.service_map import ServiceMap
from analytics.spans.span import Span
from analytics.spans.trace import Trace

MINUTE_NS = 60_000_000_000

MOST_EDGES = 2_000
"""Nodes and edges of the map of a minute."""

MOST_QUEUES = 500

MAP, BOTTLENECKS, EVIDENCE, QUEUES = "service_map", "bottlenecks", "evidence", "queues"
ALL = frozenset({MAP, BOTTLENECKS, EVIDENCE, QUEUES})


class Portion(NamedTuple):
    """Some traces that have a span in the minute, with what belongs to them: the spans of other traces to which they link, and
    log records by trace."""

    traces: Sequence[Trace]
    linked: Sequence[Span] = ()
    logs: Mapping[bytes, Sequence[LogRecord]] = {}


class MinuteSums:
    """Sums of the ``kinds`` of the minute that begins at ``minute`` (in whole minutes since 1970)."""

    def __init__(self, minute: int, kinds: frozenset[str] = ALL) -> None:
        self._minute = minute
        self.kinds = kinds
        self.traces = 0
        self.map = ServiceMap()
        self.bottlenecks = Bottlenecks()
        self.evidence = Evidence()
        self.queues = Queues()

    def add(self, portion: Portion) -> None:
        """Counts some traces."""
        self.traces += len(portion.traces)
        if MAP in self.kinds:
            maps = service_calls.service_maps(portion.traces, portion.linked)
            if (mine := maps.get(self._minute)) is not None:
                self.map.merge(mine)
        if QUEUES in self.kinds:
            self.queues.merge(queues.queues(portion.traces, portion.linked, self._minute))
        if BOTTLENECKS in self.kinds:
            walked = bottleneck_walks.bottlenecks(self._begun(portion.traces))
            if (sums := walked.get(self._minute)) is not None:
                self.bottlenecks.merge(sums)
        if EVIDENCE in self.kinds:
            for trace in self._begun(portion.traces):
                self.evidence.add_trace(trace, portion.logs.get(trace.trace_id, ()))

    def encoded(self) -> Mapping[str, bytes]:
        """The sums by their kind, within their bounds."""
        encoders: Mapping[str, Callable[[], bytes]] = {
            MAP: lambda: self.map.bounded(MOST_EDGES)[0].encode(),
            BOTTLENECKS: lambda: self.bottlenecks.bounded()[0].encode(),
            EVIDENCE: self.evidence.encode,
            QUEUES: lambda: self.queues.bounded(MOST_QUEUES).encode(),
        }
        return {kind: encoder() for kind, encoder in encoders.items() if kind in self.kinds}

    def _begun(self, traces: Iterable[Trace]) -> list[Trace]:
        """Those of ``traces`` whose root began in the minute."""
        return [trace for trace in traces if trace.spans[trace.root].start_ns // MINUTE_NS == self._minute]
