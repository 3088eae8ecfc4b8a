"""A condition on labels: a jsonpath predicate for PostgreSQL, given as a parameter, and the same as a function. Pure.

A label that a row does not have is the empty text, and ``exists`` means that it is not empty. A service is known by its token,
however its name is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import msgspec

from drishti.measures.expressions.tree import Both, Compare, Condition, Either, Exists, Member, Not, Prefix
from drishti.messages import subjects

SERVICE = "service"

LabelMatcher = Callable[[Mapping[str, str]], bool]
"""Whether the labels of a row meet a condition."""


def by_tokens(condition: Condition) -> Condition:
    """``condition`` with the values of ``service`` as tokens."""
    if isinstance(condition, Both | Either):
        return type(condition)(by_tokens(condition.left), by_tokens(condition.right))
    if isinstance(condition, Not):
        return Not(by_tokens(condition.condition))
    if condition.name != SERVICE:
        return condition
    if isinstance(condition, Compare):
        return msgspec.structs.replace(condition, value=_token(str(condition.value)))
    if isinstance(condition, Member):
        return msgspec.structs.replace(condition, values=tuple(_token(str(value)) for value in condition.values))
    return condition


def required(condition: Condition | None) -> dict[str, str]:
    """Labels that every row has which meets ``condition``, for an index or a cheap first look. Never all of the condition."""
    if isinstance(condition, Both):
        return required(condition.left) | required(condition.right)
    if isinstance(condition, Compare) and condition.operator == "=" and condition.value != "":
        return {condition.name: str(condition.value)}
    return {}


def jsonpath(condition: Condition) -> str:
    """The predicate over an object of labels."""
    if isinstance(condition, Both):
        return f"({jsonpath(condition.left)} && {jsonpath(condition.right)})"
    if isinstance(condition, Either):
        return f"({jsonpath(condition.left)} || {jsonpath(condition.right)})"
    if isinstance(condition, Not):
        return f"(!{jsonpath(condition.condition)})"
    label = f"$.{_text(condition.name)}"
    if isinstance(condition, Exists):
        return f'(exists({label}) && !({label} == ""))'
    if isinstance(condition, Prefix):
        return f"({label} starts with {_text(condition.text)})" if condition.text else "(1 == 1)"
    if isinstance(condition, Member):
        return "(" + " || ".join(_equal(label, str(value)) for value in condition.values) + ")"
    equal = _equal(label, str(condition.value))
    return equal if condition.operator == "=" else f"(!{equal})"


def matcher(condition: Condition) -> LabelMatcher:
    """A function that says of labels what the predicate of :func:`jsonpath` says."""
    if isinstance(condition, Both):
        one, other = matcher(condition.left), matcher(condition.right)
        return lambda labels: one(labels) and other(labels)
    if isinstance(condition, Either):
        one, other = matcher(condition.left), matcher(condition.right)
        return lambda labels: one(labels) or other(labels)
    if isinstance(condition, Not):
        inner = matcher(condition.condition)
        return lambda labels: not inner(labels)
    name = condition.name
    if isinstance(condition, Exists):
        return lambda labels: labels.get(name, "") != ""
    if isinstance(condition, Prefix):
        text = condition.text
        return lambda labels: labels.get(name, "").startswith(text)
    if isinstance(condition, Member):
        values = frozenset(map(str, condition.values))
        return lambda labels: labels.get(name, "") in values
    value, wanted = str(condition.value), condition.operator == "="
    return lambda labels: (labels.get(name, "") == value) is wanted


def _equal(label: str, value: str) -> str:
    return f"({label} == {_text(value)})" if value else f'(!exists({label}) || {label} == "")'


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _token(value: str) -> str:
    return subjects.token(value) if value else value
