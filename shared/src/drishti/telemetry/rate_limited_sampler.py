"""The sampler of services whose spans are looked at beside everybody's: some traces each second, each of them whole.

A trace that is followed costs each service some ten spans, so a busy product follows a part of what passes through it only.
Within a process a span follows its parent. A trace that begins here, or comes in from elsewhere and is kept there, takes one
place of those that come each second; all that comes in for it later belongs to it. Traces that begin here leave half of the
places to those that somebody else has begun: pages that ask again and again hide no application's trace.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

NAME = "parentbased_rate_limited"
"""In ``OTEL_TRACES_SAMPLER``; traces per second are its ``OTEL_TRACES_SAMPLER_ARG``."""

PER_S = 10.0

BURST_S = 3.0
"""Places of so many seconds are kept for later: a quiet product shows every request."""

REMEMBERED = 1_000
"""Traces that are known to be followed."""


class RateLimitedSampler(Sampler):
    """``per_s``: traces; ``now`` is a clock in seconds."""

    def __init__(self, per_s: float = PER_S, now: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._most = max(1.0, per_s * BURST_S)
        self._needed_here = 1.0 + (self._most - 1.0) / 2
        self._places = self._most
        self._now = now
        self._at = now()
        self._followed: OrderedDict[int, None] = OrderedDict()
        self._lock = threading.Lock()

    def room(self, begun_elsewhere: bool) -> bool:
        """Whether another trace would be kept now. Takes no place."""
        needed = 1.0 if begun_elsewhere else self._needed_here
        return self._places >= needed or self._places + (self._now() - self._at) * self._per_s >= needed

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        parent = trace.get_current_span(parent_context).get_span_context()
        if not parent.is_valid:
            kept = self._follows(trace_id, self._needed_here, links or ())
        else:
            # Of a local parent it is decided, and costs nothing more.
            kept = parent.trace_flags.sampled and self._follows(trace_id, 1.0 if parent.is_remote else None)
        return SamplingResult(
            Decision.RECORD_AND_SAMPLE if kept else Decision.DROP, attributes if kept else None, parent.trace_state
        )

    def _follows(self, trace_id: int, needed: float | None, links: Sequence[Link] = ()) -> bool:
        """``needed``: so many places must be there, of which one is taken; ``None``: none."""
        with self._lock:
            if trace_id in self._followed:
                return True
            if any(link.context.trace_id in self._followed for link in links):
                needed = None
            if needed is not None and not self._take(needed):
                return False
            self._followed[trace_id] = None
            if len(self._followed) > REMEMBERED:
                self._followed.popitem(last=False)
            return True

    def _take(self, needed: float) -> bool:
        now = self._now()
        self._places = min(self._most, self._places + (now - self._at) * self._per_s)
        self._at = now
        if self._places < needed:
            return False
        self._places -= 1.0
        return True

    def get_description(self) -> str:
        return f"RateLimitedSampler{{{self._per_s:g}}}"
