"""Calls of databases by system and class of statement, out of spans. Pure.

Where an object mapper and the driver below it are both instrumented, the inner span counts, if both come in one batch.
"""

from __future__ import annotations

from collections.abc import Sequence

from analytics.rollup.observations import LABEL_LENGTH, UNKNOWN, Observations
from analytics.spans import conventions
from analytics.spans.duration_cells import DurationCells
from analytics.spans.operations import statement_class
from analytics.spans.red import SpanItem
from analytics.spans.span import Attributes, Span, SpanKind

DURATION = "db_duration_ms"


def observe(items: Sequence[SpanItem], observations: Observations) -> None:
    """Durations and errors of the calls among ``items``."""
    found = [(item, labels) for item in items if (labels := _labels(item.body)) is not None]
    if not found:
        return
    ids = {item.body.span_id for item, _ in found}
    around = {  # calls with a call inside; there are few
        (item.tenant, item.body.trace_id, item.body.parent_id) for item, _ in found if item.body.parent_id in ids
    }
    cells = DurationCells()
    for item, labels in found:
        span: Span = item.body
        if around and (item.tenant, span.trace_id, span.span_id) in around:
            continue
        cells.add(item.tenant, item.second, labels, span.duration_ns, span.is_error)
    cells.observe(DURATION, observations)


def _labels(span: Span) -> tuple[str, str, str] | None:
    return labels_of(span) if span.derived is None else span.derived.database


def labels_of(span: Span) -> tuple[str, str, str] | None:
    """The labels of a call: service, system, class of the statement; ``None`` where ``span`` is none."""
    if not _is_call(span):
        return None
    statement = statement_class(span.attributes) or UNKNOWN
    return span.resource.service, system_of(span.attributes), statement[:LABEL_LENGTH]


def _is_call(span: Span) -> bool:
    kind = span.kind
    if kind is not SpanKind.CLIENT and kind is not SpanKind.INTERNAL:
        return False
    get = span.attributes.get
    return (get("db.system.name") or get("db.system")) is not None


def system_of(attributes: Attributes) -> str:
    """The database system as a label."""
    return (conventions.db_system(attributes) or UNKNOWN)[:LABEL_LENGTH]
