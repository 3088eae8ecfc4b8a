"""From the text of an expression to its tree: a Pratt parser, so that every error knows its character.

::

    expression  number, "-", "+ - * /", parentheses, and terms
    term        aggregate ( name [ where condition ] )
    condition   name = value (also !=, <, <=, >, >=), name in (value, …), name prefix "text", name exists;
                and, or, not, parentheses
    value       number · "text" · true · false
    name        letters, digits, _ and dots; any other in quotes: "page-view"

``*`` and ``/`` bind more closely than ``+`` and ``-``; ``and`` than ``or``.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple, cast

from drishti.measures.expressions.errors import ExpressionError
from drishti.measures.expressions.tree import (
    BARE,
    STRENGTH,
    WORDS,
    Arithmetic,
    Both,
    Compare,
    Comparison,
    Condition,
    Either,
    Exists,
    Expression,
    Literals,
    Member,
    Negative,
    Not,
    Number,
    Prefix,
    Term,
)

MAX_LENGTH = 2048
"""Characters of an expression."""

MAX_DEPTH = 32
"""Parentheses, minus signs and ``not`` within each other."""

MAX_TERMS = 16
MAX_VALUES = 100
"""Values after ``in``."""

MAX_PARTS = 200
"""Operators of an expression, those of its conditions included."""

_TOKENS = re.compile(
    rf"(?P<name>{BARE.pattern})"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r'|(?P<text>"(?:[^"\\]|\\.)*"' + r"|'(?:[^'\\]|\\.)*')"
    r"|(?P<sign><=|>=|!=|==|[-+*/()<>=,])",
    re.DOTALL,
)
_SPACE = re.compile(r"\s*")
_COMPARISONS = frozenset({"=", "==", "!=", "<", "<=", ">", ">="})


class Token(NamedTuple):
    """``kind`` is name, number, text (in quotes), sign or end; ``at`` counts characters from 0."""

    kind: str
    text: str
    at: int

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else f"{self.text!r}"


class Placed(NamedTuple):
    """Where the parts of a term that can be wrong stand in the text: character and length of each name."""

    aggregate: tuple[int, int]
    name: tuple[int, int]
    conditions: dict[str, tuple[int, int]]


class Parsed(NamedTuple):
    """An expression, and where its terms stand: the first of equal ones."""

    text: str
    expression: Expression
    places: dict[Term, Placed]


def parse(text: str) -> Parsed:
    """The tree of ``text``; raises :class:`ExpressionError`."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"an expression has at most {MAX_LENGTH} characters", MAX_LENGTH)
    parser = _Parser(text)
    expression = parser.expression(0, 0)
    parser.expect_end()
    return Parsed(text, expression, parser.places)


def parse_condition(text: str) -> Condition:
    """The tree of a condition alone, as it stands after ``where``; raises :class:`ExpressionError`."""
    return placed_condition(text)[0]


