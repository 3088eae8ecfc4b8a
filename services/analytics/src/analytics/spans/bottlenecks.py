"""Which operation to mend: what requests of each root operation waited for, as sums of a minute that merge. Pure.

:mod:`analytics.spans.bottleneck_walks` makes the sums of traces, :mod:`analytics.spans.bottleneck_answers` reads them.
Root operations, contributions and patterns beyond the bounds are added up under ``(other)``; what is kept are those with the
most time, so that merging sums of parts is exact below the bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from analytics.spans.call_patterns import Operation, PatternKind
from analytics.spans.durations import MOST_NS, Durations

EXAMPLES = 3
"""Traces that are remembered for each root and pattern."""

MAX_ROOTS = 200
MAX_CONTRIBUTIONS = 100
"""Of one root operation."""

MAX_PATTERNS = 30
"""Of one root operation."""

OTHER = Operation("(other)", "(other)", 0)

Example = tuple[int, bytes]
"""What makes the trace an example, in nanoseconds, and its id."""


class Part(NamedTuple):
    """Who has a part in the time of a root: the spans of an operation, at their own work or ``waiting`` to begin."""

    operation: Operation
    waiting: bool = False


class Contribution(Struct, array_like=True):
    """``spans`` of an operation that took ``total_ns`` in all, ``path_ns`` of it their own on the critical path of ``traces``
    traces. ``gain_ns``: what would be gained if they took half as long. ``steps``: ``path_ns`` by step of the root's duration.
    """

    spans: int = 0
    errors: int = 0
    total_ns: int = 0
    traces: int = 0
    path_ns: int = 0
    gain_ns: int = 0
    steps: dict[int, int] = {}
    example: Example = (0, b"")

    def merge(self, other: Contribution) -> None:
        self.spans += other.spans
        self.errors += other.errors
        self.total_ns = min(self.total_ns + other.total_ns, MOST_NS)
        self.traces += other.traces
        self.path_ns = min(self.path_ns + other.path_ns, MOST_NS)
        self.gain_ns = min(self.gain_ns + other.gain_ns, MOST_NS)
        _add_all(self.steps, other.steps)
        self.example = max(self.example, other.example)

    def scaled(self, times: int) -> Contribution:
        return Contribution(
            self.spans * times,
            self.errors * times,
            min(self.total_ns * times, MOST_NS),
            self.traces * times,
            min(self.path_ns * times, MOST_NS),
            min(self.gain_ns * times, MOST_NS),
            {step: min(own * times, MOST_NS) for step, own in self.steps.items()},
            self.example,
        )


class PatternKey(NamedTuple):
    kind: PatternKind
    caller: Operation
    callees: tuple[Operation, ...]


class PatternSums(Struct, array_like=True):
    """``times`` that a pattern was seen in ``traces`` traces, with ``calls`` calls in all and ``most`` at once."""

    times: int = 0
    traces: int = 0
    calls: int = 0
    most: int = 0
    total_ns: int = 0
    gain_ns: int = 0
    examples: list[Example] = []

    def merge(self, other: PatternSums) -> None:
        self.times += other.times
        self.traces += other.traces
        self.calls += other.calls
        self.most = max(self.most, other.most)
        self.total_ns = min(self.total_ns + other.total_ns, MOST_NS)
        self.gain_ns = min(self.gain_ns + other.gain_ns, MOST_NS)
        self.examples = largest([*self.examples, *other.examples])

    def scaled(self, times: int) -> PatternSums:
        return PatternSums(
            self.times * times,
            self.traces * times,
            self.calls * times,
            self.most,
            min(self.total_ns * times, MOST_NS),
            min(self.gain_ns * times, MOST_NS),
            self.examples,
        )


class RootSums(Struct):
    """What is known of the traces of one root operation. ``steps``: how many traces, and their time, by step of duration."""

    durations: Durations = msgspec.field(default_factory=Durations)
    steps: dict[int, tuple[int, int]] = {}
    parts: dict[Part, Contribution] = {}
    patterns: dict[PatternKey, PatternSums] = {}
    slowest: list[Example] = []

    def merge(self, other: RootSums) -> None:
        self.durations.merge(other.durations)
        for step, (count, long) in other.steps.items():
            held = self.steps.get(step, (0, 0))
            self.steps[step] = held[0] + count, min(held[1] + long, MOST_NS)
        for part, contribution in other.parts.items():
            self.parts.setdefault(part, Contribution()).merge(contribution)
        for key, pattern in other.patterns.items():
            self.patterns.setdefault(key, PatternSums()).merge(pattern)
        self.slowest = largest([*self.slowest, *other.slowest])

    def scaled(self, times: int) -> RootSums:
        return RootSums(
            self.durations.scaled(times),
            {step: (count * times, min(long * times, MOST_NS)) for step, (count, long) in self.steps.items()},
            {part: said.scaled(times) for part, said in self.parts.items()},
            {key: said.scaled(times) for key, said in self.patterns.items()},
            self.slowest,
        )


class Bottlenecks(Struct):
    """The sums of all root operations. ``walked`` of ``seen`` traces are in them, each for as many as it stands for.

    ``missing`` says how uncertain that makes them: of each walked trace that stands for ``n``, ``n * (n - 1)``. Divided by
    ``seen`` it is the variance that sampling adds to a sum, by that of one trace (0 where all were walked)."""

    roots: dict[Operation, RootSums] = {}
    seen: int = 0
    walked: int = 0
    missing: int = 0

    def merge(self, other: Bottlenecks) -> None:
        """Takes in everything that ``other`` has counted, which stays as it is."""
        for root, sums in other.roots.items():
            self.roots.setdefault(root, RootSums()).merge(sums)
        self.seen += other.seen
        self.walked += other.walked
        self.missing += other.missing

    def scaled(self, times: int) -> Bottlenecks:
        """What sums stand for that have one trace in so many, all of which were walked."""
        if times == 1:
            return self
        roots = {root: sums.scaled(times) for root, sums in self.roots.items()}
        return Bottlenecks(roots, self.seen * times, self.walked, self.walked * times * (times - 1))

    def bounded(self) -> tuple[Bottlenecks, int]:
        """The sums within the bounds, and how many roots, contributions and patterns were folded."""
        roots, folded = _folded(self.roots, MAX_ROOTS, RootSums, lambda sums: sums.durations.total_ns, lambda _: OTHER)
        found: dict[Operation, RootSums] = {}
        for root, sums in roots.items():
            parts, more = _folded(
                sums.parts, MAX_CONTRIBUTIONS, Contribution, lambda part: part.path_ns, lambda part: Part(OTHER, part.waiting)
            )
            patterns, yet_more = _folded(
                sums.patterns,
                MAX_PATTERNS,
                PatternSums,
                lambda pattern: pattern.gain_ns,
                lambda key: PatternKey(key.kind, OTHER, (OTHER,)),
            )
            found[root] = msgspec.structs.replace(sums, parts=parts, patterns=patterns)
            folded += more + yet_more
        return Bottlenecks(found, self.seen, self.walked, self.missing), folded

    def encode(self) -> bytes:
        """MessagePack: sums with operations by position in a list of names."""
        place: dict[Operation, int] = {}
        roots = [
            (
                place.setdefault(root, len(place)),
                sums.durations,
                sums.steps,
                [(place.setdefault(part.operation, len(place)), part.waiting, said) for part, said in sums.parts.items()],
                [
                    (
                        key.kind,
                        place.setdefault(key.caller, len(place)),
                        [place.setdefault(callee, len(place)) for callee in key.callees],
                        said,
                    )
                    for key, said in sums.patterns.items()
                ],
                sums.slowest,
            )
            for root, sums in self.roots.items()
        ]
        # Of sums without a sample earlier versions must be able to read all there is.
        sampled = (self.missing,) if self.missing else ()
        return msgspec.msgpack.encode((list(place), roots, self.seen, self.walked, *sampled))

    @classmethod
    def decode(cls, data: bytes) -> Bottlenecks:
        """The inverse of :meth:`encode`; raises :class:`ValueError` for anything else."""
        whole = _decoder.decode(data)
        names = whole.names
        try:
            found = {
                names[root]: RootSums(
                    durations,
                    steps,
                    {Part(names[operation], waiting): said for operation, waiting, said in parts},
                    {
                        PatternKey(kind, names[caller], tuple(names[callee] for callee in callees)): said
                        for kind, caller, callees, said in patterns
                    },
                    slowest,
                )
                for root, durations, steps, parts, patterns, slowest in whole.roots
            }
        except IndexError as missing:
            raise ValueError("bottlenecks with an operation that is not in their list of names") from missing
        return cls(found, whole.seen, whole.walked, whole.missing)


_EncodedRoot = tuple[
    int,
    Durations,
    dict[int, tuple[int, int]],
    list[tuple[int, bool, Contribution]],
    list[tuple[PatternKind, int, list[int], PatternSums]],
    list[Example],
]


class _Encoded(Struct, array_like=True):
    names: list[Operation]
    roots: list[_EncodedRoot]
    seen: int
    walked: int
    missing: int = 0


_decoder = msgspec.msgpack.Decoder(_Encoded)


def merged(parts: Iterable[Bottlenecks]) -> Bottlenecks:
    """All of ``parts`` in one, which leaves them as they are."""
    whole = Bottlenecks()
    for part in parts:
        whole.merge(part)
    return whole


def largest(examples: list[Example]) -> list[Example]:
    """The best examples, each trace once, the best first."""
    best: dict[bytes, int] = {}
    for value, trace_id in examples:
        best[trace_id] = max(value, best.get(trace_id, 0))
    return sorted(((value, trace_id) for trace_id, value in best.items()), reverse=True)[:EXAMPLES]


def _add_all(into: dict[int, int], more: dict[int, int]) -> None:
    for key, value in more.items():
        into[key] = min(into.get(key, 0) + value, MOST_NS)


_Key = TypeVar("_Key")
_Sums = TypeVar("_Sums", RootSums, Contribution, PatternSums)


def _folded(
    counted: dict[_Key, _Sums],
    most: int,
    empty: Callable[[], _Sums],
    size: Callable[[_Sums], int],
    other: Callable[[_Key], _Key],
) -> tuple[dict[_Key, _Sums], int]:
    """The ``most`` largest of ``counted`` and, under ``other``, the sum of the rest; and how many that were."""
    if len(counted) <= most:
        return counted, 0
    ranked = sorted(counted.items(), key=lambda item: (-size(item[1]), repr(item[0])))
    kept = dict(ranked[:most])
    folded: dict[_Key, _Sums] = {}
    for key, sums in ranked[most:]:
        folded.setdefault(other(key), empty()).merge(sums)
    for key, sums in folded.items():
        if key in kept:
            sums.merge(kept[key])
        kept[key] = sums
    return kept, len(ranked) - most
