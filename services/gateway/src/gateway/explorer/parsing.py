"""Parameters of a URL become a typed question of the catalogue. Pure.

Each parameter is a field of the question's type, by the name it has in JSON. ``from`` and ``to`` are instants, the last hour
where they are not given; a field that is a list takes the parameter once or several times.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from functools import cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from drishti.errors import QueryError
from drishti.events import invalid_payload
from drishti.measures import time_ranges

DEFAULT_RANGE_MS = 3_600_000
MAX_PARAMETERS = 256
MAX_DEPTH = 64
"""Objects and lists in a field of a document, one in another."""

TENANT = "tenant"
_TYPES = {
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be true or false",
    "str": "must be a text",
}
_OF_TYPE = re.compile(rf"Expected `(?P<type>{'|'.join(_TYPES)})(?: \| null)?`, got ")
_OF_SIZE = re.compile(r"Expected `(?:int|float)(?: \| null)?` (?P<bound>>=|<=) (?P<size>[-0-9.e+]+)\Z")
_OF_LENGTH = re.compile(r"Expected `(?P<of>str|array)(?: \| null)?` of length (?P<bound>>=|<=) (?P<length>[0-9]+)\Z")
_LOWER_HEX = "[0-9a-f]"
_PLACE = re.compile(r"\[([0-9]+)\]")


class _Fields(NamedTuple):
    """The fields that may be given, which are lists, and which hexadecimal digits that are written in lower case here."""

    names: tuple[str, ...]
    lists: frozenset[str]
    lower: frozenset[str]


@cache
def fields_of(model: type[Struct]) -> _Fields:
    """The fields of ``model`` that whoever asks may give."""
    fields = [field for field in msgspec.structs.fields(model) if field.encode_name != TENANT]
    lists = frozenset(field.encode_name for field in fields if _is_list(field.type))
    lower = frozenset(field.encode_name for field in fields if _LOWER_HEX in _patterns(field.type))
    return _Fields(tuple(field.encode_name for field in fields), lists, lower)


def _is_list(of: Any) -> bool:
    return get_origin(get_args(of)[0] if get_origin(of) is Annotated else of) is list


def _patterns(of: Any) -> str:
    """The patterns of the texts that a field of the type ``of`` may be."""
    found = "".join(part.pattern or "" for part in getattr(of, "__metadata__", ()) if isinstance(part, msgspec.Meta))
    return found + "".join(map(_patterns, get_args(of)))


def of_parameters(
    model: type[Struct], parameters: Iterable[tuple[str, str]], path: Mapping[str, str], *, tenant: str, now: datetime
) -> Struct:
    """The question that a URL asks; raises :class:`QueryError` that names the wrong parameter."""
    known = fields_of(model)
    given: dict[str, Any] = {}
    for count, (name, value) in enumerate(parameters):
        if count == MAX_PARAMETERS:
            raise QueryError(f"more than {MAX_PARAMETERS} parameters", field=name[:64])
        if name not in known.names or name in path:
            choices = ", ".join(one for one in known.names if one not in path)
            raise QueryError(f"there is no such parameter; there are {choices or 'none'}", field=name[:64])
        if name in known.lists:
            given.setdefault(name, []).append(value)
        elif name in given:
            raise QueryError("given twice", field=name)
        else:
            given[name] = value
    return _question(model, {**given, **path}, known, tenant, now)


def of_document(model: type[Struct], document: object, path: Mapping[str, str], *, tenant: str, now: datetime) -> Struct:
    """The change that a JSON document asks for; raises :class:`QueryError` that names the wrong field."""
    known = fields_of(model)
    if not isinstance(document, dict):
        raise QueryError("the body must be a JSON object")
    if deep := _too_deep(document):
        raise QueryError(f"is nested more than {MAX_DEPTH} levels deep", field=deep)
    for name in document:
        if name not in known.names or name in path:
            choices = ", ".join(one for one in known.names if one not in path)
            raise QueryError(f"there is no such field; there are {choices or 'none'}", field=str(name)[:64])
    for field in msgspec.structs.fields(model):
        _refuse_unknown(field.type, document.get(field.encode_name), field.encode_name)
    return _question(model, {**document, **path}, known, tenant, now)


def _question(model: type[Struct], given: dict[str, Any], known: _Fields, tenant: str, now: datetime) -> Struct:
    _refuse_nul(given, "")
    if "from" in known.names and "to" in known.names:
        _put_range(given, now, _zone(given) if "tz" in known.names else UTC)
    for name in known.lower & given.keys():
        if isinstance(value := given[name], str):
            given[name] = value.lower()
    try:
        question = msgspec.convert({**given, TENANT: tenant}, model, strict=False)
    except msgspec.ValidationError as error:
        wrong = invalid_payload(error, model)
        raise QueryError(in_words(wrong.error), field=_PLACE.sub(r".\1", wrong.field)) from None
    _refuse_infinite(msgspec.to_builtins(question), "")
    return question


def in_words(error: str) -> str:
    """What msgspec says about a value, as what the value must be."""
    if match := _OF_LENGTH.match(error):
        if match["of"] == "array":
            fewest = match["bound"] == ">="
            return (
                f"must be given {match['length']} times at least" if fewest else f"may be given {match['length']} times at most"
            )
        return f"must have {'at least' if match['bound'] == '>=' else 'at most'} {match['length']} characters"
    if match := _OF_SIZE.match(error):
        return f"must be {'at least' if match['bound'] == '>=' else 'at most'} {match['size']}"
    if match := _OF_TYPE.match(error):
        return _TYPES[match["type"]]
    return error


def _too_deep(document: dict[str, Any]) -> str | None:
    """The first field of ``document`` that holds more than :data:`MAX_DEPTH` objects and lists, one in another."""
    for name, value in document.items():
        level = [value]
        for _ in range(MAX_DEPTH + 1):
            parts = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, (dict, list))]
            level = [one for part in parts for one in part]
        if level:
            return name[:64]
    return None


def _refuse_nul(given: Any, field: str) -> None:
    """Raises :class:`QueryError` where a text holds what no stored text can hold."""
    if isinstance(given, str):
        if "\0" in given:
            raise QueryError("holds the character NUL, which nothing that is stored has: leave it out", field=field)
    elif isinstance(given, dict):
        for name, value in given.items():
            _refuse_nul(name, field)
            _refuse_nul(value, f"{field}.{name}" if field else name)
    elif isinstance(given, list):
        for place, value in enumerate(given):
            _refuse_nul(value, f"{field}.{place}")


def _refuse_infinite(given: Any, field: str) -> None:
    """Raises :class:`QueryError` where a number is none, as from the text `nan`: JSON would have null for it."""
    if isinstance(given, float) and not math.isfinite(given):
        raise QueryError("must be a number", field=field)
    if isinstance(given, dict):
        for name, value in given.items():
            _refuse_infinite(value, f"{field}.{name}" if field else name)
    elif isinstance(given, list):
        for place, value in enumerate(given):
            _refuse_infinite(value, f"{field}.{place}")


def _refuse_unknown(of: Any, given: Any, field: str) -> None:
    """Raises :class:`QueryError` where an object within ``given`` has a field that its type has not."""
    if get_origin(of) is Annotated:
        _refuse_unknown(get_args(of)[0], given, field)
    elif get_origin(of) in (Union, UnionType):
        for one in get_args(of):
            _refuse_unknown(one, given, field)
    elif get_origin(of) is list and isinstance(given, list):
        for place, one in enumerate(given):
            _refuse_unknown(get_args(of)[0], one, f"{field}.{place}")
    elif isinstance(of, type) and issubclass(of, Struct) and isinstance(given, dict):
        known = {one.encode_name: one.type for one in msgspec.structs.fields(of)}
        for name, value in given.items():
            if name not in known:
                raise QueryError(f"there is no such field; there are {', '.join(known)}", field=f"{field}.{str(name)[:64]}")
            _refuse_unknown(known[name], value, f"{field}.{name}")


def _zone(given: dict[str, Any]) -> tzinfo:
    name = given.get("tz")
    return time_ranges.zone(name, "tz") if isinstance(name, str) else UTC


def _put_range(given: dict[str, Any], now: datetime, tz: tzinfo) -> None:
    """Makes the range one of milliseconds; days and dates are those of ``tz``."""
    to_ms = _instant(given["to"], "to", now, tz, end=True) if "to" in given else int(now.timestamp() * 1000)
    from_ms = _instant(given["from"], "from", now, tz, end=False) if "from" in given else max(0, to_ms - DEFAULT_RANGE_MS)
    if from_ms >= to_ms:
        raise QueryError("must lie before `to`", field="from")
    given["from"], given["to"] = from_ms, to_ms


def _instant(said: Any, field: str, now: datetime, tz: tzinfo, *, end: bool) -> int:
    if isinstance(said, int) and not isinstance(said, bool):
        said = str(said)
    if not isinstance(said, str):
        raise QueryError("must be a text or epoch milliseconds", field=field)
    return time_ranges.instant(said, now=now, tz=tz, end=end, field=field)
