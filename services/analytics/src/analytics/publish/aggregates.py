"""Cells of one window to the series that are published of it. Pure.

Of each set of labels a bounded number of series is published by name; what is beyond is published together under ``other``,
from merged cells. So a message has a bounded size, and the series of a set of labels always add up to the total.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import lru_cache

from analytics.rollup import uniques
from analytics.rollup.cells import Cell, merge_all, percentiles
from analytics.rollup.observations import Labels
from analytics.storage.rows import dimension_values
from drishti.events import AggregateSeries
from drishti.measures.definitions import OTHER, Kind, MetricDefinition
from drishti.measures.fields import PUBLISHED_PERCENTILES

PublishedLabels = tuple[tuple[str, str], ...]
"""Dimension and value of the labels that a published series keeps; empty for the total."""

_PERCENTILES = tuple(PUBLISHED_PERCENTILES.values())


def aggregate_series(
    metric: MetricDefinition,
    cells: Iterable[tuple[Labels, Cell]],
    silent: Collection[PublishedLabels] = (),
    *,
    limit: int | None = None,
    is_active: Callable[[PublishedLabels], bool] = lambda _: False,
) -> list[AggregateSeries]:
    """Every published series of one metric and window, those of all writers together, the total first.

    ``silent`` are series that are included with count 0 where nothing was counted. With a ``limit``, each set of labels has at
    most that many series and ``other``: active series go first, then those with the highest count.
    """
    groups: dict[PublishedLabels, list[Cell]] = {}
    for labels, cell in cells:
        for published in published_labels(metric, labels):
            groups.setdefault(published, []).append(cell)
    for published in silent:
        groups.setdefault(published, [])
    if limit is not None:
        _bound(groups, limit, is_active)
    return [_series(metric.kind, published, groups[published]) for published in sorted(groups, key=lambda p: (len(p), p))]


def published_labels(metric: MetricDefinition, labels: Labels) -> list[PublishedLabels]:
    """The published series that a rollup row with ``labels`` counts in."""
    if is_total_only(metric):
        return [()]
    dimensions = metric.dimensions
    values = dimension_values(metric.token, dimensions, labels)
    return [tuple((dimensions[i], values[i]) for i in positions) for positions in _positions(metric)]


def is_total_only(metric: MetricDefinition) -> bool:
    """Whether the total is all that is published of ``metric``, as of those that registered themselves."""
    return metric.published == ((),)


def names_of(published: PublishedLabels) -> tuple[str, ...]:
    """The set of labels that a series is one of."""
    return tuple(name for name, _ in published)


def is_other(published: PublishedLabels) -> bool:
    """Whether this series stands for those beyond a limit."""
    return bool(published) and all(value == OTHER for _, value in published)


def _bound(groups: dict[PublishedLabels, list[Cell]], limit: int, is_active: Callable[[PublishedLabels], bool]) -> None:
    """Puts what is beyond ``limit`` into ``other``, for each set of labels."""
    by_names: dict[tuple[str, ...], list[PublishedLabels]] = {}
    for published in groups:
        if published and not is_other(published):
            by_names.setdefault(names_of(published), []).append(published)
    for names, series in by_names.items():
        if len(series) > limit:
            series.sort(key=lambda p: (not is_active(p), -sum(cell.count for cell in groups[p]), p))
            others = groups.setdefault(tuple((name, OTHER) for name in names), [])
            for published in series[limit:]:
                others += groups.pop(published)


@lru_cache(4096)
def _positions(metric: MetricDefinition) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(metric.dimensions.index(name) for name in names) for names in metric.published)


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
    p50, p95, p99 = percentiles(cell, _PERCENTILES)
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
