"""Which replica looks after which series: partitions, who lives, and who owns what. Pure.

How this works
--------------
All series of one metric and tenant come in the same messages, so the subject alone says the partition: a hash of tenant and
metric, modulo :data:`~predictor.series.partition.PARTITIONS`. A partition belongs to the living replica with the greatest
weight for it (rendezvous hashing, Thaler and Ravishankar 1998): who comes or goes moves only what it gains or leaves, and all
replicas compute the same owners from the same list of the living without asking each other.

Which replicas are alive is read from the record of heartbeats on the bus alone. A replica is gone when the record has
moved on :data:`GONE_S` past its last heartbeat; that time is the bus's (each record carries it), never a replica's. So clocks
that differ do not matter, and while the bus is away nothing is recorded and nobody is declared dead.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from functools import lru_cache

from predictor.series.partition import PARTITIONS

HEARTBEAT_S = 1.0
GONE_S = 5.0
"""Five heartbeats: a busy machine may be late with some. What is left of the ten seconds is for loading and reading."""


@lru_cache(maxsize=4096)
def partition(subject: str) -> int:
    """The partition, 0 to 63, of what an aggregate's ``subject`` brings; messages of other kinds do not come here."""
    tenant, metric = metric_of(subject)
    return zlib.crc32(f"{tenant}.{metric}".encode()) % PARTITIONS


def metric_of(subject: str) -> tuple[str, str]:
    """Tenant and metric of what an aggregate's ``subject`` brings."""
    _, _, tenant, _, metric = subject.split(".")
    return tenant, metric


def owner(number: int, replicas: Iterable[str]) -> str:
    """Who of ``replicas``, of which there is at least one, owns partition ``number``; their order does not matter."""
    return max(replicas, key=lambda replica: (_weight(number, replica), replica))


def owned(replica: str, replicas: Iterable[str]) -> frozenset[int]:
    """The partitions of ``replica`` while ``replicas`` live; none when it is not one of them."""
    living = set(replicas)
    if replica not in living:
        return frozenset()
    return frozenset(number for number in range(PARTITIONS) if owner(number, living) == replica)


def _weight(number: int, replica: str) -> bytes:
    return hashlib.blake2b(f"{number} {replica}".encode(), digest_size=8).digest()


class Roll:
    """The replicas by their last heartbeat, in the time of the bus (seconds)."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._now = 0.0

    def heard(self, replica: str, at: float) -> None:
        """Takes one heartbeat. Records come in order, so the newest of them is what time it is."""
        self._last[replica] = at
        self._pass(at)

    def left(self, replica: str, at: float) -> None:
        """Strikes off who said goodbye."""
        self._last.pop(replica, None)
        self._pass(at)

    def living(self) -> frozenset[str]:
        return frozenset(self._last)

    def _pass(self, at: float) -> None:
        self._now = max(self._now, at)
        self._last = {replica: last for replica, last in self._last.items() if self._now - last < GONE_S}
