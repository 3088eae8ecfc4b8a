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

from analytics.rollup import uniques
from analytics.rollup.cells import Cell, merge_all, percentiles
from analytics.rollup.windows import aligned, fitting_resolution
from analytics.storage import rows
from analytics.storage.rows import Record
from drishti.errors import QueryError
from drishti.events import RESOLUTION_MS, Query, QueryAnswer, QuerySeries, Resolution
from drishti.measures.definitions import Kind, MetricDefinition
from drishti.measures.effective import TenantMetrics, merged
from drishti.measures.fields import OF_KIND, SHARE, percentile, unit_of
from drishti.messages import subjects

MAX_POINTS = 20_000
"""Windows in a range: two years of hours, five hours of seconds."""

MAX_SERIES = 500
MAX_ROWS = 100_000
"""Rows read for one answer; beyond, merging them would take seconds."""

LATEST_MS = 4_102_444_800_000
"""The year 2100: an instant beyond it is a mistake."""

BUILT_IN = merged((), frozenset())
"""What every tenant has."""


class QueryPlan(NamedTuple):
    """What to read for a question: one resolution of one metric over whole windows, labels containing ``labels``."""

    question: Query
    spec: MetricDefinition
    resolution: Resolution
    start: int
    end: int
    labels: str
    statement: str


def planned(question: Query, kept_from: dict[str, int], known: TenantMetrics = BUILT_IN) -> QueryPlan:
    """The plan for ``question``; raises :class:`QueryError` that names the wrong field. ``kept_from``: as rollups are kept;
    ``known``: the metrics of the tenant."""
    spec = known.definitions.get(question.metric)
    if spec is None:
        own = [name for name in known.nearest(question.metric) if name not in BUILT_IN.definitions]
        near = f" and, the most alike of the tenant's own, {', '.join(own)}" if own else ""
        built_in = ", ".join(BUILT_IN.definitions)
        raise QueryError(f"there is no metric {question.metric!r}; there are {built_in}{near}", field="metric")
    allowed = [name for name in OF_KIND[spec.kind] if name != SHARE]
    if question.aggregate not in allowed and not (spec.kind is Kind.DISTRIBUTION and percentile(question.aggregate)):
        raise QueryError(f"{spec.name} has {', '.join(allowed)}, not {question.aggregate!r}", field="aggregate")
    for name in question.filters:
        if name not in spec.dimensions:
            raise QueryError(f"{_dimensions(spec)}: cannot filter by {name!r}", field=name)
    for name in question.group_by:
        if name not in spec.dimensions:
            raise QueryError(f"{_dimensions(spec)}: cannot group by {name!r}", field="group_by")
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
    for name, value in question.filters.items():
        if "\0" in value:
            raise QueryError("text must not contain the character U+0000", field=name)
    filters = {name: subjects.token(value) if name == "service" else value for name, value in question.filters.items()}
    labels = msgspec.json.encode(filters).decode()
    return QueryPlan(question, spec, resolution, start, end, labels, _statement(spec.kind, question.aggregate))


def answer(plan: QueryPlan, records: Iterable[Record], as_of: int) -> QueryAnswer:
    """The answer out of the rows that were read; raises :class:`QueryError` where they are too many."""
    question, spec = plan.question, plan.spec
    positions = [spec.dimensions.index(name) for name in question.group_by]
    groups: dict[tuple[str, ...], dict[int, list[Cell]]] = {} if question.group_by else {(): {}}
    for count, record in enumerate(records):
        if count == MAX_ROWS:
            raise QueryError(
                f"more than {MAX_ROWS} rows of {plan.resolution}: ask for a shorter range or a coarser resolution",
                field="resolution",
            )
        labels = rows.values_of(spec.token, spec.dimensions, record["labels"])
        group = groups.setdefault(tuple(labels[i] for i in positions), {})
        group.setdefault(rows.epoch_ms(record["window_start"]), []).append(rows.cell_of(record))
        if len(groups) > MAX_SERIES:
            raise QueryError(f"more than {MAX_SERIES} series: group by less, or filter", field="group_by")
    seconds = RESOLUTION_MS[plan.resolution] / 1000
    elapsed = max(seconds, (min(plan.end, as_of) - plan.start) / 1000)
    series = [
        QuerySeries(
            labels=dict(zip(question.group_by, values, strict=True)),
            total=_value(question.aggregate, [cell for cells in points.values() for cell in cells], elapsed),
            points=[(start, _value(question.aggregate, points[start], seconds)) for start in sorted(points)],
        )
        for values, points in sorted(groups.items())
    ]
    return QueryAnswer(
        metric=spec.name,
        aggregate=question.aggregate,
        unit=unit_of(spec, question.aggregate),
        from_ms=plan.start,
        to_ms=plan.end,
        resolution=plan.resolution,
        source=f"rollup_{plan.resolution}",
        as_of=as_of,
        series=series,
    )


def services(plan: QueryPlan, answer: QueryAnswer) -> list[str]:
    """The services, by their tokens, that an answer is about."""
    tokens = {series.labels["service"] for series in answer.series if "service" in series.labels}
    if "service" in plan.question.filters:
        tokens.add(subjects.token(plan.question.filters["service"]))
    return sorted(tokens)


def _statement(kind: Kind, aggregate: str) -> str:
    if kind is Kind.UNIQUE:
        return "uniques_in_range"
    return "histograms_in_range" if percentile(aggregate) is not None else "counts_in_range"


def _dimensions(spec: MetricDefinition) -> str:
    return (
        f"{spec.name} has the dimensions {', '.join(spec.dimensions)}" if spec.dimensions else f"{spec.name} has no dimensions"
    )


def _value(aggregate: str, cells: list[Cell], seconds: float) -> float | None:
    """``aggregate`` of all ``cells``; ``None`` where nothing was seen and the aggregate is not a count."""
    if aggregate == "uniques":
        return uniques.estimate(cell.sketch for cell in cells if cell.sketch is not None)
    cell = merge_all(cells)
    if (wanted := percentile(aggregate)) is not None:
        return percentiles(cell, (wanted,))[0]
    if aggregate in ("rate", "sum_rate"):
        return (cell.count if aggregate == "rate" else cell.sum) / seconds
    if aggregate in ("error_rate", "avg"):
        part = cell.errors if aggregate == "error_rate" else cell.sum
        return part / cell.count if cell.count else None
    values: dict[str, float | None] = {
        "count": cell.count,
        "errors": cell.errors,
        "sum": cell.sum,
        "min": cell.min,
        "max": cell.max,
    }
    return values[aggregate]
