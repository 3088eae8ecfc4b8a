"""Conditions as functions: what :func:`drishti.measures.expressions.tree.matches` says, made once and called for each event.

Pure. No text is ever executed: a condition becomes closures over its own values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from drishti.measures.expressions.tree import (
    Both,
    Compare,
    Condition,
    Either,
    Exists,
    Member,
    Not,
    Prefix,
    matches,
)

Properties = Mapping[str, Any]
Matcher = Callable[[Properties], bool]


def compiled(condition: Condition) -> Matcher:
    """A function that says of properties (decoded JSON) whether they meet ``condition``."""
    if isinstance(condition, Both):
        one, other = compiled(condition.left), compiled(condition.right)
        return lambda properties: one(properties) and other(properties)
    if isinstance(condition, Either):
        one, other = compiled(condition.left), compiled(condition.right)
        return lambda properties: one(properties) or other(properties)
    if isinstance(condition, Not):
        inner = compiled(condition.condition)
        return lambda properties: not inner(properties)
    name = condition.name
    if isinstance(condition, Exists):
        return lambda properties: properties.get(name) is not None
    if isinstance(condition, Compare) and isinstance(condition.value, str) and condition.operator in ("=", "!="):
        text, wanted = condition.value, condition.operator == "="
        return lambda properties: (properties.get(name) == text) is wanted
    if isinstance(condition, Member) and all(isinstance(value, str) for value in condition.values):
        texts = frozenset(condition.values)
        return lambda properties: isinstance(value := properties.get(name), str) and value in texts
    return lambda properties: matches(condition, properties)


def names_in(condition: Condition | None) -> Iterator[str]:
    """The properties that ``condition`` is about."""
    if isinstance(condition, Both | Either):
        yield from names_in(condition.left)
        yield from names_in(condition.right)
    elif isinstance(condition, Not):
        yield from names_in(condition.condition)
    elif isinstance(condition, Compare | Member | Prefix | Exists):
        yield condition.name
