"""KPIs as they are published: the value of an expression in one window, over the merged cells of its terms. Pure.

A term reads the rows of one metric that meet its condition; the cells of those rows are merged before anything is divided, as
in the answer to a question, so that both give the same number. Of each label set that all terms have there is a value for every
group of labels; what is beyond the limit of a label set is merged, term by term, and is the value of ``other``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from analytics.publish.aggregates import PublishedLabels, is_other, names_of
from analytics.rollup.cells import Cell, merge_all
from analytics.rollup.observations import Labels
from analytics.storage.label_conditions import LabelMatcher, by_tokens, matcher
from analytics.storage.rows import dimension_values
from drishti.events import AggregateSeries
from drishti.measures.definitions import OTHER, Kind, MetricDefinition, Share
from drishti.measures.expressions.tree import Expression, Term, evaluate, terms
from drishti.measures.fields import SHARE, percentile
from drishti.measures.fields import value as value_of
from drishti.measures.kpis import Find, Resolved

RowsOf = Mapping[str, Sequence[tuple[Labels, Cell]]]
"""The rows of one window, by the name under which a metric's rollups are stored."""

_EMPTY = Cell()


class TermReading(NamedTuple):
    """What one term reads: ``field`` of the ``metric`` whose rollups are ``stored``, from rows that meet ``condition``."""

    stored: str
    metric: MetricDefinition
    field: str
    condition: LabelMatcher | None

    @property
    def share(self) -> Share | None:
        """The named share that it is; then the part are the rows with one label."""
        return self.metric.share(self.field)


class _Operands:
    """What a term has in one group of labels: the cells of the whole, and of a share those of the part."""

    __slots__ = ("part", "whole")

    def __init__(self) -> None:
        self.whole: list[Cell] = []
        self.part: list[Cell] = []


_Group = dict[Term, _Operands]


class PublishedKpi:
    """One KPI of a tenant. ``label_sets`` are published, ``sources`` the stored names of what it is computed from."""

    def __init__(self, definition: MetricDefinition, expression: Expression, readings: Mapping[Term, TermReading]) -> None:
        self.definition = definition
        self.sources = tuple(dict.fromkeys(reading.stored for reading in readings.values()))
        self.label_sets = _label_sets(list(readings.values()))
        self._grouped_by = tuple(dict.fromkeys([(), *self.label_sets]))
        self._expression = expression
        self._readings = readings

    @property
    def has_silence(self) -> bool:
        """Whether there is a value where nothing was seen, as of a count."""
        return self._value({}, 1.0) is not None

    def groups(self, rows: RowsOf) -> dict[PublishedLabels, _Group]:
        """The cells of every term by the labels of the series to which they belong."""
        groups: dict[PublishedLabels, _Group] = {}
        for term, reading in self._readings.items():
            share, dimensions = reading.share, reading.metric.dimensions
            for labels, cell in rows.get(reading.stored, ()):
                named = dict(zip(dimensions, dimension_values(reading.metric.token, dimensions, labels), strict=True))
                if reading.condition is not None and not reading.condition(named):
                    continue
                in_part = share is not None and named[share.dimension] == share.value
                for names in self._grouped_by:
                    published = tuple((name, named[name]) for name in names)
                    operands = groups.setdefault(published, {}).setdefault(term, _Operands())
                    operands.whole.append(cell)
                    if in_part:
                        operands.part.append(cell)
        return groups

    def series(
        self,
        groups: dict[PublishedLabels, _Group],
        seconds: float,
        silent: Collection[PublishedLabels] = (),
        *,
        limit: int | None = None,
        is_active: Callable[[PublishedLabels], bool] = lambda _: False,
    ) -> list[AggregateSeries]:
        """The value of every series that has one, the total first; ``groups`` as :meth:`groups` gives them. ``silent`` are
        series that are evaluated where nothing was seen, too. With a ``limit``, see :func:`.aggregates.aggregate_series`."""
        groups = dict(groups)
        for published in (*silent, ()):
            groups.setdefault(published, {})
        if limit is not None:
            _bound(groups, limit, is_active)
        whole = self._whole(groups[()])
        if () not in self.label_sets:
            del groups[()]
        found = []
        for published in sorted(groups, key=lambda labels: (len(labels), labels)):
            value = self._value(groups[published], seconds, whole)
            if value is not None:
                found.append(AggregateSeries(labels=dict(published), value=value))
        return found

    def _whole(self, total: _Group) -> Mapping[Term, Cell]:
        """Of terms that are the part of a group in all: all."""
        return {
            term: _merged(total[term].whole, reading.field)
            for term, reading in self._readings.items()
            if reading.field == SHARE and term in total
        }

    def _value(self, group: _Group, seconds: float, whole: Mapping[Term, Cell] | None = None) -> float | None:
        values: dict[Term, float | None] = {}
        for term, reading in self._readings.items():
            operands = group.get(term)
            cell = _EMPTY if operands is None else _merged(operands.whole, reading.field)
            part = None
            if reading.share is not None:
                part = _EMPTY if operands is None else _merged(operands.part, reading.field)
            elif reading.field == SHARE:
                cell, part = (whole or {}).get(term, _EMPTY), cell
            values[term] = value_of(reading.field, cell, seconds, part=part)
        return evaluate(self._expression, values)


