"""What is read for a question, and what was read: cells by group and step. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from analytics.query.steps import Steps
from analytics.rollup.cells import Cell, merge_all
from analytics.rollup.histogram import Histogram
from analytics.storage import rows
from analytics.storage.rows import Record
from drishti.errors import QueryError

MAX_ROWS = 100_000
"""Rows read for one term; beyond, merging them would take seconds."""

HISTOGRAMS = "histograms_by_step"

Group = tuple[str, ...]


class Reading(NamedTuple):
    """One metric's rows whose labels hold ``labels`` (JSON) and meet ``path``, kept apart by the labels ``names``.

    ``statement``: which columns of them are read.
    """

    statement: str
    metric: str
    labels: str
    path: str
    names: tuple[str, ...]


class Cells:
    """What was read: a cell for each group and step that has one."""

    __slots__ = ("by_group",)

    def __init__(self, by_group: dict[Group, dict[int, Cell]]) -> None:
        self.by_group = by_group

    def total(self, group: Group) -> Cell:
        """All steps of one group together."""
        return merge_all(self.by_group.get(group, {}).values())

    def cell(self, group: Group, place: int) -> Cell:
        """One group in one step; the empty cell where nothing was seen."""
        return self.by_group.get(group, {}).get(place, _EMPTY)

    def steps(self, group: Group) -> Iterable[int]:
        """The steps in which something was seen of ``group``."""
        return self.by_group.get(group, {})

    def merged(self, groups: Iterable[Group]) -> dict[int, Cell]:
        """The cells of ``groups`` together, by step."""
        steps: dict[int, list[Cell]] = {}
        for group in groups:
            for place, cell in self.by_group.get(group, {}).items():
                steps.setdefault(place, []).append(cell)
        return {place: merge_all(cells) for place, cells in steps.items()}


_EMPTY = Cell()


def cells(reading: Reading, records: Iterable[Record], steps: Steps, *, field: str) -> Cells:
    """The cells out of the rows that were read; raises :class:`QueryError` that names ``field`` where they are too many."""
    groups: dict[Group, dict[int, list[Record]]] = {}
    width = len(reading.names)
    for count, record in enumerate(records):
        if count == MAX_ROWS:
            raise QueryError(
                f"more than {MAX_ROWS} rows of {steps.rollup}: ask for a shorter range, a coarser resolution, or fewer labels",
                field=field,
            )
        group = (record["one"], record["two"], record["three"])[:width]
        groups.setdefault(group, {}).setdefault(record["step"] - 1, []).append(record)
    histograms = _histograms(groups) if reading.statement == HISTOGRAMS else None
    return Cells(
        {
            group: {
                place: _cell(found) if histograms is None else _with_histogram(found, histograms.get((group, place)))
                for place, found in by.items()
            }
            for group, by in groups.items()
        }
    )


def _histograms(groups: dict[Group, dict[int, list[Record]]]) -> dict[tuple[Group, int], Histogram]:
    """The merged histogram of each group and step that has one."""
    places = [(group, place) for group, by in groups.items() for place in by]
    owners: list[int] = []
    stored: list[bytes] = []
    for number, (group, place) in enumerate(places):
        for record in groups[group][place]:
            if (data := record["histogram"]) is not None:
                owners.append(number)
                stored.append(data)
    return {places[number]: histogram for number, histogram in Histogram.of_stored(owners, stored).items()}


def _cell(records: list[Record]) -> Cell:
    return rows.cell_of(records[0]) if len(records) == 1 else merge_all(map(rows.cell_of, records))


def _with_histogram(records: list[Record], histogram: Histogram | None) -> Cell:
    least = [record["min"] for record in records if record["min"] is not None]
    most = [record["max"] for record in records if record["max"] is not None]
    return Cell(
        count=sum(record["count"] for record in records),
        errors=sum(record["errors"] for record in records),
        sum=sum(record["sum"] for record in records),
        min=min(least, default=None),
        max=max(most, default=None),
        histogram=histogram,
    )
