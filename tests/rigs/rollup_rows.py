"""What is read of rows of rollups, and what is answered out of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from analytics.query import questions
from analytics.query.metrics import answer, asked_by, own_error
from analytics.query.readings import COUNTS, HISTOGRAMS, UNIQUES, Cells, Reading, cells
from analytics.query.steps import Steps
from analytics.storage import rows
from analytics.storage.rows import NamedRow
from drishti.errors import QueryError
from drishti.events import Query, QueryAnswer
from drishti.measures.effective import TenantMetrics


def read_of(reading: Reading, steps: Steps, found: Sequence[NamedRow]) -> list[dict[str, Any]]:
    """What PostgreSQL reads for ``reading`` out of these rows; its conditions are equalities, which are all in its labels."""
    wanted = msgspec.json.decode(reading.labels)
    groups: dict[tuple[Any, ...], list[tuple[int, Any]]] = {}
    for row in found:
        labels = msgspec.json.decode(rows.label_text(row.window.metric, row.labels))
        if row.window.metric != reading.metric or not wanted.items() <= labels.items():
            continue
        step = int(np.searchsorted(steps.bounds, row.window.start, side="right"))
        if 0 < step < len(steps.bounds):
            stored = b"" if row.cell.histogram is None else row.cell.histogram.to_bytes()
            width = 1 << stored[1] if stored else 0
            names = tuple(labels.get(name, "") for name in reading.names)
            groups.setdefault((names, width if reading.statement == HISTOGRAMS else 0), []).append((step, row.cell))
    return [_record(reading, names, width, some) for (names, width), some in groups.items()]


def _record(reading: Reading, names: tuple[str, ...], width: int, some: list[tuple[int, Any]]) -> dict[str, Any]:
    def column(kind: str, values: Sequence[Any]) -> bytes:
        return np.array([np.nan if value is None else value for value in values], kind).tobytes()

    cells = [cell for _, cell in some]
    record: dict[str, Any] = dict(zip(("one", "two", "three"), (*names, "", "", ""), strict=False))
    record["steps"] = column(">i4", [step for step, _ in some])
    if reading.statement == UNIQUES:
        return record | {"sketches": [cell.sketch for cell in cells]}
    record |= {"min": column(">f8", [cell.min for cell in cells]), "max": column(">f8", [cell.max for cell in cells])}
    if reading.statement == COUNTS:
        sums = {"count": ">i8", "errors": ">i8", "sum": ">f8"}
        return record | {name: column(kind, [getattr(cell, name) for cell in cells]) for name, kind in sums.items()}
    histograms = [cell.histogram for cell in cells if cell.histogram is not None]
    sizes = [0 if cell.histogram is None else len(cell.histogram.keys) for cell in cells]
    kind = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<i8"}.get(width, "<u1")
    return record | {
        "width": width,
        "sizes": column(">i4", sizes),
        "keys": b"".join(histogram.keys.astype("<i2").tobytes() for histogram in histograms),
        "counts": b"".join(histogram.counts.astype(kind).tobytes() for histogram in histograms),
    }


def cells_of(plan: questions.Plan, found: Sequence[NamedRow]) -> dict[Reading, Cells]:
    """What is read for ``plan`` out of these rows."""
    return {
        reading: cells(reading, read_of(reading, plan.steps, found), plan.steps, field="resolution")
        for reading in plan.readings
    }


def answered(
    question: Query, kept_from: dict[str, int], metrics: TenantMetrics, found: Sequence[NamedRow], as_of: int
) -> QueryAnswer:
    """The answer to ``question`` of a tenant with ``metrics``, out of these rows."""
    try:
        plan = questions.planned(asked_by(question), kept_from, metrics)
        return answer(question, questions.answers(plan, cells_of(plan, found), {}, as_of))
    except QueryError as error:
        raise own_error(error, question) from None
