"""The buckets of many histograms at once, as three columns. Pure; what a bucket is: :mod:`analytics.rollup.histogram`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from analytics.rollup.histogram import COUNT_BYTES, COUNT_TYPES, MOST, VERSION, Histogram, values_of_keys

Integers = npt.NDArray[np.int64]
Whole = npt.NDArray[Any]
"""Whole numbers of any width."""
Bytes = npt.NDArray[np.uint8]


class Buckets(NamedTuple):
    """``counts`` values in the buckets ``keys`` of the histograms ``owners``; ordered by owner and key, each pair once."""

    owners: Integers
    keys: Integers
    counts: Integers

    @classmethod
    def of_stored(cls, stored: Sequence[bytes], lengths: Sequence[bytes]) -> Buckets:
        """The merged histograms of each owner 0, 1, …: ``stored`` are its histograms as
        :meth:`~analytics.rollup.histogram.Histogram.to_bytes` has them, one behind the other, and ``lengths`` their lengths in
        bytes, as big-endian integers of four bytes.

        Raises :class:`ValueError` for what is no histogram.
        """
        parts: list[Buckets] = []
        split, last = False, -1
        for owners, some, their_lengths in _slices(stored, lengths):
            part = cls._of_stored(some, their_lengths)
            split, last = split or owners[0] == last, owners[-1]
            parts.append(part._replace(owners=np.array(owners, np.int64)[part.owners]))
        if not parts:
            return cls._of_stored((), ())
        if len(parts) == 1:
            return parts[0]
        joined = cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
        return cls._ordered(*joined) if split else joined

    @classmethod
    def _of_stored(cls, stored: Sequence[bytes], lengths: Sequence[bytes]) -> Buckets:
        """All at once."""
        length = np.frombuffer(b"".join(lengths), ">i4").astype(np.int64)
        data = np.frombuffer(b"".join(stored), np.uint8)
        if not len(length):
            return cls._ordered(length, length, length)
        ends = np.cumsum(length)
        if ends[-1] != len(data) or length.min() < 2:
            raise ValueError("a histogram that was cut short")
        starts = ends - length
        width = data[starts + 1]
        if (data[starts] != VERSION).any() or (width >= len(COUNT_BYTES)).any():
            raise ValueError("not a histogram of a known version")
        size, rest = np.divmod(length - 2, 2 + _COUNT_BYTES[width])
        if rest.any():
            raise ValueError("a histogram that was cut short")
        pieces = np.array([len(each) // 4 for each in lengths], np.int64)
        owner = np.repeat(np.repeat(np.arange(len(lengths)), pieces), size)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(size) - size, size)
        key = _at(data, "<i2", np.repeat(starts + 2, size) + 2 * within)
        counts = starts + 2 + 2 * size
        if (width == width[0]).all():
            count = _at(data, COUNT_TYPES[width[0]], np.repeat(counts, size) + within * COUNT_BYTES[width[0]])
        else:
            widths = np.repeat(width, size)
            places = np.repeat(counts, size) + within * _COUNT_BYTES[widths]
            count = np.zeros(len(owner), np.int64)
            for number, kind in enumerate(COUNT_TYPES):
                chosen = np.flatnonzero(widths == number)
                count[chosen] = _at(data, kind, places[chosen])
        return cls._ordered(owner, key, count)

    @classmethod
    def of_histograms(cls, owners: Integers, sizes: Integers, keys: Whole, counts: Whole) -> Buckets:
        """Histograms merged by owner: those of ``owners`` have ``sizes`` buckets each, whose keys and counts stand one
        histogram behind the other."""
        return cls._ordered(np.repeat(owners, sizes), keys, counts)

    @classmethod
    def _ordered(cls, owners: Integers, keys: Whole, counts: Whole) -> Buckets:
        """Out of buckets in any order, of which some may be the same."""
        if not len(keys):
            return cls(*(np.empty(0, np.int64) for _ in range(3)))
        lowest = int(keys.min())
        span = int(keys.max()) - lowest + 1
        size = int(owners.max()) + 1
        if size * span <= _DENSE * len(keys) and counts.max() < _EXACT // len(counts):
            # Keys span some hundreds mostly: adding into all of them is ten times as fast as sorting those that are there.
            places = owners * span
            places += keys
            places -= lowest
            sums = np.bincount(places, weights=counts, minlength=size * span)
            held = sums != 0
            found = np.flatnonzero(held)
            owner = np.repeat(np.arange(size), held.reshape(size, span).sum(axis=1))
            return cls(owner, found - owner * span + lowest, sums[found].astype(np.int64))
        packed = (owners << 16) + 2**15
        packed += keys
        if (np.diff(packed) < 0).any():
            order = np.argsort(packed)
            packed, counts = packed[order], counts[order]
        starts = np.flatnonzero(np.diff(packed, prepend=-1))
        found = packed[starts]
        return cls(found >> 16, (found & 0xFFFF) - 2**15, np.add.reduceat(counts, starts, dtype=np.int64))

    def merged(self, owners: Integers) -> Buckets:
        """With ``owners[n]`` as the owner of what ``n`` owns now; what -1 would own is left out."""
        owner, keys, counts = owners[self.owners], self.keys, self.counts
        kept = owners[owners >= 0]
        if len(kept) < len(owners):
            held = np.flatnonzero(owner >= 0)
            owner, keys, counts = owner[held], keys[held], counts[held]
        if (np.diff(kept) > 0).all():  # in their order still, and none is merged
            return Buckets(owner, keys, counts)
        return Buckets._ordered(owner, keys, counts)

    def histograms(self, size: int) -> list[Histogram]:
        """That of each owner below ``size``. They share their memory: for use at once."""
        ends = np.searchsorted(self.owners, np.arange(size + 1)).tolist()
        keys = self.keys.astype(np.int16)
        counts = np.minimum(self.counts, MOST)
        return [Histogram(keys[first:end], counts[first:end]) for first, end in pairwise(ends)]

    def quantile(self, part: float, size: int) -> npt.NDArray[np.float64]:
        """As :meth:`~analytics.rollup.histogram.Histogram.quantiles`, of each owner below ``size``; NaN of one without any."""
        found = np.full(size, np.nan)
        firsts = np.flatnonzero(np.diff(self.owners, prepend=-1))
        if not len(firsts):
            return found
        ends = np.cumsum(self.counts)
        before = ends[firsts] - self.counts[firsts]
        sizes = np.append(before[1:], ends[-1]) - before
        firsts, before, sizes = firsts[sizes > 0], before[sizes > 0], sizes[sizes > 0]
        ranks = part * (sizes - 1)
        lower = np.floor(ranks)
        low = values_of_keys(self.keys[np.searchsorted(ends, before + lower.astype(np.int64), side="right")])
        high = values_of_keys(self.keys[np.searchsorted(ends, before + np.ceil(ranks).astype(np.int64), side="right")])
        found[self.owners[firsts]] = low + (high - low) * (ranks - lower)
        return found


BYTES_AT_ONCE = 512 * 1024
"""Of stored histograms that are read in one go, which takes thirty times as much."""

_COUNT_BYTES = np.array(COUNT_BYTES, np.int64)
_DENSE = 8
_EXACT = 2**53
"""Sums below it are exact as floats."""


def _slices(stored: Sequence[bytes], lengths: Sequence[bytes]) -> Iterator[tuple[list[int], list[bytes], list[bytes]]]:
    """Owners with their histograms and lengths, about :data:`BYTES_AT_ONCE` at a time; those of a large owner in parts."""
    owners: list[int] = []
    some: list[bytes] = []
    their_lengths: list[bytes] = []
    total = 0
    for owner, (whole, each) in enumerate(zip(stored, lengths, strict=True)):
        for data, length in ((whole, each),) if len(whole) <= BYTES_AT_ONCE else _cut(whole, each):
            if total and total + len(data) > BYTES_AT_ONCE:
                yield owners, some, their_lengths
                owners, some, their_lengths, total = [], [], [], 0
            owners.append(owner)
            some.append(data)
            their_lengths.append(length)
            total += len(data)
    if owners:
        yield owners, some, their_lengths


def _cut(stored: bytes, lengths: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The histograms of one owner in parts of about :data:`BYTES_AT_ONCE`, with the lengths of each part."""
    length = np.frombuffer(lengths, ">i4").astype(np.int64)
    ends = np.cumsum(length)
    if not len(length) or ends[-1] != len(stored) or length.min() < 2:
        raise ValueError("a histogram that was cut short")
    first = start = 0
    while first < len(ends):
        until = max(first + 1, int(np.searchsorted(ends, start + BYTES_AT_ONCE, side="right")))
        end = int(ends[until - 1])
        yield stored[start:end], lengths[4 * first : 4 * until]
        first, start = until, end


def _at(data: Bytes, kind: str, places: Integers) -> Integers:
    """The numbers of ``kind`` that begin at ``places`` of ``data``, aligned or not."""
    size = np.dtype(kind).itemsize
    if len(data) < size:
        return np.zeros(len(places), np.int64)
    numbers: Integers = np.ndarray((len(data) - size + 1,), kind, data.data, strides=(1,))[places].astype(np.int64)
    return numbers
