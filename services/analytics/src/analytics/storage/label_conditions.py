"""A condition on labels: a jsonpath predicate for PostgreSQL, given as a parameter, and the same as a function. Pure.

A label that a row does not have is the empty text, and ``exists`` means that it is not empty. A service is known by its token,
however its name is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import msgspec

from drishti.measures.expressions.conditions import Atom, fold, predicate
from drishti.measures.expressions.tree import Both, Compare, Condition, Either, Exists, Member, Not, Prefix
from drishti.messages import subjects

SERVICE = "service"

LabelMatcher = Callable[[Mapping[str, str]], bool]
"""Whether the labels of a row meet a condition."""


def by_tokens(condition: Condition) -> Condition:
    """``condition`` with the values of ``service`` as tokens."""
    return fold(condition, _by_tokens, Not, Both, Either)


def _by_tokens(atom: Atom) -> Condition:
    if atom.name != SERVICE:
        return atom
    if isinstance(atom, Compare):
        return msgspec.structs.replace(atom, value=_token(str(atom.value)))
    if isinstance(atom, Member):
        return msgspec.structs.replace(atom, values=tuple(_token(str(value)) for value in atom.values))
    return atom


def required(condition: Condition | None) -> dict[str, str]:
    """Labels that every row has which meets ``condition``, for an index or a cheap first look. Never all of the condition."""
    if isinstance(condition, Both):
        return required(condition.left) | required(condition.right)
    if isinstance(condition, Compare) and condition.operator == "=" and condition.value != "":
        return {condition.name: str(condition.value)}
    return {}


def jsonpath(condition: Condition) -> str:
    """The predicate over an object of labels."""
    return fold(condition, _jsonpath, "(!{})".format, "({} && {})".format, "({} || {})".format)


def _jsonpath(atom: Atom) -> str:
    label = f"$.{_text(atom.name)}"
    if isinstance(atom, Exists):
        return f'(exists({label}) && !({label} == ""))'
    if isinstance(atom, Prefix):
        return f"({label} starts with {_text(atom.text)})" if atom.text else "(1 == 1)"
    if isinstance(atom, Member):
        return "(" + " || ".join(_equal(label, str(value)) for value in atom.values) + ")"
    equal = _equal(label, str(atom.value))
    return equal if atom.operator == "=" else f"(!{equal})"


def matcher(condition: Condition) -> LabelMatcher:
    """A function that says of labels what the predicate of :func:`jsonpath` says."""
    return predicate(condition, _matcher)


def _matcher(atom: Atom) -> LabelMatcher:
    name = atom.name
    if isinstance(atom, Exists):
        return lambda labels: labels.get(name, "") != ""
    if isinstance(atom, Prefix):
        text = atom.text
        return lambda labels: labels.get(name, "").startswith(text)
    if isinstance(atom, Member):
        values = frozenset(map(str, atom.values))
        return lambda labels: labels.get(name, "") in values
    value, wanted = str(atom.value), atom.operator == "="
    return lambda labels: (labels.get(name, "") == value) is wanted


def _equal(label: str, value: str) -> str:
    return f"({label} == {_text(value)})" if value else f'(!exists({label}) || {label} == "")'


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _token(value: str) -> str:
    return subjects.token(value) if value else value
