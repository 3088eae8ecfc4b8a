"""What PostgreSQL counted of rows of events (:mod:`.statements`), as cells of series. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from analytics.event_metrics.columns import label_of, text_of
from analytics.event_metrics.extractors import Counted, labels_of
from analytics.event_metrics.statements import is_number
from analytics.rollup import uniques
from analytics.rollup.admission import HOUR_S
from analytics.rollup.cells import Cell, merge, merge_all
from analytics.rollup.histogram import Histogram
from analytics.rollup.observations import Labels
from analytics.rollup.rollups import Row
from analytics.rollup.windows import RESOLUTIONS, Window
from analytics.storage.rows import Record, epoch_ms
from drishti.events import RESOLUTION_MS, Resolution
from drishti.measures.definitions import EventSource

_json = msgspec.json.Decoder()

Cells = dict[tuple[int, Labels], Cell]
"""Of one metric, by the second in which a window begins, and labels."""


def cells_of(counted: Sequence[tuple[Counted, EventSource]], records: Sequence[Record]) -> list[Cells]:
    """What each of ``counted`` comes to; those whose cells PostgreSQL makes come to nothing here."""
    if not records or all(is_number(one) for one, _ in counted):
        return [{} for _ in counted]
    seconds = [epoch_ms(record["at"]) // 1000 for record in records]
    known: dict[str | None, str] = {}
    return [
        {} if is_number(one) else _merged(seconds, _labels(one, records, known), _cells(source, number, records))
        for number, (one, source) in enumerate(counted)
    ]


def _labels(one: Counted, records: Sequence[Record], known: dict[str | None, str]) -> list[Labels]:
    dimensions = one.definition.dimensions
    if not dimensions:
        return [labels_of((), ())] * len(records)
    made: dict[tuple[str | None, ...], Labels] = {}
    labels: list[Labels] = []
    places = [f"d{place}" for place in range(len(dimensions))]
    for record in records:
        values = tuple([record[place] for place in places])
        text = made.get(values)
        if text is None:
            text = made[values] = labels_of(dimensions, [_label(value, known) for value in values])
        labels.append(text)
    return labels


def labels_in(counted: Counted, text: str) -> Labels:
    """The labels of a row of ``counted_groups``."""
    return labels_of(counted.definition.dimensions, [label_of(value) for value in _json.decode(text)])


def _label(value: str | None, known: dict[str | None, str]) -> str:
    label = known.get(value)
    if label is None:
        label = known[value] = label_of(None if value is None else _json.decode(value))
    return label


def _cells(source: EventSource, number: int, records: Sequence[Record]) -> list[Cell | None]:
    """A cell for each of ``records``; ``None`` where the metric takes none of its rows."""
    counts: list[int] = [record[f"c{number}"] for record in records]
    if source.unique:
        return _unique(counts, [record[f"i{number}"] for record in records])
    sums: list[float] = [record[f"s{number}"] for record in records]
    least: list[float] = [record[f"l{number}"] for record in records]
    most: list[float] = [record[f"m{number}"] for record in records]
    histograms = _histograms([record[f"v{number}"] for record in records])
    return [
        Cell(count=count, sum=sums[place], min=least[place], max=most[place], histogram=histograms[place]) if count else None
        for place, count in enumerate(counts)
    ]


def _histograms(packed: Sequence[bytes | None]) -> dict[int, Histogram]:
    """By place, of those that have values."""
    sizes = np.asarray([0 if part is None else len(part) // 8 for part in packed], np.int64)
    values = np.frombuffer(b"".join(part for part in packed if part is not None), ">f8").astype(np.float64)
    places = np.repeat(np.arange(len(packed), dtype=np.int64), sizes)
    return Histogram.of_groups(places, values, np.ones(len(values), np.int64))


def _unique(counts: Sequence[int], items: Sequence[list[str] | None]) -> list[Cell | None]:
    texts: dict[str, str] = {}
    cells: list[Cell | None] = []
    for count, some in zip(counts, items, strict=True):
        empty = 0
        distinct: set[str] = set()
        for item in some or ():
            text = texts.get(item)
            if text is None:
                value: Any = _json.decode(item)
                text = texts[item] = text_of(value)
            if text:
                distinct.add(text)
            else:
                empty += 1
        cells.append(Cell(count=count - empty, sketch=uniques.sketch(distinct)) if count > empty else None)
    return cells


def _merged(seconds: Sequence[int], labels: Sequence[Labels], cells: Sequence[Cell | None]) -> Cells:
    """Values that differ in the column may be one label: 128 characters of them count."""
    found: Cells = {}
    for second, label, cell in zip(seconds, labels, cells, strict=True):
        if cell is not None:
            there = found.get((second, label))
            found[second, label] = cell if there is None else merge(there, cell)
    return found


def rows_of(
    counted: Counted, cells: Cells, series: Mapping[tuple[int, Labels], int], finest: Resolution, kept_from: Mapping[str, int]
) -> list[Row]:
    """The rows of ``cells`` at every resolution from ``finest`` on, but for windows before ``kept_from``. ``series`` has the id
    for an hour, counted from 1970, and labels."""
    rows: list[Row] = []
    merged: dict[tuple[int, int], Cell] = {}
    for (second, labels), cell in cells.items():
        place = second * 1000, series[second // HOUR_S, labels]
        merged[place] = cell if place not in merged else merge(merged[place], cell)  # several may be ``other``
    for resolution in RESOLUTIONS[RESOLUTIONS.index(finest) :]:
        if resolution != finest:
            width = RESOLUTION_MS[resolution]
            parts: dict[tuple[int, int], list[Cell]] = {}
            for (start, one), cell in merged.items():
                parts.setdefault((start // width * width, one), []).append(cell)
            merged = {place: merge_all(some) for place, some in parts.items()}
        earliest = kept_from[resolution]
        rows += [
            Row(Window(resolution, counted.tenant, counted.stored, start), one, cell, True)
            for (start, one), cell in merged.items()
            if start >= earliest
        ]
    return rows
