"""Ring buffers for many series at once: one row a series, one column a unit of time (a second, say). Pure.

A row remembers its newest time; when it moves on, the columns in between are emptied, so that what is read is always either
what was written for that very time or what stands for nothing (zero, if nothing else is said). Several planes (named arrays of
one shape) move together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

GROW = 32


def grown(array: NDArray[Any], rows: int, axis: int = 0) -> NDArray[Any]:
    """``array`` with room for at least ``rows`` along ``axis``, the new ones zero.

    Room beyond them is made for half as many again, so that growth is rare; it takes no memory before it is written to.
    """
    have = array.shape[axis]
    if rows <= have:
        return array
    shape = list(array.shape)
    shape[axis] = max(rows, have + have // 2, GROW)
    result = np.zeros(shape, array.dtype)
    result[(slice(None),) * axis + (slice(have),)] = array
    return result


class Ring:
    """The newest ``length`` units of every row, in planes ``{name: dtype}``."""

    def __init__(self, length: int, planes: Mapping[str, type[np.generic]], *, empty: float = 0) -> None:
        self.length = length
        self.empty = empty
        self.newest: Ints = np.zeros(0, np.int64)
        self.planes: dict[str, NDArray[Any]] = {name: np.full((0, length), empty, dtype) for name, dtype in planes.items()}

    def reserve(self, rows: int) -> None:
        """Makes room for ``rows`` rows, which must be cleared before they are used; never less."""
        have = len(self.newest)
        if rows <= have:
            return
        self.newest = grown(self.newest, rows)
        for name, plane in self.planes.items():
            self.planes[name] = grown(plane, rows)

    def clear(self, row: int, before: int) -> None:
        """Empties ``row``, which begins at ``before + 1``."""
        for plane in self.planes.values():
            plane[row] = self.empty
        self.newest[row] = before

    def write(self, rows: Ints, at: int, **values: Floats) -> None:
        """Puts time ``at`` of ``rows`` into the planes named. What is older than the ring is ignored."""
        self._advance(rows, at)
        kept = at > self.newest[rows] - self.length
        for name, value in values.items():
            self.planes[name][rows[kept], at % self.length] = value[kept]

    def window(self, name: str, rows: Ints, end: int, size: int) -> NDArray[Any]:
        """``size`` units of one plane up to and including ``end``, oldest first. ``end`` must not be older than ``newest``."""
        plane, begin = self.planes[name], (end - size + 1) % self.length
        if begin + size <= self.length:
            return plane[rows, begin : begin + size]
        return np.concatenate([plane[rows, begin:], plane[rows, : begin + size - self.length]], axis=1)

    def fill(self, name: str, row: int, start: int, end: int, value: bool) -> None:
        """Sets ``[start, end]`` of one plane of one row, as far as the ring reaches back."""
        columns = np.arange(max(start, end - self.length + 1), end + 1) % self.length
        self.planes[name][row, columns] = value

    def state(self, rows: int) -> dict[str, NDArray[Any]]:
        return {"newest": self.newest[:rows], **{name: plane[:rows] for name, plane in self.planes.items()}}

    def restore(self, rows: int, state: Mapping[str, NDArray[Any]]) -> None:
        """The inverse of :meth:`state`. Raises ``KeyError`` or ``ValueError`` where it does not fit."""
        self.reserve(rows)
        for name, target in (("newest", self.newest), *self.planes.items()):
            if state[name].shape != (rows, *target.shape[1:]):
                raise ValueError(f"{name} has shape {state[name].shape}")
            target[:rows] = state[name]

    def _advance(self, rows: Ints, at: int) -> None:
        newest = self.newest[rows]
        behind = int(min(self.length, max(0, at - newest.min(initial=at))))
        for unit in range(at - behind + 1, at + 1):
            stale = rows[newest < unit]
            for plane in self.planes.values():
                plane[stale, unit % self.length] = self.empty
        self.newest[rows] = np.maximum(newest, at)
