"""The cell: what is known of one series in one window. Pure and immutable; ``merge`` is exact, associative and commutative
(but for the exemplar, where the newer one stays)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from analytics.rollup import uniques
from analytics.rollup.histogram import Histogram

MOST = 2**53
"""Counts end there: no sum of some of them is too large for a column, an array or JSON."""


class Cell(Struct, frozen=True, gc=False, kw_only=True):
    """``count`` observations, of them ``errors`` failed. ``sum``, ``min`` and ``max`` are in the metric's unit; ``histogram``
    is there for values, ``sketch`` for unique counts. ``exemplar`` is the trace context of one of the observations."""

    count: int = 0
    errors: int = 0
    sum: float = 0.0
    min: float | None = None
    max: float | None = None
    histogram: Histogram | None = None
    sketch: bytes | None = None
    exemplar: str | None = None

    def quantile(self, part: float) -> float | None:
        """The value below which ``part`` of the observations lie, within 1 %; ``None`` where that is not known."""
        return percentiles(self, (part,))[0]

    def distinct(self) -> float | None:
        """How many distinct ones were seen."""
        return uniques.estimate(() if self.sketch is None else (self.sketch,))


def merge(old: Cell, new: Cell) -> Cell:
    """Both together; ``new`` gives the exemplar where it has one."""
    return _merged((old, new), _both(old.histogram, new.histogram))


def merge_all(parts: Iterable[Cell]) -> Cell:
    """All together: one pass over many, where ``merge`` by pairs would build every histogram in between."""
    cells = list(parts)
    if len(cells) == 1:
        return cells[0]
    histograms = [c.histogram for c in cells if c.histogram is not None]
    return _merged(cells, Histogram.merged(histograms) if histograms else None)


def merge_groups(groups: Sequence[Sequence[Cell]]) -> list[Cell]:
    """:func:`merge_all` of each group; the histograms of all groups are merged at once."""
    found: list[Histogram | None] = [None] * len(groups)
    places: list[int] = []
    wanted: list[list[Histogram]] = []
    for place, cells in enumerate(groups):
        if len(cells) > 1:
            histograms = [c.histogram for c in cells if c.histogram is not None]
            if len(histograms) > 1:
                places.append(place)
                wanted.append(histograms)
            elif histograms:
                found[place] = histograms[0]
    for place, histogram in zip(places, Histogram.merged_groups(wanted), strict=True):
        found[place] = histogram
    return [cells[0] if len(cells) == 1 else _merged(cells, histogram) for cells, histogram in zip(groups, found, strict=True)]


def _merged(cells: Sequence[Cell], histogram: Histogram | None) -> Cell:
    """``cells`` together, whose merged ``histogram`` is known already."""
    if len(cells) == 2:
        old, new = cells
        sketch = uniques.merge((old.sketch, new.sketch)) if old.sketch and new.sketch else old.sketch or new.sketch
        exemplar = new.exemplar or old.exemplar
        least, most = _least(old.min, new.min), _most(old.max, new.max)
        return Cell(
            count=min(old.count + new.count, MOST),
            errors=old.errors + new.errors,
            sum=old.sum + new.sum,
            min=least,
            max=most,
            histogram=histogram,
            sketch=sketch,
            exemplar=exemplar,
        )
    lows = [c.min for c in cells if c.min is not None]
    highs = [c.max for c in cells if c.max is not None]
    sketches = [c.sketch for c in cells if c.sketch is not None]
    return Cell(
        count=min(sum([c.count for c in cells]), MOST),
        errors=sum([c.errors for c in cells]),
        sum=sum([c.sum for c in cells]),
        min=min(lows) if lows else None,
        max=max(highs) if highs else None,
        histogram=histogram,
        sketch=uniques.merge(sketches) if len(sketches) > 1 else sketches[0] if sketches else None,
        exemplar=next((c.exemplar for c in reversed(cells) if c.exemplar), None),
    )


def percentiles(cell: Cell, wanted: tuple[float, ...]) -> list[float | None]:
    """Quantiles within 1 %, never outside what was really seen."""
    if cell.histogram is None or cell.min is None or cell.max is None:
        return [None] * len(wanted)
    return [min(max(value, cell.min), cell.max) for value in cell.histogram.quantiles(wanted)]


def _least(one: float | None, other: float | None) -> float | None:
    return one if other is None else other if one is None else min(one, other)


def _most(one: float | None, other: float | None) -> float | None:
    return one if other is None else other if one is None else max(one, other)


def _both(one: Histogram | None, other: Histogram | None) -> Histogram | None:
    return one if other is None else other if one is None else one.merge(other)
