"""What is made of a condition: of its atoms, each about one name, and of *and*, *or* and *not* over them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from drishti.measures.expressions.tree import Both, Compare, Condition, Either, Exists, Member, Not, Prefix

Atom = Compare | Member | Prefix | Exists

T = TypeVar("T")


def fold(
    condition: Condition,
    atom: Callable[[Atom], T],
    negated: Callable[[T], T],
    both: Callable[[T, T], T],
    either: Callable[[T, T], T],
) -> T:
    """What ``atom`` makes of each atom, put together by the other three as ``condition`` puts them, from left to right."""

    def made(part: Condition) -> T:
        if isinstance(part, Both):
            return both(made(part.left), made(part.right))
        if isinstance(part, Either):
            return either(made(part.left), made(part.right))
        if isinstance(part, Not):
            return negated(made(part.condition))
        return atom(part)

    return made(condition)


def predicate(condition: Condition, atom: Callable[[Atom], Callable[[T], bool]]) -> Callable[[T], bool]:
    """A function that says whether something meets ``condition``; ``atom`` makes that of one atom. What decides already ends
    the evaluation."""

    def negated(inner: Callable[[T], bool]) -> Callable[[T], bool]:
        return lambda value: not inner(value)

    def both(one: Callable[[T], bool], other: Callable[[T], bool]) -> Callable[[T], bool]:
        return lambda value: one(value) and other(value)

    def either(one: Callable[[T], bool], other: Callable[[T], bool]) -> Callable[[T], bool]:
        return lambda value: one(value) or other(value)

    return fold(condition, atom, negated, both, either)


def atoms(condition: Condition | None) -> Iterator[Atom]:
    """The atoms of ``condition``, from left to right."""
    if isinstance(condition, Both | Either):
        yield from atoms(condition.left)
        yield from atoms(condition.right)
    elif isinstance(condition, Not):
        yield from atoms(condition.condition)
    elif condition is not None:
        yield condition
