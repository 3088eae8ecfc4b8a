"""Cells as columns: many at once, merged and evaluated by array operations. Pure.

Every operation does to each entry what :mod:`analytics.rollup.cells` and :mod:`drishti.measures.fields` do to one cell, and
takes what a field means from there; tests hold both against each other. "No value" is NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from analytics.rollup import uniques
from analytics.rollup.buckets import Buckets
from analytics.rollup.cells import MOST
from drishti.measures.expressions.tree import Expression, Negative, Number, Term
from drishti.measures.fields import FIELDS, SECONDS, percentile

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[Any]


class Columns:
    """``count``, ``errors`` and ``sum`` of each entry; ``min`` and ``max``, NaN where there are none; of what was read for
    percentiles ``buckets``, of what was read for distinct counts the ``sketches`` of each entry."""

    __slots__ = ("buckets", "count", "errors", "max", "min", "sketches", "sum")

    def __init__(
        self,
        *,
        count: Integers,
        errors: Integers,
        sum: Floats,
        min: Floats,
        max: Floats,
        buckets: Buckets | None = None,
        sketches: list[Sequence[bytes]] | None = None,
    ) -> None:
        self.count = count
        self.errors = errors
        self.sum = sum
        self.min = min
        self.max = max
        self.buckets = buckets
        self.sketches = sketches

    def __len__(self) -> int:
        return len(self.count)

    def taken(self, places: Integers) -> Columns:
        """The entries at ``places``; an empty cell where a place is -1. With ``buckets``, each is there once at most."""
        if len(places) == len(self) and (places == np.arange(len(self))).all():
            return self
        held = np.flatnonzero(places >= 0)
        return self._moved(places[held], held, len(places))

    def merged(self, owners: Integers, size: int) -> Columns:
        """``size`` entries: what those of ``owners`` 0, 1, … are together."""
        order = np.argsort(owners, kind="stable")
        found = owners[order]
        starts = np.flatnonzero(np.diff(found, prepend=-1))
        if len(starts) == len(owners):
            return self._moved(order, found, size)
        held = found[starts]
        sketches: list[Sequence[bytes]] | None = None
        if self.sketches is not None:
            joined: list[list[bytes]] = [[] for _ in range(size)]
            for owner, parts in zip(owners.tolist(), self.sketches, strict=True):
                joined[owner].extend(parts)
            sketches = list(joined)
        return Columns(
            count=_placed(_summed(self.count[order], starts), held, size, 0),
            errors=_placed(np.add.reduceat(self.errors[order], starts), held, size, 0),
            sum=_placed(np.add.reduceat(self.sum[order], starts), held, size, 0.0),
            min=_placed(np.fmin.reduceat(self.min[order], starts), held, size, np.nan),
            max=_placed(np.fmax.reduceat(self.max[order], starts), held, size, np.nan),
            buckets=None if self.buckets is None else self.buckets.merged(owners),
            sketches=sketches,
        )

    def _moved(self, source: Integers, to: Integers, size: int) -> Columns:
        """``size`` entries, of which those at ``to`` are the ones at ``source``."""
        sketches: list[Sequence[bytes]] | None = None
        if self.sketches is not None:
            sketches = [()] * size
            for at, place in zip(source.tolist(), to.tolist(), strict=True):
                sketches[place] = self.sketches[at]
        buckets = None
        if self.buckets is not None:
            owners = np.full(len(self), -1, np.int64)
            owners[source] = to
            buckets = self.buckets.merged(owners)
        return Columns(
            count=_placed(self.count[source], to, size, 0),
            errors=_placed(self.errors[source], to, size, 0),
            sum=_placed(self.sum[source], to, size, 0.0),
            min=_placed(self.min[source], to, size, np.nan),
            max=_placed(self.max[source], to, size, np.nan),
            buckets=buckets,
            sketches=sketches,
        )

    def quantile(self, part: float) -> Floats:
        """As :meth:`analytics.rollup.cells.Cell.quantile`."""
        if self.buckets is None:
            return np.full(len(self), np.nan)
        inside: Floats = np.minimum(np.maximum(self.buckets.quantile(part, len(self)), self.min), self.max)
        return inside

    def distinct(self) -> Floats:
        """As :meth:`analytics.rollup.cells.Cell.distinct`."""
        if self.sketches is None:
            return np.zeros(len(self))
        return np.array([uniques.estimate(parts) if parts else 0.0 for parts in self.sketches], np.float64)


def values(field: str, seen: Columns, seconds: Floats, *, part: Columns | None = None) -> Numbers:
    """As :func:`drishti.measures.fields.value`, of each entry."""
    if part is not None:
        return _quotient(part.count, seen.count)
    meaning = FIELDS.get(field)
    if meaning is not None and meaning.is_quotient:
        below = seconds if meaning.denominator == SECONDS else getattr(seen, meaning.denominator)
        return _quotient(getattr(seen, meaning.numerator), below)
    if field == "uniques":
        return seen.distinct()
    if (wanted := percentile(field)) is not None:
        return seen.quantile(wanted)
    if field in ("count", "errors", "sum", "min", "max"):
        numbers: Numbers = getattr(seen, field)
        return numbers
    raise KeyError(field)


def taken(numbers: Numbers, places: Integers, empty: float) -> Numbers:
    """The entries of ``numbers`` at ``places``; ``empty`` where a place is -1."""
    if not len(numbers):
        return np.full(len(places), empty)
    return np.where(places < 0, empty, numbers[places])


def evaluated(expression: Expression, terms: Mapping[Term, Numbers]) -> Numbers:
    """As :func:`drishti.measures.expressions.tree.evaluate`, of each entry."""
    with np.errstate(all="ignore"):
        return np.asarray(_evaluated(expression, terms))


def _evaluated(expression: Expression, terms: Mapping[Term, Numbers]) -> Numbers:
    if isinstance(expression, Number):
        return np.asarray(expression.value)
    if isinstance(expression, Term):
        found = terms[expression]
        return found if found.dtype.kind == "i" else _finite(found)
    if isinstance(expression, Negative):
        return -_evaluated(expression.operand, terms)
    left = _evaluated(expression.left, terms).astype(np.float64)
    right = _evaluated(expression.right, terms).astype(np.float64)
    match expression.operator:
        case "+":
            return _finite(left + right)
        case "-":
            return _finite(left - right)
        case "*":
            return _finite(left * right)
        case "/":
            return _finite(left / right)


def plain(numbers: Numbers) -> list[Any]:
    """As Python has them; ``None`` for what has no value."""
    found: list[Any] = numbers.tolist()
    if numbers.dtype.kind == "i" or not np.isnan(numbers).any():
        return found
    return [None if number != number else number for number in found]


def floats(numbers: Iterable[float | None]) -> Floats:
    """As a column; NaN for ``None``."""
    return np.array(list(numbers), np.float64)


def _quotient(above: Numbers, below: Numbers) -> Floats:
    with np.errstate(all="ignore"):
        found: Floats = np.where(below == 0, np.nan, above / below)
    return found


def _finite(numbers: Numbers) -> Numbers:
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _summed(counts: Integers, starts: Integers) -> Integers:
    """The sums of the counts between ``starts``, which end at :data:`MOST` as those of cells do."""
    if len(counts) and int(counts.max()) > MOST // len(counts):
        sums = np.minimum(np.add.reduceat(counts.astype(np.float64), starts), MOST)
        return sums.astype(np.int64)
    total: Integers = np.add.reduceat(counts, starts)
    return total


def _placed(found: Numbers, places: Integers, size: int, empty: float) -> Numbers:
    if len(found) == size:  # in order, since places are: each once
        return found
    column = np.full(size, empty, found.dtype)
    column[places] = found
    return column
