"""The cell: what is known of one series in one window. Pure and immutable; ``merge`` is exact, associative and commutative
(but for the exemplar, where the newer one stays)."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from analytics.rollup import uniques
from analytics.rollup.histogram import Histogram


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
    return Cell(
        count=old.count + new.count,
        errors=old.errors + new.errors,
        sum=old.sum + new.sum,
        min=_least(old.min, new.min),
        max=_most(old.max, new.max),
        histogram=_both(old.histogram, new.histogram),
        sketch=uniques.merge((old.sketch, new.sketch)) if old.sketch and new.sketch else old.sketch or new.sketch,
        exemplar=new.exemplar or old.exemplar,
    )


def merge_all(parts: Iterable[Cell]) -> Cell:
    """All together: one pass over many, where ``merge`` by pairs would build every histogram in between."""
    cells = list(parts)
    if len(cells) == 1:
        return cells[0]
    least = [c.min for c in cells if c.min is not None]
    most = [c.max for c in cells if c.max is not None]
    histograms = [c.histogram for c in cells if c.histogram is not None]
    sketches = [c.sketch for c in cells if c.sketch is not None]
    return Cell(
        count=sum(c.count for c in cells),
        errors=sum(c.errors for c in cells),
        sum=sum(c.sum for c in cells),
        min=min(least) if least else None,
        max=max(most) if most else None,
        histogram=Histogram.merged(histograms) if histograms else None,
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