def published_kpi(
    definition: MetricDefinition, resolved: Resolved, find: Find, stored: Callable[[MetricDefinition], str]
) -> PublishedKpi | None:
    """The KPI as it is computed from the metrics that ``find`` knows; ``None`` where one of these is gone. ``stored`` gives the
    name of a metric's rollups."""
    readings: dict[Term, TermReading] = {}
    for term in terms(resolved.expression):
        metric = find(term.name)
        if metric is None or metric.kind is Kind.DERIVED:
            return None
        condition = None if term.condition is None else matcher(by_tokens(term.condition))
        readings[term] = TermReading(stored(metric), metric, term.aggregate, condition)
    return PublishedKpi(definition, resolved.expression, readings)


def _label_sets(readings: Sequence[TermReading]) -> tuple[tuple[str, ...], ...]:
    """The label sets that one term publishes and all terms can be grouped by; the total first.

    A named share cannot be grouped by the label that it is taken over, and the share of each series in all has no total.
    """
    common = set.intersection(
        *(set(reading.metric.dimensions) - ({share.dimension} if (share := reading.share) else set()) for reading in readings)
    )
    sets: dict[frozenset[str], tuple[str, ...]] = {frozenset(): ()}
    for reading in readings:
        for names in reading.metric.published:
            if common.issuperset(names):
                sets.setdefault(frozenset(names), names)
    found = sorted(sets.values(), key=len)
    return tuple(found[1:] if any(reading.field == SHARE for reading in readings) else found)


def _merged(cells: Sequence[Cell], field: str) -> Cell:
    """All ``cells`` together, without histograms where ``field`` needs none."""
    if field == "uniques" or percentile(field) is not None or len(cells) <= 1:
        return merge_all(cells)
    least = [cell.min for cell in cells if cell.min is not None]
    most = [cell.max for cell in cells if cell.max is not None]
    return Cell(
        count=sum(cell.count for cell in cells),
        errors=sum(cell.errors for cell in cells),
        sum=sum(cell.sum for cell in cells),
        min=min(least, default=None),
        max=max(most, default=None),
    )


def _bound(groups: dict[PublishedLabels, _Group], limit: int, is_active: Callable[[PublishedLabels], bool]) -> None:
    """Puts what is beyond ``limit`` into ``other``, for each set of labels."""
    by_names: dict[tuple[str, ...], list[PublishedLabels]] = {}
    for published in groups:
        if published and not is_other(published):
            by_names.setdefault(names_of(published), []).append(published)
    for names, series in by_names.items():
        if len(series) <= limit:
            continue
        series.sort(key=lambda published: (not is_active(published), -_count(groups[published].values()), published))
        others: _Group = {}
        other = tuple((name, OTHER) for name in names)
        for group in (groups.get(other, {}), *(groups.pop(published) for published in series[limit:])):
            for term, operands in group.items():
                together = others.setdefault(term, _Operands())
                together.whole += operands.whole
                together.part += operands.part
        groups[other] = others


def _count(operands: Iterable[_Operands]) -> int:
    return sum(cell.count for one in operands for cell in one.whole)
