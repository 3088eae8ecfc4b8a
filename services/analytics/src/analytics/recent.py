"""What was used lately, by key: a flood of keys that never come again leaves the memory some minutes after it. Pure."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most ``most`` values. Those that are not looked up between two calls of :meth:`age` are forgotten at the second."""

    def __init__(self, most: int) -> None:
        self._most_young = max(1, most // 2)
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """The value of ``key``; ``None`` where it is forgotten or was never known."""
        value = self._young.get(key)
        if value is None and (value := self._old.pop(key, None)) is not None:
            self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Remembers ``value`` under ``key``."""
        if len(self._young) >= self._most_young and key not in self._young:
            self.age()
        self._young[key] = value

    def age(self) -> None:
        """What was not looked up since the last call is forgotten."""
        self._old, self._young = self._young, {}

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())
