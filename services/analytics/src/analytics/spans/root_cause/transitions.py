"""The course of one trace: what followed what. Pure.

Inside each span the child calls form one chain, and the log lines another; each pair of neighbours is a transition, from
:data:`BEGIN` to :data:`END`. How a span ended (well, with an error, with which exception) is a transition of a third chain. A
call that ends early, an exception and a line that was never written before all show as transitions that are usually rare.

Their order is the order in which things happened, by each caller's clock: a span's calls and lines in their order, everything
inside a call before what follows it, and the end of a span last. So the first strange transition of a trace is nearest to where
the fault began: a failure travels up to the callers and onwards to what they do next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analytics.spans.root_cause.records import LogRecord
from analytics.spans.span import Span
from analytics.spans.trace import Trace

CALLS, LOGS, OUTCOME = "calls", "logs", "outcome"
"""The chains."""

BEGIN, END = "^", "$"
FINE = "ok"

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
    spans = trace.spans
    logged = bool(logs)
    left = dict(logs)
    for root in trace.roots:
        waiting: list[_Visit] = [_Visit(trace, root, left.pop(spans[root].span_id, ()), logged)]
        while waiting:
            visit = waiting[-1]
            child = visit.advance(found)
            if child is None:
                waiting.pop()
            else:
                waiting.append(_Visit(trace, child, left.pop(spans[child].span_id, ()), logged))
    for records in left.values():
        _chain(found, records)
    return found


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

    __slots__ = (
        "_before_call", "_before_line", "_calls", "_lines", "_logged", "_next_call", "_next_line", "_operation", "_passes",
        "_span", "_trace",
    )  # fmt: skip

    def __init__(self, trace: Trace, position: int, lines: Sequence[LogRecord], logged: bool) -> None:
        self._trace = trace
        self._span = trace.spans[position]
        self._calls = trace.children[position]
        self._operation = _called(trace, position)
        self._passes = self._operation is not self._span.operation
        self._lines = lines
        self._logged = logged
        self._next_call = self._next_line = 0
        self._before_call = self._before_line = BEGIN

    def advance(self, found: list[Transition]) -> int | None:
        """Appends transitions up to the next call, and returns its position; ``None`` at the end of the span."""
        trace, lines, calls = self._trace, self._lines, self._calls
        service, operation = self._span.service, self._operation
        position = calls[self._next_call] if self._next_call < len(calls) else None
        while self._next_line < len(lines):
            line = lines[self._next_line]
            if position is not None and line.time_ns >= trace.spans[position].start_ns:
                break
            after = line.template[:MAX_NAME]
            found.append(((service, operation, LOGS, self._before_line), after))
            self._before_line = after
            self._next_line += 1
        if position is not None:
            self._next_call += 1
            if not self._passes:
                called = _called(trace, position)
                found.append(((service, operation, CALLS, self._before_call), called))
                self._before_call = called
            return position
        if self._logged and not self._passes:
            found.append(((service, operation, LOGS, self._before_line), END))
        if not self._passes:
            found.append(((service, operation, CALLS, self._before_call), END))
        found.append(((service, operation, OUTCOME, BEGIN), outcome(self._span)))
        return None


def _chain(found: list[Transition], records: Sequence[LogRecord]) -> None:
    before = BEGIN
    for record in records:
        after = record.template[:MAX_NAME]
        found.append(((record.service, "", LOGS, before), after))
        before = after
    if records:
        found.append(((records[-1].service, "", LOGS, before), END))
