"""From cumulative points to what each of them adds. Pure.

How this works
--------------
A cumulative point holds everything since the start of its stream, so it adds what it has more than the point before. The last
point of a stream is its :class:`State`, which the store keeps and locks. :func:`advance` compares, and says what it made of it:

=============== ============================================================================== ==================
outcome         when                                                                           adds
=============== ============================================================================== ==================
``counted``     the stream goes on                                                             the difference
``began``       the first point; its start is set, before it, and since we know all streams    all of it
``baseline``    the first point otherwise, or one whose start is its time (an unknown reset)   nothing
``restarted``   a later start than before                                                      all of it
``fell``        the same start (or none), and some count or the total is smaller than before   all of it
``duplicate``   the time of the last point                                                     nothing
``late``        an earlier time: what it has is part of what came since                        nothing
``overlapping`` an earlier start than before: another writer of the same stream                nothing
=============== ============================================================================== ==================

A gap needs no rule: the next point adds what happened meanwhile, at its own time. What a stream counted before we knew it is
never added. Of several writers that send as one (which the data model forbids) the one that started last counts.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec
from msgspec import Struct

from analytics.ingest.signals.otlp.buckets import Buckets, Fell, increase
from analytics.ingest.signals.otlp.buckets import Distribution as Increase

COUNTED, BEGAN, BASELINE, RESTARTED, FELL = "counted", "began", "baseline", "restarted", "fell"
DUPLICATE, LATE, OVERLAPPING = "duplicate", "late", "overlapping"
PASSED_OVER = frozenset({DUPLICATE, LATE, OVERLAPPING})
"""Outcomes of points that say nothing new."""


class State(Struct, frozen=True, gc=False, array_like=True):
    """The last point of a stream; times in ns since 1970, ``start`` 0 where none was set. Of a sum, ``count`` is 0."""

    start: int
    time: int
    count: int
    sum: int | float | None
    low: float | None = None
    high: float | None = None
    buckets: Buckets | None = None


class Step(NamedTuple):
    """What a point came to: the state after it, what it adds (``None``: nothing), and why."""

    state: State
    increase: Increase | None
    outcome: str


_LARGEST_INTEGER = 2**63 - 1
"""Larger levels are kept as floats, as the sums of points are that no integer of OTLP holds."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(State).decode


def encode(state: State) -> bytes:
    """The state as it is stored."""
    return _encode(state)


def decode(text: bytes) -> State:
    """The inverse of :func:`encode`; raises :class:`msgspec.MsgspecError` for anything else."""
    return _decode(text)


def advance(state: State | None, point: State, known_from: int) -> Step:
    """The next step of a stream. ``known_from``: since when (ns) every stream that began has a state here."""
    unknown_reset = point.start >= point.time
    if state is None:
        if point.start == 0 or unknown_reset or point.start < known_from:
            return Step(point, None, BASELINE)
        return Step(point, _whole(point), BEGAN)
    if point.time == state.time:
        return Step(state, None, DUPLICATE)
    if point.time < state.time:
        return Step(state, None, LATE)
    if point.start and state.start and point.start != state.start:
        if point.start < state.start:
            return Step(state, None, OVERLAPPING)
        return Step(point, None, BASELINE) if unknown_reset else Step(point, _whole(point), RESTARTED)
    if point.start == 0 and state.start:  # says less than the last one: the stream is the same
        point = msgspec.structs.replace(point, start=state.start)
    more = _difference(point, state)
    return Step(point, _whole(point), FELL) if more is None else Step(point, more, COUNTED)


def accumulate(state: State | None, point: State) -> State:
    """The level of a stream that sends the changes of it: the sum of all, whatever their order. Its time is the latest."""
    if state is None:
        return point
    level = (state.sum or 0) + (point.sum or 0)
    if abs(level) > _LARGEST_INTEGER:
        level = float(level)
    return State(min(state.start, point.start), max(state.time, point.time), 0, level)


def whole(total: float) -> int:
    """What ``total`` of a counter comes to in whole numbers. Differences of these add up to that of the last and the first."""
    return math.floor(total)


def _whole(point: State) -> Increase:
    if point.count or point.buckets is not None or point.sum is None:
        return Increase(point.count, point.sum, point.low, point.high, point.buckets)
    return Increase(whole(point.sum), point.sum, None, None, None)


def _difference(point: State, state: State) -> Increase | None:
    """What ``point`` has more; ``None`` where it has less of something that only grows."""
    if point.sum is not None and point.count == 0 == state.count and point.buckets is None and state.buckets is None:
        before = state.sum or 0
        if point.sum < before:
            return None
        return Increase(whole(point.sum) - whole(before), point.sum - before, None, None, None)
    if point.count < state.count:
        return None
    try:
        buckets = increase(point.buckets, state.buckets)
    except Fell:
        return None
    total = None if point.sum is None or state.sum is None else point.sum - state.sum
    return Increase(point.count - state.count, total, point.low, point.high, buckets)
