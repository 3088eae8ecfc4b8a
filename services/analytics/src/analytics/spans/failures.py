"""Which spans of a failing trace are errors, and which only pass an error on. Pure.

An error belongs to the span where it began: the deepest one. A span **passes on** the error of a child, and is no error of its
own, where the child

* has an error that it did not handle, or the very same one (as somebody does who records an exception and raises it again); and
* had it no later than the span had its own, where both are of one service. An error that came afterwards, in a clean-up or a
  child that outlives its parent, is no cause. The clocks of two services are not compared.

So a failing database call is one error, and not another one for each caller up to the browser. It takes a span and its children
and no more of the trace, so it can be decided whenever one of them comes: :mod:`analytics.storage.error_groups` does the same
with what is stored.
"""

from __future__ import annotations

from collections.abc import Iterable

from analytics.spans.fingerprints import SpanError, error_of
from analytics.spans.span import Span


def causes(child: SpanError, parent: SpanError) -> bool:
    """Whether the error of a span is the one that its child had."""
    if child.handled and child.fingerprint != parent.fingerprint:
        return False
    return child.service != parent.service or child.at_ns <= parent.at_ns


def errors_of(spans: Iterable[Span]) -> list[tuple[Span, SpanError]]:
    """The spans, of one trace or of many, that are errors of their own, in their order. Of equal ids the first one counts."""
    found: dict[tuple[bytes, bytes], tuple[Span, SpanError]] = {}
    for span in spans:
        key = span.trace_id, span.span_id
        if key not in found and (error := error_of(span)) is not None:
            found[key] = span, error
    passing = set()
    for (trace_id, span_id), (span, error) in found.items():
        if span.parent_id is not None and span.parent_id != span_id:
            parent = found.get((trace_id, span.parent_id))
            if parent is not None and causes(error, parent[1]):
                passing.add((trace_id, span.parent_id))
    return [both for key, both in found.items() if key not in passing]
