"""Questions and answers about metrics. Pure: :func:`planned` checks a question and says what to read, :func:`answer` merges it.

The range is widened outward to whole windows, and the answer says so in ``from`` and ``to``. ``total`` is the aggregate over
the whole range from the merged cells (percentiles from the merged histograms, uniques from the merged sketches), never
something computed from the points. Points are there for windows that have data; a gap is a window in which nothing was seen.
Without ``group_by`` there is exactly one series. ``rate`` is per second: of a window, and for ``total`` of the part of the
range that has passed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from analytics.rollup.cells import Cell, merge_all
from analytics.rollup.windows import aligned, fitting_resolution
from analytics.storage import rows
from analytics.storage.rows import Record
from drishti.errors import QueryError
from drishti.events import RESOLUTION_MS, Query, QueryAnswer, QuerySeries, Resolution
from drishti.measures.definitions import Kind, MetricDefinition, Share
from drishti.measures.effective import TenantMetrics
from drishti.measures.fields import SHARE, fields_of, has_field, percentile, unit_of
from drishti.measures.fields import value as value_of
from drishti.messages import subjects

MAX_POINTS = 20_000
"""Windows in a range: two years of hours, five hours of seconds."""

MAX_SERIES = 500
MAX_ROWS = 100_000
"""Rows read for one answer; beyond, merging them would take seconds."""

LATEST_MS = 4_102_444_800_000
"""The year 2100: an instant beyond it is a mistake."""


class QueryPlan(NamedTuple):
    """What to read for a question: one resolution of one metric over whole windows, labels containing ``labels``."""

    question: Query
    metric: MetricDefinition
    resolution: Resolution
    start: int
    end: int
    labels: str
    statement: str


def planned(question: Query, kept_from: dict[str, int], metrics: TenantMetrics) -> QueryPlan:
    """The plan for ``question``; raises :class:`QueryError` that names the wrong field. ``kept_from``: as rollups are kept;
    ``metrics``: those of the tenant."""
    metric = metrics.find(question.metric)
    if metric is None:
        raise QueryError(_unknown(question.metric, metrics), field="metric")
    field = question.aggregate
    if metric.kind is Kind.DERIVED and has_field(metric, field):
        raise QueryError(f"{metric.name} is computed from other metrics: ask for it by query.v1.query", field="metric")
    if not has_field(metric, field):
        more = ", and any other percentile such as p99.9" if metric.kind is Kind.DISTRIBUTION else ""
        raise QueryError(f"{metric.name} has {', '.join(fields_of(metric))}{more}, not {field!r}", field="aggregate")
    share = metric.share(field)
    for name in question.filters:
        if name not in metric.dimensions:
            raise QueryError(f"{_dimensions(metric)}: cannot filter by {name!r}", field=name)
    for name in question.group_by:
        if name not in metric.dimensions:
            raise QueryError(f"{_dimensions(metric)}: cannot group by {name!r}", field="group_by")
    if share is not None:
        if share.dimension in question.filters:
            name = share.dimension
            raise QueryError(f"{field} is a share over {name}: it cannot be filtered by it, too", field=name)
        if share.dimension in question.group_by:
            raise QueryError(f"{field} is a share over {share.dimension}: it cannot be grouped by it, too", field="group_by")
    if field == SHARE and not question.group_by:
        raise QueryError("share is the part that each group has in all: name the dimensions to group by", field="group_by")
    for name, at in (("from", question.from_ms), ("to", question.to_ms)):
        if not 0 <= at <= LATEST_MS:
            raise QueryError("must lie between 1970 and 2100", field=name)
    if question.from_ms >= question.to_ms:
        raise QueryError("must lie before `to`", field="from")
    resolution = question.resolution or fitting_resolution(question.from_ms, question.to_ms, kept_from)
    if question.resolution and question.to_ms <= kept_from[resolution]:
        raise QueryError(f"rollups of {resolution} are not kept for so long: ask for a coarser resolution", field="resolution")
    start, end = aligned(question.from_ms, question.to_ms, resolution)
    points = (end - start) // RESOLUTION_MS[resolution]
    if points > MAX_POINTS:
        raise QueryError(
            f"{points} points of {resolution} are more than {MAX_POINTS}: ask for a shorter range or a coarser resolution",
            field="resolution" if question.resolution else "from",
        )
    for name, wanted in question.filters.items():
        if "\0" in wanted:
            raise QueryError("text must not contain the character U+0000", field=name)
    filters = {name: subjects.token(value) if name == "service" else value for name, value in question.filters.items()}
    labels = msgspec.json.encode(filters).decode()
    return QueryPlan(question, metric, resolution, start, end, labels, _statement(metric.kind, field))


def answer(plan: QueryPlan, records: Iterable[Record], as_of: int) -> QueryAnswer:
    """The answer out of the rows that were read; raises :class:`QueryError` where they are too many."""
    question, metric = plan.question, plan.metric
    share = metric.share(question.aggregate)
    positions = [metric.dimensions.index(name) for name in question.group_by]
    place = None if share is None else metric.dimensions.index(share.dimension)
    groups: dict[tuple[str, ...], _Group] = {} if question.group_by else {(): _Group()}
    whole = _Group()
    for count, record in enumerate(records):
        if count == MAX_ROWS:
            raise QueryError(
                f"more than {MAX_ROWS} rows of {plan.resolution}: ask for a shorter range or a coarser resolution",
                field="resolution",
            )
        labels = rows.values_of(metric.token, metric.dimensions, record["labels"])
        key = tuple(labels[i] for i in positions)
        group = groups.get(key)
        if group is None:
            if len(groups) == MAX_SERIES:
                raise QueryError(f"more than {MAX_SERIES} series: group by less, or filter", field="group_by")
            group = groups[key] = _Group()
        start, cell = rows.epoch_ms(record["window_start"]), rows.cell_of(record)
        group.add(start, cell, is_part=share is not None and place is not None and labels[place] == share.value)
        if question.aggregate == SHARE:
            whole.add(start, cell, is_part=False)
    seconds = RESOLUTION_MS[plan.resolution] / 1000
    elapsed = max(seconds, (min(plan.end, as_of) - plan.start) / 1000)
    worth = _Worth(question.aggregate, share, whole)
    series = [
        QuerySeries(
            labels=dict(zip(question.group_by, values, strict=True)),
            total=worth.total(group, elapsed),
            points=[(start, worth.point(group, start, seconds)) for start in sorted(group.cells)],
        )
        for values, group in sorted(groups.items())
    ]
    return QueryAnswer(
        metric=metric.token,
        aggregate=question.aggregate,
        unit=unit_of(metric, question.aggregate),
        from_ms=plan.start,
        to_ms=plan.end,
        resolution=plan.resolution,
        source=f"rollup_{plan.resolution}",
        as_of=as_of,
        series=series,
    )


class _Group:
    """The cells of one series of an answer by window, and those of them that are the part of a share."""

    __slots__ = ("cells", "parts")

    def __init__(self) -> None:
        self.cells: dict[int, list[Cell]] = {}
        self.parts: dict[int, list[Cell]] = {}

    def add(self, start: int, cell: Cell, *, is_part: bool) -> None:
        self.cells.setdefault(start, []).append(cell)
        if is_part:
            self.parts.setdefault(start, []).append(cell)


class _Worth(NamedTuple):
    """What the asked field is worth, of one window or of all; ``whole`` has every group's cells where ``share`` is asked."""

    field: str
    share: Share | None
    whole: _Group

    def point(self, group: _Group, start: int, seconds: float) -> float | None:
        return self._of(group.cells[start], group.parts.get(start, []), self.whole.cells.get(start, []), seconds)

    def total(self, group: _Group, seconds: float) -> float | None:
        return self._of(_all(group.cells), _all(group.parts), _all(self.whole.cells), seconds)

    def _of(self, cells: list[Cell], parts: list[Cell], whole: list[Cell], seconds: float) -> float | None:
        if self.share is not None:
            return value_of(self.field, merge_all(cells), seconds, part=merge_all(parts))
        if self.field == SHARE:
            return value_of(self.field, merge_all(whole), seconds, part=merge_all(cells))
        return value_of(self.field, merge_all(cells), seconds)


def _all(windows: dict[int, list[Cell]]) -> list[Cell]:
    return [cell for cells in windows.values() for cell in cells]


def services(plan: QueryPlan, answer: QueryAnswer) -> list[str]:
    """The services, by their tokens, that an answer is about."""
    tokens = {series.labels["service"] for series in answer.series if "service" in series.labels}
    if "service" in plan.question.filters:
        tokens.add(subjects.token(plan.question.filters["service"]))
    return sorted(tokens)


def _statement(kind: Kind, field: str) -> str:
    if kind is Kind.UNIQUE:
        return "uniques_in_range"
    return "histograms_in_range" if percentile(field) is not None else "counts_in_range"


def _dimensions(metric: MetricDefinition) -> str:
    if not metric.dimensions:
        return f"{metric.name} has no dimensions"
    return f"{metric.name} has the dimensions {', '.join(metric.dimensions)}"


def _unknown(name: str, metrics: TenantMetrics) -> str:
    nearest = metrics.nearest(name)
    hint = f"is it {' or '.join(nearest)}?" if nearest else "GET /api/analytics/metrics lists all"
    return f"there is no metric {name!r}; {hint}"
