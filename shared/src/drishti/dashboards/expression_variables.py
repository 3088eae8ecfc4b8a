"""Variables in expressions and conditions: ``service = $service`` with what was chosen in its place. Pure.

A variable stands for values of a label, so it may stand after ``=`` and ``!=`` and within ``in (…)``, and nowhere else. What
was chosen is written as quoted text, whatever it is. Where nothing was chosen, the comparison is met by all values
(``service prefix ""``), and one that is negated, by ``!=`` or by a ``not`` before it, excludes none: then it is met by all
values together with its ``not``. In quotes, ``"$service"`` is the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from drishti.measures.expressions import parser
from drishti.measures.expressions.errors import ExpressionError
from drishti.measures.expressions.parser import Token
from drishti.measures.expressions.tree import literal

_TEXT_OR_VARIABLE = re.compile(
    r'"(?:[^"\\]|\\.)*"|' + r"'(?:[^'\\]|\\.)*'" + r"|\$(?P<variable>[a-z][a-z0-9_]{0,31})(?![A-Za-z0-9_])", re.DOTALL
)


class _Use(NamedTuple):
    """A comparison with variables: ``text[begin:end]``, of the label that is written as ``name``. ``values`` are as written, or
    the names of variables; ``at`` is where the first of these stands. ``negation`` are the bounds with every ``not`` that is
    about this comparison alone; the same bounds where there is none."""

    begin: int
    end: int
    negation: tuple[int, int]
    name: str
    excluded: bool
    values: tuple[str, ...]
    variables: frozenset[str]
    at: int


def with_values(text: str, values: Mapping[str, tuple[str, ...]]) -> str:
    """``text`` with what was chosen for its variables; one that is not among ``values`` has nothing chosen.

    Raises :class:`ExpressionError` where a variable stands in a place that takes none, or where ``text`` has no tokens.
    """
    made: list[str] = []
    end = 0
    for use in _uses(text):
        chosen = [values.get(value[1:], ()) if value in use.variables else (value,) for value in use.values]
        written = [
            literal(one) if value in use.variables else one
            for value, each in zip(use.values, chosen, strict=True)
            for one in each
        ]
        is_negated = use.excluded or use.negation != (use.begin, use.end)
        meant = list(dict.fromkeys(written)) if is_negated or all(chosen) else []
        begin, after = (use.begin, use.end) if meant else use.negation
        made += (text[end:begin], _comparison(use, meant))
        end = after
    return "".join(made) + text[end:]


def check(text: str, variables: Mapping[str, object], parse: Callable[[str], object]) -> None:
    """Raises :class:`ExpressionError` where ``text`` is wrong, as ``parse`` sees it, or names a variable that is not there."""
    for use in _uses(text):
        for name in sorted(variable[1:] for variable in use.variables):
            if name not in variables:
                has = f"it has {', '.join(variables)}" if variables else "it has none"
                raise ExpressionError(f"the dashboard has no variable {name}: {has}", use.at, len(name) + 1)
    parse(masked(text))


def masked(text: str) -> str:
    """``text`` with a quoted text of the same length in the place of each variable, so that it can be parsed."""
    return _masked(text)[0]


def _masked(text: str) -> tuple[str, dict[int, str]]:
    """``text`` with a quoted text of the same length for each variable, and the variables by where they stand."""
    variables: dict[int, str] = {}

    def one(found: re.Match[str]) -> str:
        if found["variable"] is None:
            return found[0]
        variables[found.start()] = found[0]
        return f'"{"v" * (len(found[0]) - 2)}"'

    return _TEXT_OR_VARIABLE.sub(one, text), variables


def _uses(text: str) -> Iterator[_Use]:
    without, variables = _masked(text)
    if not variables:
        return
    tokens = parser.tokens(without)
    done = 0
    for place, token in enumerate(tokens):
        if token.at < done or token.at not in variables:
            continue
        begin, end = _bounds(tokens, place) or (0, 0)
        if not end or tokens[begin].at in variables or not parser.is_name(tokens[begin]):
            name = variables[token.at]
            raise ExpressionError(f"{name} may stand after = or != and within in (…) of a condition", token.at, len(name))
        done = tokens[end - 1].at + len(tokens[end - 1].text)
        # The values are whatever stands there but signs; a minus belongs to the number behind it.
        signs = {"=", "==", "!=", "(", ")", ","}
        written = [one for one in tokens[begin + 1 : end] if one.text not in signs and one.kind != "name"]
        yield _Use(
            begin=tokens[begin].at,
            end=done,
            negation=_negation(tokens, begin, end),
            name=tokens[begin].text,
            excluded=tokens[begin + 1].text == "!=",
            values=tuple(variables.get(one.at, one.text) for one in written),
            variables=frozenset(variables[one.at] for one in written if one.at in variables),
            at=token.at,
        )


def _bounds(tokens: list[Token], place: int) -> tuple[int, int] | None:
    """Where in ``tokens`` the comparison begins and ends whose value the one at ``place`` is."""
    if place >= 2 and tokens[place - 1].kind == "sign" and tokens[place - 1].text in ("=", "==", "!="):
        return place - 2, place + 1
    opening = place - 1
    while opening > 0 and (tokens[opening].kind == "text" or tokens[opening].text == ","):
        opening -= 1
    if opening < 2 or tokens[opening].text != "(" or tokens[opening - 1].text != "in" or tokens[opening - 1].kind != "name":
        return None
    closing = place + 1
    while tokens[closing].kind == "text" or tokens[closing].text == ",":
        closing += 1
    return (opening - 2, closing + 1) if tokens[closing].text == ")" else None


def _negation(tokens: list[Token], begin: int, end: int) -> tuple[int, int]:
    """The bounds in the text of the comparison ``tokens[begin:end]`` with each ``not`` before it, also around parentheses that
    hold nothing else."""
    outer = begin, end
    while begin > 0:
        before = tokens[begin - 1]
        if before.kind == "name" and before.text == "not":
            begin -= 1
            outer = begin, end
        elif before.text == "(" and before.kind == "sign" and tokens[end].text == ")" and tokens[end].kind == "sign":
            begin, end = begin - 1, end + 1
        else:
            break
    first, last = outer
    return tokens[first].at, tokens[last - 1].at + len(tokens[last - 1].text)


def _comparison(use: _Use, values: list[str]) -> str:
    if not values:
        return f'{use.name} prefix ""'
    if len(values) == 1:
        return f"{use.name} {'!=' if use.excluded else '='} {values[0]}"
    return f"{'not ' if use.excluded else ''}{use.name} in ({', '.join(values)})"
