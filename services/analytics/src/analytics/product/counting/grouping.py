"""Values that count as one: patterns with ``*``, each with the name of what it matches. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from analytics.product.counting.breakdowns import Labels


class Group(NamedTuple):
    """What matches ``pattern``, in which ``*`` stands for any characters, is called ``name``."""

    pattern: str
    name: str


class GroupedLabels(Labels):
    """Values by their numbers, where a value that matches a group is that of the first such group."""

    def __init__(self, groups: Sequence[Group]) -> None:
        super().__init__({None: 0})

        @lru_cache(maxsize=100_000)
        def name_of(text: str) -> str:
            return next((group.name for group in groups if matches(group.pattern, text)), text)

        self._name_of = name_of

    def setdefault(self, text: str | None, number: int = 0, /) -> int:
        return super().setdefault(None if text is None else self._name_of(text), number)


def matches(pattern: str, text: str) -> bool:
    """Whether ``text`` is ``pattern``. Each part is sought once, from left to right: no pattern takes long."""
    first, *others = pattern.split("*")
    if not others:
        return text == pattern
    *between, last = others
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in between:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
