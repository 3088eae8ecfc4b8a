"""Which replica publishes what. Pure.

Metrics are divided into :data:`PARTITIONS` by a hash of tenant and metric, so that all versions of a metric are in one and only
one replica publishes a window. A partition belongs to the replica with the greatest weight for it (rendezvous hashing): when a
replica comes or goes, only the partitions that it gets or had change their owner.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache

from analytics.storage.rows import token_of

PARTITIONS = 64
"""As many as rows of ``publish_progress``."""


@lru_cache(65_536)
def partition_of(tenant: str, metric: str) -> int:
    """The partition of a metric, by its token or the name of its rollups."""
    digest = hashlib.blake2b(f"{tenant} {token_of(metric)}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) % PARTITIONS


def assigned(replica: int, replicas: Iterable[int]) -> frozenset[int]:
    """The partitions of one of ``replicas``."""
    living = sorted({*replicas, replica})
    return frozenset(
        partition for partition in range(PARTITIONS) if max(living, key=lambda one: _weight(partition, one)) == replica
    )


@lru_cache(4_096)
def _weight(partition: int, replica: int) -> bytes:
    return hashlib.blake2b(f"{partition} {replica}".encode(), digest_size=8).digest()
