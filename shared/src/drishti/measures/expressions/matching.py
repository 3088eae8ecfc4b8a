"""Conditions as functions: what :func:`drishti.measures.expressions.tree.matches` says, made once and called for each event.

Pure. No text is ever executed: a condition becomes closures over its own values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from drishti.measures.expressions.conditions import Atom, atoms, predicate
from drishti.measures.expressions.tree import Compare, Condition, Exists, Member, matches

Properties = Mapping[str, Any]
Matcher = Callable[[Properties], bool]


def compiled(condition: Condition) -> Matcher:
    """A function that says of properties (decoded JSON) whether they meet ``condition``."""
    return predicate(condition, _compiled)


def _compiled(atom: Atom) -> Matcher:
    name = atom.name
    if isinstance(atom, Exists):
        return lambda properties: properties.get(name) is not None
    if isinstance(atom, Compare) and isinstance(atom.value, str) and atom.operator in ("=", "!="):
        text, wanted = atom.value, atom.operator == "="
        return lambda properties: (properties.get(name) == text) is wanted
    if isinstance(atom, Member) and all(isinstance(value, str) for value in atom.values):
        texts = frozenset(atom.values)
        return lambda properties: isinstance(value := properties.get(name), str) and value in texts
    return lambda properties: matches(atom, properties)


def names_in(condition: Condition | None) -> Iterator[str]:
    """The properties that ``condition`` is about."""
    return (atom.name for atom in atoms(condition))