def placed_condition(text: str) -> tuple[Condition, dict[str, tuple[int, int]]]:
    """The tree of the same, and where its names stand; raises :class:`ExpressionError`."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"a condition has at most {MAX_LENGTH} characters", MAX_LENGTH)
    parser = _Parser(text)
    places: dict[str, tuple[int, int]] = {}
    condition = parser.condition(places)
    parser.expect_end("and, or or the end")
    return condition, places


def tokens(text: str) -> list[Token]:
    """The tokens of ``text``, with one of the kind ``end`` behind them; raises :class:`ExpressionError`."""
    found: list[Token] = []
    at = _after_space(text, 0)
    while at < len(text):
        match = _TOKENS.match(text, at)
        if match is None:
            what = "a text is left open" if text[at] in "\"'" else f"{text[at]!r} means nothing here"
            raise ExpressionError(what, at)
        found.append(Token(str(match.lastgroup), match.group(), at))
        at = _after_space(text, match.end())
    return [*found, Token("end", "", len(text))]


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._next = 0
        self._parts = 0
        self.places: dict[Term, Placed] = {}

    def expression(self, strength: int, depth: int) -> Expression:
        """What follows, as far as its operators bind more closely than ``strength``."""
        left = self._operand(depth)
        while (binding := STRENGTH.get(self._peek().text, 0)) > strength and self._peek().kind == "sign":
            operator = self._take()
            self._count(operator)
            left = Arithmetic(operator.text, left, self.expression(binding, depth))  # type: ignore[arg-type]  # STRENGTH has these four
        return left

    def condition(self, places: dict[str, tuple[int, int]]) -> Condition:
        """A condition; ``places`` takes where its names stand."""
        return self._either(places, 0)

    def expect_end(self, what: str = "an operator or the end") -> None:
        if (token := self._peek()).kind != "end":
            raise ExpressionError(f"expected {what}, not {token}", token.at, len(token.text))

    def _operand(self, depth: int) -> Expression:
        token = self._take()
        self._check_depth(token, depth)
        if token.kind == "number":
            return Number(_number(token))
        if token.text == "-":
            return Negative(self._operand(depth + 1))
        if token.text == "(" and token.kind == "sign":
            inner = self.expression(0, depth + 1)
            self._close(token)
            return inner
        if token.kind == "name" and token.text not in WORDS:
            return self._term(token)
        raise ExpressionError(
            f"expected a number or an aggregate such as count(feedback), not {token}", token.at, len(token.text)
        )

    def _term(self, aggregate: Token) -> Term:
        opening = self._take()
        if opening.text != "(":
            raise ExpressionError(
                f"{aggregate.text!r} needs an aggregate around it, such as avg({aggregate.text})",
                aggregate.at,
                len(aggregate.text),
            )
        name = self._take()
        if not is_name(name):
            raise ExpressionError(f"expected the name of a metric or an event, not {name}", name.at, len(name.text))
        condition: Condition | None = None
        places: dict[str, tuple[int, int]] = {}
        if self._peek().text == "where" and self._peek().kind == "name":
            self._take()
            condition = self._either(places, 0)
        self._close(opening)
        term = Term(aggregate.text, _name(name), condition)
        self.places.setdefault(term, Placed((aggregate.at, len(aggregate.text)), (name.at, len(name.text)), places))
        if len(self.places) > MAX_TERMS:
            raise ExpressionError(f"an expression has at most {MAX_TERMS} different terms", aggregate.at, len(aggregate.text))
        return term

    def _either(self, places: dict[str, tuple[int, int]], depth: int) -> Condition:
        left = self._both(places, depth)
        while self._is_word("or"):
            self._count(self._take())
            left = Either(left, self._both(places, depth))
        return left

    def _both(self, places: dict[str, tuple[int, int]], depth: int) -> Condition:
        left = self._condition(places, depth)
        while self._is_word("and"):
            self._count(self._take())
            left = Both(left, self._condition(places, depth))
        return left

    def _condition(self, places: dict[str, tuple[int, int]], depth: int) -> Condition:
        token = self._take()
        self._check_depth(token, depth)
        if token.kind == "name" and token.text == "not":
            return Not(self._condition(places, depth + 1))
        if token.kind == "sign" and token.text == "(":
            inner = self._either(places, depth + 1)
            self._close(token)
            return inner
        if not is_name(token):
            raise ExpressionError(f"expected the name of a property or a label, not {token}", token.at, len(token.text))
        name = _name(token)
        places.setdefault(name, (token.at, len(token.text)))
        operator = self._take()
        if operator.kind == "sign" and operator.text in _COMPARISONS:
            return Compare(name, cast(Comparison, "=" if operator.text == "==" else operator.text), self._value())
        if operator.kind == "name" and operator.text == "exists":
            return Exists(name)
        if operator.kind == "name" and operator.text == "prefix":
            text = self._peek()
            value = self._value()
            if not isinstance(value, str):
                raise ExpressionError("expected a text in quotes after prefix", text.at, len(text.text))
            return Prefix(name, value)
        if operator.kind == "name" and operator.text == "in":
            return Member(name, self._values())
        raise ExpressionError(
            f"expected =, !=, <, <=, >, >=, in, prefix or exists, not {operator}", operator.at, len(operator.text)
        )

    def _values(self) -> tuple[Literals, ...]:
        opening = self._take()
        if opening.text != "(":
            raise ExpressionError(f'expected values in parentheses, such as ("a", "b"), not {opening}', opening.at)
        values = [self._value()]
        while self._peek().text == "," and self._peek().kind == "sign":
            comma = self._take()
            values.append(self._value())
            if len(values) > MAX_VALUES:
                raise ExpressionError(f"at most {MAX_VALUES} values", comma.at)
        self._close(opening)
        return tuple(values)

    def _value(self) -> Literals:
        token = self._take()
        if token.kind == "text":
            return _text(token)
        if token.kind == "name" and token.text in ("true", "false"):
            return token.text == "true"
        if token.text == "-" and self._peek().kind == "number":
            return -_number(self._take())
        if token.kind == "number":
            return _number(token)
        hint = f'; a text needs quotes: "{token.text}"' if token.kind == "name" else ""
        raise ExpressionError(
            f"expected a number, a text in quotes, true or false, not {token}{hint}", token.at, len(token.text)
        )

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _is_word(self, word: str) -> bool:
        return self._peek().kind == "name" and self._peek().text == word

    def _close(self, opening: Token) -> None:
        token = self._take()
        if token.text != ")" or token.kind != "sign":
            raise ExpressionError(f"expected ) for the ( at character {opening.at + 1}, not {token}", token.at, len(token.text))

    def _count(self, token: Token) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise ExpressionError(f"an expression has at most {MAX_PARTS} operators", token.at, len(token.text))

    def _check_depth(self, token: Token, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ExpressionError(f"nested more than {MAX_DEPTH} levels deep", token.at)


def is_name(token: Token) -> bool:
    """Whether ``token`` can name a metric, an event or a label."""
    return token.kind == "text" or (token.kind == "name" and token.text not in WORDS)


def _name(token: Token) -> str:
    if token.kind == "name":
        return token.text
    if not (name := _text(token)):
        raise ExpressionError("a name has at least one character", token.at, len(token.text))
    return name


def _text(token: Token) -> str:
    """A text in quotes, with the escapes of JSON."""
    inner = token.text[1:-1]
    if token.text[0] == "'":
        inner = inner.replace("\\'", "'").replace('"', '\\"')
    try:
        text: str = json.loads(f'"{inner}"')
        text.encode()
    except ValueError:  # of JSON, or of UTF-8
        raise ExpressionError("this text is not one: escapes are those of JSON", token.at, len(token.text)) from None
    if "\0" in text:
        raise ExpressionError("text must not contain the character U+0000", token.at, len(token.text))
    return text


def _number(token: Token) -> float:
    value = float(token.text)
    if value in (float("inf"), float("-inf")):
        raise ExpressionError("this number is too large", token.at, len(token.text))
    return value
