"""Rate, errors and duration of operations, from every span. Pure.

One distribution, :data:`DURATION`, by service, operation and kind: its count is the rate, its errors are the spans whose status
is an error, its histogram has the percentiles. A span counts in the second of its start, as it is stored and searched.

A cell has no exemplar: the stored spans of an operation say exactly which ones were slow, failed or usual.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from analytics.rollup.observations import LABEL_LENGTH, Observations
from analytics.spans.duration_cells import DurationCells
from analytics.spans.span import Span, SpanKind

DURATION = "span_duration_ms"

KINDS = tuple(kind.name.lower() for kind in SpanKind)
"""The label of each kind, by its number."""


class SpanItem(Protocol):
    """A span that counts once: ``body`` is a :class:`Span`, ``second`` that of its start."""

    @property
    def tenant(self) -> str: ...
    @property
    def second(self) -> int: ...
    @property
    def body(self) -> Any: ...


def observe(items: Sequence[SpanItem], observations: Observations) -> None:
    """Durations and errors of spans."""
    cells = DurationCells()
    for item in items:
        span: Span = item.body
        labels = labels_of(span) if span.derived is None else span.derived.labels
        cells.add(item.tenant, item.second, labels, span.duration_ns, span.is_error)
    cells.observe(DURATION, observations)


def labels_of(span: Span) -> tuple[str, str, str]:
    """The labels of the durations of ``span``: service, operation, kind."""
    kind = KINDS[span.kind]
    return span.resource.service, span.operation[:LABEL_LENGTH] or kind, kind
