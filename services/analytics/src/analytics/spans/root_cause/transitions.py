"""The course of one trace: what followed what. Pure.

Inside each span the child calls form one chain, and the log lines another; each pair of neighbours is a transition, from
:data:`BEGIN` to :data:`END`. How a span ended (well, with an error, with which exception) is a transition of a third chain. A
call that ends early, an exception and a line that was never written before all show as transitions that are usually rare.

What a request does first outside of the service that it enters is what was asked for, and no transition.

Their order is the order in which things happened, by each caller's clock: a span's calls and lines in their order, everything
inside a call before what follows it, and the end of a span last. So the first strange transition of a trace is nearest to where
the fault began: a failure travels up to the callers and onwards to what they do next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analytics.spans.root_cause.records import ERROR, LogRecord
from analytics.spans.span import Span
from analytics.spans.trace import Trace

CALLS, LOGS, OUTCOME = "calls", "logs", "outcome"
"""The chains."""

BEGIN, END = "^", "$"
FINE = "ok"
ERROR_LINE = "!"
"""Begins the template of a line that is an error by its severity."""

Origin = tuple[str, str, str, str]
"""Service, operation, chain, and what came before."""

Transition = tuple[Origin, str]
"""From where, and what came next."""

MAX_NAME = 240
"""Characters of a template or an operation that count."""


def transitions(trace: Trace, logs: Mapping[bytes, Sequence[LogRecord]]) -> list[Transition]:
    """All transitions of a trace in their order. ``logs`` are its records by span id, of each span in order of time.

    A trace without a single record has no log chains: more likely nobody sends its logs than that all fell silent. Records of
    spans that are not in the trace form chains of their own, at the end.
    """
    found: list[Transition] = []
    left = dict(logs)
    for root in trace.roots:
        _Walk(trace, left, found).from_root(root)
    for records in left.values():
        _chain(found, records)
    return found


def is_failure(transition: Transition) -> bool:
    """Whether it says that something failed: a line that is an error, or a span that ends with one."""
    (_, _, chain, _), after = transition
    return after.startswith(ERROR_LINE) if chain == LOGS else chain == OUTCOME and after != FINE


def by_origin(counts: Mapping[Transition, int]) -> dict[Origin, int]:
    """How often each origin was passed."""
    totals: dict[Origin, int] = {}
    for (origin, _), count in counts.items():
        totals[origin] = totals.get(origin, 0) + count
    return totals


def outcome(span: Span) -> str:
    """How a span ended: the type of its exception, ``error``, or :data:`FINE`."""
    for event in span.events:
        if event.name == "exception":
            return str(event.attributes.get("exception.type") or "exception")[:MAX_NAME]
    return "error" if span.is_error else FINE


def _called(trace: Trace, position: int) -> str:
    """What a call is named after: the operation of the one service that it reaches, otherwise its own."""
    span = trace.spans[position]
    below = trace.children[position]
    if len(below) == 1 and (callee := trace.spans[below[0]]).service != span.service:
        return f"{callee.service} {callee.operation}"
    return span.operation


class _Visit:
    """A span whose events are being passed, in order of time.

    A client span that reaches one service is counted under what it calls, and has no chain of calls: which call it is was
    decided where it was made."""

    __slots__ = ("before_call", "before_line", "calls", "lines", "next_call", "next_line", "operation", "passes", "span")

    def __init__(self, trace: Trace, position: int, lines: Sequence[LogRecord]) -> None:
        self.span = trace.spans[position]
        self.calls = trace.children[position]
        self.operation = _called(trace, position)
        self.passes = self.operation is not self.span.operation
        self.lines = lines
        self.next_call = self.next_line = 0
        self.before_call = self.before_line = BEGIN


class _Walk:
    """Through one tree of a trace. Nothing recurses."""

    def __init__(self, trace: Trace, logs: dict[bytes, Sequence[LogRecord]], found: list[Transition]) -> None:
        self._trace = trace
        self._logs = logs
        self._logged = bool(logs)
        self._found = found
        self._entered: str | None = None  # the service of the root, until a call leads out of it

    def from_root(self, root: int) -> None:
        self._entered = self._trace.spans[root].service
        waiting = [self._visit(root)]
        while waiting:
            child = self._advance(waiting[-1])
            if child is None:
                waiting.pop()
            else:
                waiting.append(self._visit(child))

    def _visit(self, position: int) -> _Visit:
        return _Visit(self._trace, position, self._logs.pop(self._trace.spans[position].span_id, ()))

    def _advance(self, visit: _Visit) -> int | None:
        """Appends transitions up to the next call, and returns its position; ``None`` at the end of the span."""
        spans, calls, found = self._trace.spans, visit.calls, self._found
        service, operation = visit.span.service, visit.operation
        position = calls[visit.next_call] if visit.next_call < len(calls) else None
        while visit.next_line < len(visit.lines):
            line = visit.lines[visit.next_line]
            if position is not None and line.time_ns >= spans[position].start_ns:
                break
            after = _line(line)
            found.append(((service, operation, LOGS, visit.before_line), after))
            visit.before_line = after
            visit.next_line += 1
        if position is not None:
            visit.next_call += 1
            called = _called(self._trace, position)
            if self._entered is not None and (
                called is not spans[position].operation or spans[position].service != self._entered
            ):
                self._entered = None
            elif not visit.passes:
                found.append(((service, operation, CALLS, visit.before_call), called))
            visit.before_call = called
            return position
        if not visit.passes:
            if self._logged:
                found.append(((service, operation, LOGS, visit.before_line), END))
            found.append(((service, operation, CALLS, visit.before_call), END))
        found.append(((service, operation, OUTCOME, BEGIN), outcome(visit.span)))
        return None


def _line(record: LogRecord) -> str:
    template = record.template[:MAX_NAME]
    return ERROR_LINE + template if record.severity >= ERROR else template


def _chain(found: list[Transition], records: Sequence[LogRecord]) -> None:
    before = BEGIN
    for record in records:
        after = _line(record)
        found.append(((record.service, "", LOGS, before), after))
        before = after
    if records:
        found.append(((records[-1].service, "", LOGS, before), END))
