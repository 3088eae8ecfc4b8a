"""Cells as rows of tables, and rows as cells. Pure: what the columns mean is said here and in the migrations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import msgspec

from analytics.rollup.cells import Cell
from analytics.rollup.histogram import Histogram
from analytics.rollup.observations import Labels
from analytics.rollup.rollups import Row
from analytics.rollup.windows import Window
from drishti.measures.built_in import FED
from drishti.measures.definitions import OTHER


class Record(Protocol):
    """A row as the driver gives it."""

    def __getitem__(self, name: str, /) -> Any: ...
    def get(self, name: str, /) -> Any: ...


_encode = msgspec.json.Encoder().encode
_sorted = msgspec.json.Encoder(order="sorted").encode
_OTHERS = _encode({"service": OTHER}).decode()

SEPARATOR = "@"
"""Between a metric's token, in which it cannot be, and the number of the version that is counted under it."""


def cell_columns(rows: Sequence[Row], metric_of: Callable[[str, str], int]) -> tuple[list[Any], ...]:
    """Rows of cells as one list for each column but the writer's; ``metric_of`` a tenant and a metric: its id."""
    cells = [row.cell for row in rows]
    return (
        [metric_of(row.window.tenant, row.window.metric) for row in rows],
        [instant(row.window.start) for row in rows],
        [row.series for row in rows],
        [cell.count for cell in cells],
        [cell.errors for cell in cells],
        [cell.sum for cell in cells],
        [cell.min for cell in cells],
        [cell.max for cell in cells],
        [None if cell.histogram is None else cell.histogram.to_bytes() for cell in cells],
        [cell.sketch for cell in cells],
        [cell.exemplar for cell in cells],
    )


def window_columns(windows: Sequence[Window], metric_of: Callable[[str, str], int]) -> tuple[list[Any], ...]:
    """Windows as one list for each of resolution, id of the metric and start."""
    return (
        [w.resolution for w in windows],
        [metric_of(w.tenant, w.metric) for w in windows],
        [instant(w.start) for w in windows],
    )


def named_window_columns(windows: Sequence[Window]) -> tuple[list[Any], ...]:
    """Windows as one list for each of resolution, tenant, metric and start."""
    return (
        [w.resolution for w in windows],
        [w.tenant for w in windows],
        [w.metric for w in windows],
        [instant(w.start) for w in windows],
    )


class NamedRow(NamedTuple):
    """A row of ``rollups``: the cell of one series in one window, by some writer."""

    window: Window
    labels: Labels
    cell: Cell


def row_of(record: Record) -> NamedRow:
    """A row of ``rollups`` as the driver gives it."""
    metric = record["metric"]
    window = Window(record["resolution"], record["tenant"], metric, epoch_ms(record["window_start"]))
    return NamedRow(window, labels_of(metric, record["labels"]), cell_of(record))


def cell_of(record: Record) -> Cell:
    """A row's cell; columns that the question did not ask for are absent."""
    histogram, sketch = record.get("histogram"), record.get("uniques")
    return Cell(
        count=record["count"],
        errors=record["errors"],
        sum=record["sum"],
        min=record["min"],
        max=record["max"],
        histogram=None if histogram is None else Histogram.from_bytes(histogram),
        sketch=sketch,
        exemplar=record.get("exemplar"),
    )


@lru_cache(8192)
def label_text(metric: str, labels: Labels) -> str:
    """Labels as the column holds them: an object of dimension and value. Those of a metric that is not built in are that text,
    but for the series beyond the limit."""
    if metric not in FED:
        return _OTHERS if labels == (OTHER,) else labels[0]
    return _encode(dict(zip(FED[metric].dimensions, labels, strict=True))).decode()


@lru_cache(8192)
def labels_of(metric: str, text: str) -> Labels:
    """The inverse of :func:`label_text`; a dimension that an older row lacks is empty."""
    values: dict[str, str] = msgspec.json.decode(text)
    if metric not in FED:
        return (OTHER,) if values == {"service": OTHER} else (_sorted(values).decode(),)
    return tuple(values.get(dimension, "") for dimension in FED[metric].dimensions)


@lru_cache(8192)
def values_of(metric: str, dimensions: tuple[str, ...], text: str) -> Labels:
    """The value of each dimension in the labels of a row; empty where it has none."""
    if metric in FED:
        return labels_of(metric, text)
    values: dict[str, str] = msgspec.json.decode(text)
    if values == {"service": OTHER}:
        return (OTHER,) * len(dimensions)
    return tuple(values.get(dimension, "") for dimension in dimensions)


def dimension_values(metric: str, dimensions: tuple[str, ...], labels: Labels) -> Labels:
    """The value of each dimension in the labels of a series, which are a text where the metric is not built in."""
    if metric in FED:
        return labels
    return (OTHER,) * len(dimensions) if labels == (OTHER,) else values_of(metric, dimensions, labels[0])


@lru_cache(8192)
def instant(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def stored_name(token: str, number: int) -> str:
    """The name of the rollups of one version of a metric that is drawn from events."""
    return f"{token}{SEPARATOR}{number}"


def token_of(stored: str) -> str:
    """The token of the metric whose rollups have this name."""
    return stored.partition(SEPARATOR)[0]


def epoch_ms(at: datetime) -> int:
    """Exact for whole milliseconds, which windows are."""
    return round(at.timestamp() * 1000)


def clear_caches() -> None:
    """Empties the caches of labels and instants, which a flood of names fills with what never comes again."""
    for cached in (label_text, labels_of, values_of, instant):
        cached.cache_clear()
