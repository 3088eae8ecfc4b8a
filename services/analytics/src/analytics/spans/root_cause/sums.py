"""What root causes are ranked by: sums over the traces and gauges of a stretch of time, which merge by addition. Pure.

Sums of the same traces are equal in whatever order they were added and however they were split and merged, as long as no bound
is reached. A trace must be added once and whole. Sequences of transitions are kept of a sample of traces: those whose id has
the lowest hash, so that samples merge as well and replicas choose alike.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import math
import zlib
from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from analytics.spans.root_cause.records import LogRecord
from analytics.spans.root_cause.steps import Step, steps
from analytics.spans.root_cause.transitions import Origin, Transition, transitions
from analytics.spans.trace import NOBODY, Trace

FLOOR_MS = 1.0
"""Added before the logarithm of a duration: nobody waits for a fraction of a millisecond."""

MAX_STEPS = 4_096
MAX_TRANSITIONS = 16_384
MAX_GAUGES = 4_096
MAX_CALLS = 4_096
"""Different ones in one sum; further ones are counted in ``overflow``."""

MAX_SEQUENCES = 1_000
"""Traces whose sequence is kept."""

MAX_PASSED = 1_000
"""Different transitions of one trace that are kept, the first ones."""

Edge = tuple[str, str]
"""Caller and callee; the caller of an entry is empty."""

Gauge = tuple[str, str]
"""Service and name."""

Passed = tuple[Transition, ...]
"""The different transitions of one trace, in the order in which they were first taken."""

K = TypeVar("K")


class StepSum(msgspec.Struct, array_like=True, gc=False):
    """Of one step: how often, milliseconds, and their logarithms (plus :data:`FLOOR_MS`) with squares."""

    calls: int = 0
    ms: float = 0.0
    log: float = 0.0
    log2: float = 0.0

    def add(self, other: StepSum) -> None:
        self.calls += other.calls
        self.ms += other.ms
        self.log += other.log
        self.log2 += other.log2


class GaugeSum(msgspec.Struct, array_like=True, gc=False):
    """Of one gauge: how many samples, their sum and the highest."""

    samples: int = 0
    total: float = 0.0
    highest: float = -math.inf

    @property
    def mean(self) -> float:
        return self.total / self.samples

    def add(self, other: GaugeSum) -> None:
        self.samples += other.samples
        self.total += other.total
        self.highest = max(self.highest, other.highest)


class Sums:
    """See the module. ``lines`` are log records by service; ``sequences`` lie under the hash of their trace's id."""

    __slots__ = ("calls", "gauges", "lines", "overflow", "sequences", "steps", "traces", "transitions")

    def __init__(self) -> None:
        self.traces = 0
        self.overflow = 0
        self.steps: dict[Step, StepSum] = {}
        self.transitions: dict[Transition, int] = {}
        self.sequences: dict[int, Passed] = {}
        self.calls: dict[Edge, int] = {}
        self.gauges: dict[Gauge, GaugeSum] = {}
        self.lines: dict[str, int] = {}

    def add_trace(self, trace: Trace, logs: Iterable[LogRecord] = ()) -> None:
        """Adds a trace with its log records, which may come in any order."""
        self.traces += 1
        by_span: dict[bytes, list[LogRecord]] = {}
        for record in sorted(logs):
            if record.span_id:
                by_span.setdefault(record.span_id, []).append(record)
            self.lines[record.service] = self.lines.get(record.service, 0) + 1
        for step, ms in steps(trace):
            found = self.steps.get(step)
            if found is None:
                if len(self.steps) >= MAX_STEPS:
                    self.overflow += 1
                    continue
                found = self.steps[step] = StepSum()
            log = math.log(ms + FLOOR_MS)
            found.calls += 1
            found.ms += ms
            found.log += log
            found.log2 += log * log
        passed = transitions(trace, by_span)
        counts = self.transitions
        for transition in passed:
            self._count(counts, transition, 1, MAX_TRANSITIONS)
        different = (transition for transition in dict.fromkeys(passed) if transition in counts)
        self._keep({_hash(trace.trace_id): tuple(itertools.islice(different, MAX_PASSED))})
        spans = trace.spans
        for position, parent in enumerate(trace.parents):
            caller = "" if parent == NOBODY else spans[parent].service
            if caller != (callee := spans[position].service):
                self._count(self.calls, (caller, callee), 1, MAX_CALLS)

    def add_gauge(self, service: str, name: str, value: float) -> None:
        """Adds one sample; what is not a number is left out."""
        if math.isfinite(value):
            self._add_gauge((service, name), GaugeSum(1, value, value))

    def merge(self, other: Sums) -> None:
        """Adds everything of another sum to this one."""
        self.traces += other.traces
        self.overflow += other.overflow
        for step, found in other.steps.items():
            if (mine := self.steps.get(step)) is None:
                if len(self.steps) >= MAX_STEPS:
                    self.overflow += found.calls
                    continue
                mine = self.steps[step] = StepSum()
            mine.add(found)
        for transition, count in other.transitions.items():
            self._count(self.transitions, transition, count, MAX_TRANSITIONS)
        for edge, count in other.calls.items():
            self._count(self.calls, edge, count, MAX_CALLS)
        for gauge, samples in other.gauges.items():
            self._add_gauge(gauge, samples)
        for service, count in other.lines.items():
            self.lines[service] = self.lines.get(service, 0) + count
        self._keep(other.sequences)

    def sampled(self) -> dict[int, Passed]:
        """The sequences of the sample, of which ``sequences`` may hold up to twice as many."""
        if len(self.sequences) <= MAX_SEQUENCES:
            return self.sequences
        return {key: self.sequences[key] for key in heapq.nsmallest(MAX_SEQUENCES, self.sequences)}

    def encode(self) -> bytes:
        """A compact form: names once, everything else by their number, compressed."""
        names: dict[str, int] = {}

        def number(name: str) -> int:
            return names.setdefault(name, len(names))

        origins: dict[Origin, int] = {}
        index: dict[Transition, int] = {}
        moves = []
        for transition, count in self.transitions.items():
            origin, after = transition
            index[transition] = len(index)
            moves.append((origins.setdefault(origin, len(origins)), number(after), count))
        sequences = [
            (key, [index[transition] for transition in passed if transition in index]) for key, passed in self.sampled().items()
        ]
        content = _Encoded(
            traces=self.traces,
            overflow=self.overflow,
            steps=[(number(a), number(b), number(c), found) for (a, b, c), found in self.steps.items()],
            origins=[(number(a), number(b), number(c), number(d)) for a, b, c, d in origins],
            transitions=moves,
            sequences=sequences,
            calls=[(number(caller), number(callee), count) for (caller, callee), count in self.calls.items()],
            gauges=[(number(service), number(name), found) for (service, name), found in self.gauges.items()],
            lines=[(number(service), count) for service, count in self.lines.items()],
            names=[],
        )
        content.names = list(names)
        return zlib.compress(_ENCODER.encode(content), 3)

    @classmethod
    def decode(cls, data: bytes) -> Sums:
        """What :meth:`encode` wrote; raises ``ValueError`` where it did not."""
        try:
            content = _DECODER.decode(zlib.decompress(data))
            return cls._from(content)
        except (zlib.error, msgspec.MsgspecError, IndexError) as error:
            raise ValueError(f"these are no sums of root causes: {error}") from error

    @classmethod
    def _from(cls, content: _Encoded) -> Sums:
        names = content.names
        sums = cls()
        sums.traces, sums.overflow = content.traces, content.overflow
        for service, callee, operation, found in content.steps:
            sums.steps[names[service], names[callee], names[operation]] = found
        origins = [(names[a], names[b], names[c], names[d]) for a, b, c, d in content.origins]
        passed = [(origins[origin], names[after]) for origin, after, _ in content.transitions]
        for transition, (_, _, count) in zip(passed, content.transitions, strict=True):
            sums.transitions[transition] = count
        sums.sequences = {key: tuple(passed[place] for place in places) for key, places in content.sequences}
        sums.calls = {(names[caller], names[callee]): count for caller, callee, count in content.calls}
        sums.gauges = {(names[service], names[name]): found for service, name, found in content.gauges}
        sums.lines = {names[service]: count for service, count in content.lines}
        return sums

    def _count(self, counts: dict[K, int], key: K, count: int, most: int) -> None:
        have = counts.get(key)
        if have is None:
            if len(counts) >= most:
                self.overflow += count
                return
            have = 0
        counts[key] = have + count

    def _add_gauge(self, gauge: Gauge, found: GaugeSum) -> None:
        if (mine := self.gauges.get(gauge)) is None:
            if len(self.gauges) >= MAX_GAUGES:
                self.overflow += found.samples
                return
            mine = self.gauges[gauge] = GaugeSum()
        mine.add(found)

    def _keep(self, more: Mapping[int, Passed]) -> None:
        mine = self.sequences
        mine.update(more)
        if len(mine) > 2 * MAX_SEQUENCES:
            self.sequences = self.sampled()


def merged(sums: Iterable[Sums]) -> Sums:
    """All of them as one."""
    total = Sums()
    for each in sums:
        total.merge(each)
    return total


class _Encoded(msgspec.Struct, array_like=True):
    traces: int
    overflow: int
    steps: list[tuple[int, int, int, StepSum]]
    origins: list[tuple[int, int, int, int]]
    transitions: list[tuple[int, int, int]]
    sequences: list[tuple[int, list[int]]]
    calls: list[tuple[int, int, int]]
    gauges: list[tuple[int, int, GaugeSum]]
    lines: list[tuple[int, int]]
    names: list[str]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Encoded)


def _hash(trace_id: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(trace_id, digest_size=7).digest(), "big")
