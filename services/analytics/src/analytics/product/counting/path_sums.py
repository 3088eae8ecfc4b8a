"""What the paths of all buckets have in common: nodes, edges and whole paths, with rare names together as ``other``. Pure.

How this works
--------------
Which names of a step are among its most frequent is known at the end only, and until then every edge is kept apart: of each
bucket the distinct edges with their rows sorted by edge, two or four bytes for a user, four for a time, and four for a latency
where any event has one. At the end edges are renumbered by the names that are kept, users are counted and medians are taken.

A whole path is known by a 64-bit hash of its steps. Of more than :data:`MAX_SEQUENCES` different ones the rarest are forgotten,
and ``missed`` says how many of any path may have been.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.product.counting.ordering import by_user
from analytics.product.counting.paths import PathRows
from analytics.product.segments.segment import Ints

MAX_SEQUENCES = 250_000

_NAME = 17
"""Bits for the number of a name: more than :data:`~analytics.product.counting.breakdowns.MAX_VALUES`."""

_MASK = (1 << _NAME) - 1

_LONGEST_MS = (1 << 32) - 1


_BLOCK = 8_000_000
"""Bytes."""


class _Kept:
    """Keeps copies of arrays side by side in large blocks: what stays from each part would else lie scattered among what the
    part needed for a moment, and hold on to as much memory again."""

    def __init__(self) -> None:
        self._free: dict[np.dtype[Any], NDArray[Any]] = {}

    def copy(self, values: NDArray[Any]) -> NDArray[Any]:
        flat = values.ravel()
        free = self._free.get(values.dtype, flat[:0])
        if len(free) < len(flat):
            free = np.empty(max(_BLOCK // values.itemsize, len(flat)), values.dtype)
        self._free[values.dtype] = free[len(flat) :]
        kept = free[: len(flat)]
        kept[:] = flat
        return kept.reshape(values.shape)


class EdgePart(NamedTuple):
    """The edges of one bucket: ``keys`` are place, name and next name; rows are sorted by key, then user; ``counts`` of each,
    and how many users and how many that failed."""

    keys: Ints
    counts: Ints
    distinct: Ints
    failed: Ints
    users: NDArray[np.unsignedinteger[Any]]
    ms: NDArray[np.uint32]
    latency: NDArray[np.float32] | None


class Edge(NamedTuple):
    """``place`` is that of its beginning; names are numbers, those that are ``other`` are ``OTHER``."""

    place: int
    name: int
    following: int
    paths: int
    users: int
    median_ms: int
    latency_ms: float | None
    failed: int


OTHER = 0
"""Among the names that are kept: all others of the step. No step is without a name, which is the label 0."""


@dataclass(kw_only=True)
class PathSums:
    """Sums over buckets."""

    max_steps: int
    paths: int = 0
    users: int = 0
    nodes: dict[int, int] = field(default_factory=dict)
    """How many paths have a name at a place, by ``place << 17 | name``."""
    edges: list[EdgePart] = field(default_factory=list)
    missed: int = 0
    _sequences: list[tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.unsignedinteger[Any]]]] = field(
        default_factory=list
    )
    _waiting: int = 0
    _kept_edges: _Kept = field(default_factory=_Kept)
    _kept_sequences: _Kept = field(default_factory=_Kept)

    def add(self, rows: PathRows) -> None:
        """Adds the paths of one bucket."""
        if not len(rows.paths):
            return
        first = np.flatnonzero(np.r_[True, rows.paths[1:] != rows.paths[:-1]])
        self.paths += len(first)
        self.users += 1 + int(np.count_nonzero(rows.users[1:] != rows.users[:-1]))  # paths are in the order of users
        counts = np.bincount(rows.places << _NAME | rows.names)
        for key in np.flatnonzero(counts).tolist():
            self.nodes[key] = self.nodes.get(key, 0) + int(counts[key])
        self._add_edges(rows)
        self._add_sequences(rows, first)

    def _add_edges(self, rows: PathRows) -> None:
        begin = np.flatnonzero(rows.paths[1:] == rows.paths[:-1])
        if not len(begin):
            return
        keys = (rows.places[begin] << 2 * _NAME) | (rows.names[begin] << _NAME) | rows.names[begin + 1]
        order = by_user(keys)
        keys, begin = keys[order], begin[order]
        other_key = np.r_[True, keys[1:] != keys[:-1]]
        first = np.flatnonzero(other_key)
        users = rows.users[begin]  # ascending within a key, for paths are in the order of users
        other_user = other_key | np.r_[True, users[1:] != users[:-1]]
        ms = np.minimum(rows.t[begin + 1] - rows.t[begin], _LONGEST_MS)
        latency = None if rows.latency is None else rows.latency[begin + 1].astype(np.float32)
        failed = np.zeros(len(begin), np.int64) if rows.failed is None else rows.failed[begin + 1].astype(np.int64)
        keep = self._kept_edges.copy
        self.edges.append(
            EdgePart(
                keep(keys[first]),
                keep(np.diff(np.r_[first, len(keys)])),
                keep(np.add.reduceat(other_user.astype(np.int64), first)),
                keep(np.add.reduceat(failed, first)),
                keep(users.astype(np.min_scalar_type(int(users.max())))),
                keep(ms.astype(np.uint32)),
                None if latency is None or np.isnan(latency).all() else keep(latency),
            )
        )

    def _add_sequences(self, rows: PathRows, first: Ints) -> None:
        hashes = np.add.reduceat(_mixed((rows.names << 5 | rows.places).astype(np.uint64)), first)
        hashes, example, counts = _together(hashes, np.ones(len(hashes), np.int32))
        begin, end = first[example], np.r_[first[1:], len(rows.paths)][example]
        steps = np.zeros((len(hashes), self.max_steps), np.min_scalar_type(int(rows.names.max())))
        for place in range(self.max_steps):
            at = np.flatnonzero(begin + place < end)
            steps[at, place] = rows.names[begin[at] + place]
        keep = self._kept_sequences.copy
        self._sequences.append((keep(hashes), keep(counts), keep(steps)))
        self._waiting += len(hashes)
        if self._waiting > 2 * MAX_SEQUENCES:
            self._merge(MAX_SEQUENCES)

    def _merge(self, most: int) -> None:
        if not self._sequences:
            return
        hashes, counts, steps = (np.concatenate(column) for column in zip(*self._sequences, strict=True))
        self._sequences.clear()
        self._kept_sequences = _Kept()
        hashes, example, counts = _together(hashes, counts)
        steps = steps[example]
        if len(hashes) > most:
            kept = np.argpartition(-counts, most - 1)
            self.missed += int(counts[kept[most:]].max())
            kept = kept[:most]
            hashes, counts, steps = hashes[kept], counts[kept], steps[kept]
        self._sequences = [(hashes, counts, steps)]
        self._waiting = len(hashes)

    def top_paths(self, names: Sequence[str | None], limit: int) -> list[tuple[list[str], int]]:
        """The most frequent paths; those that are equally frequent in the order of their names."""
        self._merge(2 * MAX_SEQUENCES)
        if not self._sequences:
            return []
        _, counts, steps = self._sequences[0]
        least = np.sort(counts)[-limit:][0]
        found = [
            ([str(names[name]) for name in steps[place].tolist() if name], int(counts[place]))
            for place in np.flatnonzero(counts >= least).tolist()
        ]
        return sorted(found, key=lambda path: (-path[1], path[0]))[:limit]

    def top_nodes(self, names: Sequence[str | None], limit: int) -> list[dict[int, int]]:
        """For each place the most frequent names with how many paths have them, and :data:`OTHER` where there are more."""
        by_place: list[list[tuple[int, int]]] = [[] for _ in range(self.max_steps)]
        for key, count in self.nodes.items():
            by_place[key >> _NAME].append((key & _MASK, count))
        found = []
        for counted in by_place:
            counted.sort(key=lambda node: (-node[1], names[node[0]] or ""))
            kept = dict(counted[:limit])
            if rest := sum(count for _, count in counted[limit:]):
                kept[OTHER] = rest
            found.append(kept)
        return found

    def top_edges(self, kept: Sequence[dict[int, int]], names: int) -> list[Edge]:
        """The edges between the names that are ``kept``, as :meth:`top_nodes` gives them, out of ``names``; by place, then with
        the most frequent ones first."""
        renamed = np.zeros((self.max_steps, names), np.int64)
        for place, of_place in enumerate(kept):
            at = list(of_place)
            renamed[place, at] = at
        found: list[Edge] = []
        for place in range(self.max_steps - 1):
            parts = [part for edges in self.edges if (part := _renamed(edges, place, renamed))]
            if parts:
                found += _edges_of(place, parts)
        return found


class _Part(NamedTuple):
    """The edges of one bucket and place: ``keys`` are those among the names that are kept, of which several may be the same."""

    keys: Ints
    counts: Ints
    distinct: Ints
    failed: Ints
    users: NDArray[np.unsignedinteger[Any]]
    ms: NDArray[np.uint32]
    latency: NDArray[np.float32] | None


def _renamed(edges: EdgePart, place: int, renamed: Ints) -> _Part | None:
    begin, end = np.searchsorted(edges.keys, [place << 2 * _NAME, (place + 1) << 2 * _NAME])
    if begin == end:
        return None
    keys = edges.keys[begin:end]
    own = (renamed[place][keys >> _NAME & _MASK] << _NAME) | renamed[place + 1][keys & _MASK]
    starts = np.r_[0, np.cumsum(edges.counts)]
    span = slice(starts[begin], starts[end])
    return _Part(
        own,
        edges.counts[begin:end],
        edges.distinct[begin:end],
        edges.failed[begin:end],
        edges.users[span],
        edges.ms[span],
        None if edges.latency is None else edges.latency[span],
    )


def _edges_of(place: int, parts: Sequence[_Part]) -> list[Edge]:
    keys = np.unique(np.concatenate([part.keys for part in parts]))
    codes = [np.searchsorted(keys, part.keys) for part in parts]
    counts, users, failed = (np.zeros(len(keys), np.int64) for _ in range(3))
    for part, code in zip(parts, codes, strict=True):
        np.add.at(counts, code, part.counts)
        np.add.at(failed, code, part.failed)
        users += _users(part, code, len(keys))
    latency = _latencies(codes, parts, len(keys))
    rows = np.empty(int(counts.sum()), np.int64)
    end = 0
    for part, code in zip(parts, codes, strict=True):
        of_part = rows[end : (end := end + len(part.ms))]
        of_part[:] = part.ms
        of_part |= np.repeat(code << 32, part.counts)
    rows.sort()
    medians = rows[np.cumsum(counts) - counts + (counts - 1) // 2] & _LONGEST_MS
    del rows
    edges = [
        Edge(place, key >> _NAME, key & _MASK, *numbers)
        for key, *numbers in zip(
            keys.tolist(), counts.tolist(), users.tolist(), medians.tolist(), latency, failed.tolist(), strict=True
        )
    ]
    return sorted(edges, key=lambda edge: -edge.paths)


def _users(part: _Part, code: Ints, edges: int) -> Ints:
    """Of one bucket the users of each edge: those of edges that have become one are counted once."""
    together = np.bincount(code, minlength=edges)[code] > 1
    users = np.zeros(edges, np.int64)
    users[code[~together]] = part.distinct[~together]
    if together.any():
        of_rows = np.repeat(together, part.counts)
        each = np.unique((np.repeat(code, part.counts)[of_rows] << 32) | part.users[of_rows])
        users += np.bincount(each >> 32, minlength=edges)
    return users


def _latencies(of_parts: Sequence[Ints], parts: Sequence[_Part], edges: int) -> list[float | None]:
    """The median latency of each edge, by the nearest rank, of arrivals that have one."""
    if all(part.latency is None for part in parts):
        return [None] * edges
    codes = np.concatenate([np.repeat(code, part.counts) for code, part in zip(of_parts, parts, strict=True)])
    given: NDArray[Any] = np.concatenate(
        [np.full(len(part.users), np.nan, np.float32) if part.latency is None else part.latency for part in parts]
    )
    there = np.flatnonzero(~np.isnan(given))
    order = there[np.lexsort((given[there], codes[there]))]
    counts = np.bincount(codes[there], minlength=edges)
    middle = np.cumsum(counts) - counts + (counts - 1) // 2
    return [float(given[order[at]]) if count else None for at, count in zip(middle.tolist(), counts.tolist(), strict=True)]


def _together(
    hashes: NDArray[np.uint64], counts: NDArray[np.int32]
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int32]]:
    """The distinct hashes, a place of each, and the sums of their counts."""
    order = np.argsort(hashes)
    hashes = hashes[order]
    first = np.flatnonzero(np.r_[True, hashes[1:] != hashes[:-1]])
    return hashes[first], order[first], np.add.reduceat(counts[order], first, dtype=np.int32)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of SplitMix64: each bit of the result depends on all of the value."""
    mixed = values * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
