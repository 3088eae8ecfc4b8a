"""A histogram whose quantiles are within 1 % of the true ones, and whose merge is exact.

How this works
--------------
Bucket ``i`` holds the values in ``(GAMMA**(i-1), GAMMA**i]`` with ``GAMMA = (1 + a) / (1 - a)`` and ``a`` = 1 %. Its
representative ``2 * GAMMA**i / (GAMMA + 1)`` differs from every value of the bucket by at most ``a`` (the log-bucket scheme of
DDSketch). Merging adds counts, so the order and the number of merges never show.

A bucket's **key** is its index shifted so that positive values have keys from 1 up; negative values mirror them below zero and
key 0 holds what is smaller than :data:`SMALLEST`. Keys are therefore ordered as values are. Only buckets that hold something
are kept: two small sorted arrays, which fit a database row (some 100 B for a second of traffic, 2 kB for a day of it).

Quantiles interpolate linearly between neighbouring ranks, as ``numpy.quantile`` and PostgreSQL's ``percentile_cont`` do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

ALPHA: Final = 0.01
GAMMA: Final = (1 + ALPHA) / (1 - ALPHA)
SMALLEST: Final = 1e-9
"""What is nearer to zero counts as zero: a thousandth of a nanosecond, where the unit is the millisecond."""

LARGEST: Final = 1e18
"""What is larger shares the last bucket; callers clip quantiles to the exact maximum."""

_LN_GAMMA: Final = math.log(GAMMA)
_SHIFT: Final = 1 - math.ceil(math.log(SMALLEST) / _LN_GAMMA)
COUNT_TYPES: Final = ("<u1", "<u2", "<u4", "<i8")
COUNT_BYTES: Final = (1, 2, 4, 8)
"""The width of a stored count, by the second byte of what is stored."""

_DTYPES: Final = tuple(map(np.dtype, COUNT_TYPES))
_TOPS: Final = np.array([(1 << 8) - 1, (1 << 16) - 1, (1 << 32) - 1])
"""The largest count of each width but the last."""

MOST: Final = 2**44
"""Counts of a bucket end there, so that no sum of what is merged at once overflows."""

VERSION: Final = 1
_HEADS: Final = tuple(bytes((VERSION, width)) for width in range(len(COUNT_TYPES)))
_KEY_TYPE: Final = np.dtype("<i2")

BUCKETS_AT_ONCE: Final = 50_000
"""Buckets of the histograms that are merged in one go, which takes some 100 bytes for each; more at once are also slower."""

Keys = npt.NDArray[np.int16]
Counts = npt.NDArray[Any]
"""Whole numbers of 1 to 8 bytes."""


class Histogram:
    """Immutable. ``count`` values in buckets; see the module's text for what a key is."""

    __slots__ = ("count", "counts", "keys")

    def __init__(self, keys: Keys, counts: Counts, count: int | None = None) -> None:
        """``count``: the sum of ``counts``, where that is known already."""
        self.keys = keys
        self.counts = counts
        self.count = int(counts.sum()) if count is None else count

    @classmethod
    def of(cls, values: Sequence[float] | npt.NDArray[np.float64]) -> Histogram:
        """The histogram of finite ``values``, in any order."""
        keys, counts = np.unique(_keys(np.asarray(values, dtype=np.float64)), return_counts=True)
        return cls(keys, counts.astype(np.int64))

    @classmethod
    def of_groups(
        cls, groups: npt.NDArray[np.int64], values: npt.NDArray[np.float64], counts: npt.NDArray[np.int64]
    ) -> dict[int, Histogram]:
        """One histogram for each group, which is 0 or more: ``counts[i]`` times the finite ``values[i]`` in ``groups[i]``."""
        return cls._grouped(groups, _keys(values).astype(np.int64), counts)

    @classmethod
    def _grouped(
        cls, owners: npt.NDArray[np.int64], keys: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]
    ) -> dict[int, Histogram]:
        """One histogram for each owner of keys and their counts, in any order."""
        if not len(keys):
            return {}
        packed = (owners << 16) + (keys + 2**15)
        order = np.argsort(packed, kind="stable")
        packed = packed[order]
        starts = np.flatnonzero(np.diff(packed, prepend=-1))
        totals = np.minimum(np.add.reduceat(counts[order], starts), MOST)
        held = ((packed[starts] & 0xFFFF) - 2**15).astype(np.int16)
        whose = packed[starts] >> 16
        firsts = np.flatnonzero(np.diff(whose, prepend=-1))
        ends = np.append(firsts[1:], len(whose)).tolist()
        sums = np.add.reduceat(totals, firsts).tolist()
        widths = np.searchsorted(_TOPS, np.maximum.reduceat(totals, firsts)).tolist()
        # Copies: a part that is kept must not keep the arrays of all. Their counts are as wide as they need to be.
        return {
            owner: cls(held[first:end].copy(), totals[first:end].astype(_DTYPES[width]), count)
            for owner, first, end, count, width in zip(whose[firsts].tolist(), firsts.tolist(), ends, sums, widths, strict=True)
        }

    @classmethod
    def merged(cls, parts: Iterable[Histogram]) -> Histogram:
        """All values of all ``parts``."""
        histograms = [part for part in parts if len(part.keys)]
        if len(histograms) == 1:
            return histograms[0]
        if not histograms:
            return cls(np.empty(0, np.int16), np.empty(0, np.int64))
        # Keys span some thousands at most: adding into all of them is faster than sorting those that are there.
        lowest = min(int(part.keys[0]) for part in histograms)
        counts = np.zeros(max(int(part.keys[-1]) for part in histograms) - lowest + 1, np.int64)
        for part in histograms:
            counts[part.keys.astype(np.intp) - lowest] += part.counts
        held = np.flatnonzero(counts)
        return cls((held + lowest).astype(np.int16), np.minimum(counts[held], MOST))

    @classmethod
    def merged_groups(cls, groups: Sequence[Sequence[Histogram]]) -> list[Histogram]:
        """:meth:`merged` of each group, many at once: of many groups of a few, that takes a fifth of the time."""
        results: list[Histogram] = []
        start = buckets = 0
        for end, group in enumerate(groups, 1):
            buckets += sum([len(part.keys) for part in group])
            if buckets > BUCKETS_AT_ONCE:
                results += cls._merged_groups(groups[start:end])
                start, buckets = end, 0
        return results + cls._merged_groups(groups[start:])

    @classmethod
    def _merged_groups(cls, groups: Sequence[Sequence[Histogram]]) -> list[Histogram]:
        """All at once."""
        parts = [part for group in groups for part in group]
        if not parts:
            return [cls.merged(()) for _ in groups]
        owners = np.repeat(
            np.repeat(np.arange(len(groups)), [len(group) for group in groups]), [len(part.keys) for part in parts]
        )
        keys = np.concatenate([part.keys for part in parts]).astype(np.int64)
        found = cls._grouped(owners, keys, np.concatenate([part.counts for part in parts], dtype=np.int64))
        merged: list[Histogram] = []
        for place, group in enumerate(groups):
            histogram = found.get(place) or cls.merged(())
            size = len(histogram.keys)
            # Who has as many buckets as all together has the same ones: a minute and its hour share their keys.
            histogram.keys = next((part.keys for part in group if len(part.keys) == size), histogram.keys)
            merged.append(histogram)
        return merged

    def merge(self, other: Histogram) -> Histogram:
        return Histogram.merged((self, other))

    def quantiles(self, wanted: Sequence[float]) -> list[float]:
        """The values below which the shares ``wanted`` (0 to 1) lie; NaN where the histogram is empty."""
        if not self.count:
            return [math.nan] * len(wanted)
        ends = np.cumsum(self.counts)
        ranks = np.asarray(wanted, dtype=np.float64) * (self.count - 1)
        lower = np.floor(ranks)
        low = values_of_keys(self.keys[np.searchsorted(ends, lower, side="right")])
        high = values_of_keys(self.keys[np.searchsorted(ends, np.ceil(ranks), side="right")])
        result: list[float] = (low + (high - low) * (ranks - lower)).tolist()
        return result

    def to_bytes(self) -> bytes:
        """Version, width of a count in bytes, keys, counts: little-endian, no padding."""
        counts = self.counts
        if counts.dtype == _DTYPES[0]:  # most: nothing is narrower
            width = 0
        else:
            top = int(counts.max(initial=0))
            width = 0 if top < 1 << 8 else 1 if top < 1 << 16 else 2 if top < 1 << 32 else 3
            counts = counts.astype(_DTYPES[width], copy=False)
        return _HEADS[width] + self.keys.astype(_KEY_TYPE, copy=False).tobytes() + counts.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Histogram:
        """The inverse of :meth:`to_bytes`; raises :class:`ValueError` for anything else."""
        if len(data) < 2 or data[0] != VERSION or data[1] >= len(COUNT_TYPES):
            raise ValueError("not a histogram of a known version")
        width = np.dtype(COUNT_TYPES[data[1]])
        size, rest = divmod(len(data) - 2, 2 + width.itemsize)
        if rest:
            raise ValueError("a histogram that was cut short")
        keys = np.frombuffer(data, "<i2", size, 2)
        counts = np.frombuffer(data, width, size, 2 + 2 * size)
        return cls(keys.astype(np.int16), counts.copy())

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Histogram) and np.array_equal(self.keys, other.keys) and np.array_equal(self.counts, other.counts)
        )

    __hash__ = None  # type: ignore[assignment]  # equal by content; arrays have no cheap hash

    def __repr__(self) -> str:
        return f"Histogram(count={self.count}, buckets={len(self.keys)})"


def _keys(values: npt.NDArray[np.float64]) -> Keys:
    sizes = np.abs(values)
    index = np.ceil(np.log(np.clip(sizes, SMALLEST, LARGEST)) / _LN_GAMMA)
    keys: npt.NDArray[Any] = np.where(sizes < SMALLEST, 0, np.sign(values) * (index + _SHIFT))
    return keys.astype(np.int16)


def values_of_keys(keys: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float64]:
    """What stands for the values in each bucket."""
    wide = keys.astype(np.float64)
    size = 2 / (GAMMA + 1) * np.exp((np.abs(wide) - _SHIFT) * _LN_GAMMA)
    result: npt.NDArray[np.float64] = np.where(wide == 0, 0.0, np.sign(wide) * size)
    return result


def bounds_of_keys(keys: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float64]:
    """What all values in each bucket lie above, and those of the bucket before it do not."""
    wide = keys.astype(np.float64)
    above = np.exp((np.abs(wide) - _SHIFT - (wide > 0)) * _LN_GAMMA)
    result: npt.NDArray[np.float64] = np.where(wide == 0, 0.0, np.sign(wide) * above)
    return result
