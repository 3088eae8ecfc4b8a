"""Answers that were given a moment ago: in this process, bounded, forgotten after a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class TtlCache(Generic[V]):
    """At most ``capacity`` values, each for ``ttl_s`` seconds; when full, the oldest goes."""

    def __init__(self, ttl_s: float, capacity: int = 1000, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s = ttl_s
        self._capacity = capacity
        self._clock = clock
        self._values: dict[str, tuple[float, V]] = {}

    def get(self, key: str) -> V | None:
        entry = self._values.get(key)
        if entry is None:
            return None
        if entry[0] <= self._clock():
            del self._values[key]
            return None
        return entry[1]

    def put(self, key: str, value: V) -> None:
        self._values.pop(key, None)  # so that the order of keys is the order of age
        if len(self._values) >= self._capacity:
            del self._values[next(iter(self._values))]
        self._values[key] = (self._clock() + self._ttl_s, value)
