"""Conditions on many events at once: what :func:`drishti.measures.expressions.tree.matches` says of each of them.

Pure. No text is ever executed: a condition becomes closures over its own values, which read whole columns of properties.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from drishti.measures.expressions.conditions import Atom, fold
from drishti.measures.expressions.tree import FURTHEST, Compare, Condition, Exists, Member, matches

Column = Sequence[Any]
"""One property of many events (decoded JSON), ``None`` where an event has none."""

ReadColumn = Callable[[str], Column]
Matcher = Callable[[ReadColumn], list[bool]]
"""Whether each event meets a condition."""

_EXACT = 2**53
"""Integers below it are the same number as a float."""

_ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compiled(condition: Condition) -> Matcher:
    """A function that says of the events whose columns it is given which of them meet ``condition``."""
    return fold(condition, _compiled, _negated, _both, _either)


def _negated(inner: Matcher) -> Matcher:
    return lambda read: [not met for met in inner(read)]


def _both(one: Matcher, other: Matcher) -> Matcher:
    return lambda read: [a and b for a, b in zip(one(read), other(read), strict=True)]


def _either(one: Matcher, other: Matcher) -> Matcher:
    return lambda read: [a or b for a, b in zip(one(read), other(read), strict=True)]


def _compiled(atom: Atom) -> Matcher:
    name = atom.name
    if isinstance(atom, Exists):
        return lambda read: [value is not None for value in read(name)]
    if isinstance(atom, Compare) and isinstance(atom.value, str) and atom.operator in ("=", "!="):
        text, wanted = atom.value, atom.operator == "="
        return lambda read: [(value == text) is wanted for value in read(name)]
    if isinstance(atom, Member) and all(isinstance(value, str) for value in atom.values):
        texts = frozenset(atom.values)
        return lambda read: [isinstance(value, str) and value in texts for value in read(name)]
    if isinstance(atom, Compare) and isinstance(atom.value, float):
        meets = _number_test(atom, atom.value)
        return lambda read: [meets(value) for value in read(name)]
    return lambda read: [matches(atom, {name: value}) for value in read(name)]


def _number_test(atom: Compare, number: float) -> Callable[[object], bool]:
    """Whether a value meets the comparison with ``number``; short for the values that are common."""
    name, holds, wanted = atom.name, _ORDERS[atom.operator], max(-FURTHEST, min(FURTHEST, number))

    def meets(value: object) -> bool:
        if type(value) is float and -FURTHEST <= value <= FURTHEST:
            return holds(value, wanted)
        if type(value) is int and -_EXACT < value < _EXACT:
            return holds(value, wanted)
        return matches(atom, {name: value})

    return meets
