"""Cells of one window to the series that are published of it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache

from analytics import uniques
from analytics.cells import Cell, merge_all, percentiles
from analytics.observations import Labels
from drishti.events import AggregateSeries
from drishti.metrics import Kind, MetricSpec

PublishedLabels = tuple[tuple[str, str], ...]
"""Dimension and value of the labels that a published series keeps; empty for the total."""

PERCENTILES = (0.5, 0.95, 0.99)


def aggregate_series(
    spec: MetricSpec, cells: Iterable[tuple[Labels, Cell]], silent: Collection[PublishedLabels] = ()
) -> list[AggregateSeries]:
    """Every published series of one metric and window, those of all writers together, the total first.

    ``silent`` are series that are to be there with count 0 where nothing was counted.
    """
    groups: dict[PublishedLabels, list[Cell]] = {}
    for labels, cell in cells:
        for published in published_labels(spec, labels):
            groups.setdefault(published, []).append(cell)
    for published in silent:
        groups.setdefault(published, [])
    return [_series(spec.kind, published, groups[published]) for published in sorted(groups, key=lambda p: (len(p), p))]


def published_labels(spec: MetricSpec, labels: Labels) -> list[PublishedLabels]:
    """The published series that a rollup row with ``labels`` counts in."""
    return [tuple((spec.dimensions[i], labels[i]) for i in positions) for positions in _positions(spec)]


@cache
def _positions(spec: MetricSpec) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(spec.dimensions.index(name) for name in names) for names in spec.published)


def _series(kind: Kind, labels: PublishedLabels, cells: list[Cell]) -> AggregateSeries:
    named = dict(labels)
    if kind is Kind.UNIQUE:
        sketches = [cell.sketch for cell in cells if cell.sketch is not None]
        return AggregateSeries(labels=named, count=sum(c.count for c in cells), uniques=uniques.estimate(sketches))
    cell = merge_all(cells)
    if kind is Kind.COUNTER:
        return AggregateSeries(labels=named, count=cell.count, errors=cell.errors, sum=cell.sum)
    if kind is Kind.GAUGE:
        return AggregateSeries(labels=named, count=cell.count, sum=cell.sum, min=cell.min, max=cell.max)
    p50, p95, p99 = percentiles(cell, PERCENTILES)
    return AggregateSeries(
        labels=named,
        count=cell.count,
        errors=cell.errors,
        sum=cell.sum,
        min=cell.min,
        max=cell.max,
        p50=p50,
        p95=p95,
        p99=p99,
    )
