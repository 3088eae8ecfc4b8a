"""How often, how often wrongly and how long something took, as sums that merge in any order. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

from msgspec import Struct

from analytics.rollup.histogram import GAMMA

MOST_NS = 2**63 - 1
"""Sums end there, as that is the largest number that is stored."""

_LN_GAMMA = math.log(GAMMA)


class Durations(Struct, array_like=True):
    """Calls, those that failed, their time in all in nanoseconds, and how many took how long.

    ``buckets[i]`` counts durations in ``(GAMMA**(i-1), GAMMA**i]`` nanoseconds: any quantile is within 1 % of the true one
    (:mod:`analytics.rollup.histogram` has the same buckets)."""

    calls: int = 0
    errors: int = 0
    total_ns: int = 0
    buckets: dict[int, int] = {}

    def add(self, duration_ns: int, error: bool = False) -> None:
        self.calls += 1
        if error:
            self.errors += 1
        self.total_ns = min(self.total_ns + duration_ns, MOST_NS)
        bucket = bucket_of(duration_ns)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1

    def merge(self, other: Durations) -> None:
        """Takes in everything that ``other`` has counted."""
        self.calls += other.calls
        self.errors += other.errors
        self.total_ns = min(self.total_ns + other.total_ns, MOST_NS)
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count

    def scaled(self, times: int) -> Durations:
        """What these stand for, where they are one call in so many."""
        return Durations(
            self.calls * times,
            self.errors * times,
            min(self.total_ns * times, MOST_NS),
            {bucket: count * times for bucket, count in self.buckets.items()},
        )

    def quantile_ns(self, share: float) -> float:
        """What at least ``share`` (0 to 1) of the calls took at most; 0 where there are none."""
        return quantile(self.buckets, share)

    def mean_ns(self) -> float:
        return self.total_ns / self.calls if self.calls else 0.0


def bucket_of(duration_ns: int) -> int:
    return math.ceil(math.log(duration_ns) / _LN_GAMMA) if duration_ns > 1 else 0


def value_of(bucket: int) -> float:
    """What stands for the durations of a bucket, in nanoseconds."""
    return 2 * math.exp(bucket * _LN_GAMMA) / (GAMMA + 1) if bucket else 1.0


def quantile(buckets: dict[int, int], share: float) -> float:
    """The duration in nanoseconds that at least ``share`` of what is counted in ``buckets`` does not exceed; 0 where empty."""
    bucket = bucket_at(buckets, share)
    return 0.0 if bucket is None else value_of(bucket)


def bucket_at(buckets: dict[int, int], share: float) -> int | None:
    """The bucket of that duration; ``None`` where nothing is counted."""
    wanted = math.ceil(share * sum(buckets.values()))
    passed = 0
    for bucket in sorted(buckets):
        passed += buckets[bucket]
        if passed >= wanted:
            return bucket
    return None


def merged(parts: Iterable[Durations]) -> Durations:
    """All of ``parts`` in one."""
    whole = Durations()
    for part in parts:
        whole.merge(part)
    return whole
