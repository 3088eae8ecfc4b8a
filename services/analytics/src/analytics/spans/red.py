"""Rate, errors and duration of operations, from every span. Pure.

One distribution, :data:`DURATION`, by service, operation and kind: its count is the rate, its errors are the spans whose status
is an error, its histogram has the percentiles. A span counts in the second of its start, as it is stored and searched.

A cell has no exemplar: the stored spans of an operation say exactly which ones were slow, failed or usual.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from analytics.rollup.cells import Cell
from analytics.rollup.histogram import Histogram
from analytics.rollup.observations import LABEL_LENGTH, Observations, Series
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
    """Durations and errors of spans. All histograms are made at once: most cells of a batch hold a few spans."""
    if not items:
        return
    places: dict[tuple[str, int, str, str, int], int] = {}
    owners: list[int] = []
    durations: list[int] = []
    failed: dict[int, int] = {}
    for item in items:
        span: Span = item.body
        key = (item.tenant, item.second, span.resource.service, span.operation, int(span.kind))
        place = places.setdefault(key, len(places))
        owners.append(place)
        durations.append(span.duration_ns)
        if span.is_error:
            failed[place] = failed.get(place, 0) + 1
    owner, milliseconds = np.array(owners, np.int64), np.array(durations, np.float64) / 1e6
    histograms = Histogram.of_groups(owner, milliseconds, np.ones(len(owners), np.int64))
    counts = np.bincount(owner).tolist()
    order = np.argsort(owner, kind="stable")
    sorted_ms = milliseconds[order]
    starts = np.searchsorted(owner[order], np.arange(len(places)))
    sums = np.add.reduceat(sorted_ms, starts).tolist()
    least, most = np.minimum.reduceat(sorted_ms, starts).tolist(), np.maximum.reduceat(sorted_ms, starts).tolist()
    for (tenant, second, service, operation, kind), place in places.items():
        cell = Cell(
            count=counts[place],
            errors=failed.get(place, 0),
            sum=sums[place],
            min=least[place],
            max=most[place],
            histogram=histograms[place],
        )
        labels = (service[:LABEL_LENGTH], operation[:LABEL_LENGTH] or KINDS[kind], KINDS[kind])
        observations.add(Series(tenant, DURATION, labels, second), cell)
