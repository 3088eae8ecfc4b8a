"""The tree of an expression. Every node prints as text that parses to the same node, which is also its identity."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

Literals = str | float | bool
Comparison = Literal["=", "!=", "<", "<=", ">", ">="]

BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*(?:@[0-9]+)?")
"""A name that needs no quotes. Names with other characters are written as ``"page-view"``."""

STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2}
"""How closely operators bind: 2 before 1."""

FURTHEST = 1e308
"""Numbers beyond it, either way, are compared as this one."""

WORDS = frozenset({"where", "and", "or", "not", "in", "prefix", "exists", "true", "false"})


class Compare(Struct, frozen=True, tag=True):
    """``name operator value``."""

    name: str
    operator: Comparison
    value: Literals

    def __str__(self) -> str:
        return f"{quoted(self.name)} {self.operator} {literal(self.value)}"


class Member(Struct, frozen=True, tag=True):
    """``name in (…)``."""

    name: str
    values: tuple[Literals, ...]

    def __str__(self) -> str:
        return f"{quoted(self.name)} in ({', '.join(map(literal, self.values))})"


class Prefix(Struct, frozen=True, tag=True):
    """``name prefix "…"``: a text that begins so. The empty text: anything, also what is absent."""

    name: str
    text: str

    def __str__(self) -> str:
        return f"{quoted(self.name)} prefix {literal(self.text)}"


class Exists(Struct, frozen=True, tag=True):
    """``name exists``: it is there and not null."""

    name: str

    def __str__(self) -> str:
        return f"{quoted(self.name)} exists"


class Not(Struct, frozen=True, tag=True):
    condition: Condition

    def __str__(self) -> str:
        return f"not {_within(self.condition, 3)}"


class Both(Struct, frozen=True, tag=True):
    left: Condition
    right: Condition

    def __str__(self) -> str:
        return f"{_within(self.left, 2)} and {_within(self.right, 3)}"


class Either(Struct, frozen=True, tag=True):
    left: Condition
    right: Condition

    def __str__(self) -> str:
        return f"{_within(self.left, 1)} or {_within(self.right, 2)}"


Condition = Compare | Member | Prefix | Exists | Not | Both | Either


class Term(Struct, frozen=True, tag=True):
    """``aggregate(name where condition)``."""

    aggregate: str
    name: str
    condition: Condition | None = None

    def __str__(self) -> str:
        condition = "" if self.condition is None else f" where {self.condition}"
        return f"{self.aggregate}({quoted(self.name)}{condition})"


class Number(Struct, frozen=True, tag=True):
    value: float

    def __str__(self) -> str:
        return literal(self.value)


class Negative(Struct, frozen=True, tag=True):
    operand: Expression

    def __str__(self) -> str:
        return f"-{_within(self.operand, 3)}"


class Arithmetic(Struct, frozen=True, tag=True):
    operator: Literal["+", "-", "*", "/"]
    left: Expression
    right: Expression

    def __str__(self) -> str:
        own = STRENGTH[self.operator]
        return f"{_within(self.left, own)} {self.operator} {_within(self.right, own + 1)}"


Expression = Number | Term | Negative | Arithmetic


def _within(node: Expression | Condition, least: int) -> str:
    """``node`` as text, in parentheses where it binds less closely than ``least``."""
    if isinstance(node, Arithmetic):
        own = STRENGTH[node.operator]
    else:
        own = 1 if isinstance(node, Either) else 2 if isinstance(node, Both) else 3
    return str(node) if own >= least else f"({node})"


def quoted(name: str) -> str:
    """``name`` as it is written in an expression."""
    return name if BARE.fullmatch(name) and name not in WORDS else json.dumps(name, ensure_ascii=False)


def literal(value: Literals) -> str:
    """``value`` as it is written in an expression."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def terms(expression: Expression) -> list[Term]:
    """The terms of ``expression``, each once, in the order of the text."""
    return list(dict.fromkeys(_terms(expression)))


def _terms(expression: Expression) -> Iterator[Term]:
    if isinstance(expression, Term):
        yield expression
    elif isinstance(expression, Negative):
        yield from _terms(expression.operand)
    elif isinstance(expression, Arithmetic):
        yield from _terms(expression.left)
        yield from _terms(expression.right)


def evaluate(expression: Expression, values: Mapping[Term, float | None]) -> float | None:
    """What ``expression`` comes to. ``None``, "no value", where a term it needs has none, where it divides by zero, and where
    no finite number comes out."""
    if isinstance(expression, Number):
        return expression.value
    if isinstance(expression, Term):
        return _finite(values[expression])
    if isinstance(expression, Negative):
        operand = evaluate(expression.operand, values)
        return None if operand is None else -operand
    left, right = evaluate(expression.left, values), evaluate(expression.right, values)
    if left is None or right is None:
        return None
    if expression.operator == "/":
        return _finite(left / right) if right else None
    return _finite(left + right if expression.operator == "+" else left - right if expression.operator == "-" else left * right)


def matches(condition: Condition, properties: Mapping[str, object]) -> bool:
    """Whether ``properties`` (decoded JSON) meet ``condition``. What is absent, or of another type than it is compared with,
    meets no comparison but ``!=`` and ``prefix ""``; the order of texts is that of their code points. Numbers are compared as
    64-bit floats, however JSON wrote them."""
    if isinstance(condition, Both):
        return matches(condition.left, properties) and matches(condition.right, properties)
    if isinstance(condition, Either):
        return matches(condition.left, properties) or matches(condition.right, properties)
    if isinstance(condition, Not):
        return not matches(condition.condition, properties)
    value = properties.get(condition.name)
    if isinstance(condition, Exists):
        return value is not None
    if isinstance(condition, Prefix):
        return not condition.text or (isinstance(value, str) and value.startswith(condition.text))
    if isinstance(condition, Member):
        return any(_equal(value, one) for one in condition.values)
    if condition.operator == "=":
        return _equal(value, condition.value)
    if condition.operator == "!=":
        return not _equal(value, condition.value)
    return _ordered(condition.operator, value, condition.value)


def _equal(value: object, other: Literals) -> bool:
    return _sort(value) is not None and _sort(value) == _sort(other) and _comparable(value) == _comparable(other)


def _ordered(operator: Comparison, value: object, other: Literals) -> bool:
    if _sort(value) is None or _sort(value) != _sort(other):
        return False
    one, two = _comparable(value), _comparable(other)
    if operator == "<":
        return bool(one < two)
    if operator == "<=":
        return bool(one <= two)
    return bool(one > two) if operator == ">" else bool(one >= two)


def _comparable(value: Any) -> Any:
    """A number as a float, an integer of any size among them; anything else as it is."""
    if isinstance(value, bool | str):
        return value
    return max(-FURTHEST, min(FURTHEST, float(value) if abs(value) < FURTHEST else value))


def _sort(value: object) -> str | None:
    """What sort of literal ``value`` could equal; ``None`` where it could equal none."""
    if isinstance(value, bool):
        return "truth value"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
