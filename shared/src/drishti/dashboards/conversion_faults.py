"""Why a document is no dashboard: what msgspec says, for every panel, with the nearest names that would be right. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import inspect

from drishti.dashboards.documents import DashboardDocument, Variable
from drishti.dashboards.panel_parts import PanelQuestion
from drishti.dashboards.panels import Panel
from drishti.measures.definition_checks import Fault
from drishti.measures.definition_reading import fault_of
from drishti.yaml_files import steps, value_at

_PARTS: Mapping[str, Any] = {"variables": Variable, "panels": Panel, "feed": PanelQuestion}
"""Lists whose items are checked one by one, so that each is named which is wrong."""

_UNKNOWN = re.compile(r"unknown field `(?P<name>[^`]*)`")
_KEY = re.compile(r" - at `key` in `\$\.?(?P<path>[^`]*)`\Z")
_LISTED = 20
"""Names that are listed in full; of more only the nearest."""


def conversion_faults(document: object) -> list[Fault]:
    """What is wrong with ``document``, which is no :class:`DashboardDocument`: the first fault of each part of it."""
    if not isinstance(document, dict):
        return _faults(document, DashboardDocument, "")
    found = _faults(
        {**document, **{part: [] for part in _PARTS if isinstance(document.get(part), list)}}, DashboardDocument, ""
    )
    for part, kind in _PARTS.items():
        for place, item in enumerate(items if isinstance(items := document.get(part), list) else ()):
            found += _faults(item, kind, f"{part}[{place}]")
    return found or _faults(document, DashboardDocument, "")


def nearest(name: str, known: Iterable[str]) -> str:
    """What ``name`` may be meant to be, as the end of a sentence; and what there is, where that is not too much."""
    names = list(known)
    alike = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    meant = f"; do you mean {' or '.join(alike)}?" if alike else ""
    return f"{meant}{'' if meant else ';'} there are {', '.join(names)}" if len(names) <= _LISTED else meant


def _faults(document: object, kind: Any, at: str) -> list[Fault]:
    try:
        msgspec.convert(document, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        fault = _named(fault_of(error), document, inspect.type_info(kind))
        inner = fault.field if not at or fault.field.startswith("[") or not fault.field else f".{fault.field}"
        return [Fault(f"{at}{inner}", fault.error)]
    return []


def _named(fault: Fault, document: object, kind: inspect.Type) -> Fault:
    """``fault`` with the names that are known where it is."""
    field, error = fault.field, fault.error
    if key := _KEY.search(error):
        return Fault(key["path"], f"each name must be 1 to 64 of a-z, 0-9, _ and -{_wrong_key(document, key['path'])}")
    if unknown := _UNKNOWN.search(error):
        name = unknown["name"]
        fields = [one.encode_name for struct in _structs(kind, document, steps(field)) for one in struct.fields]
        return Fault(f"{field}.{name}" if field else name, f"unknown field `{name}`{nearest(name, fields)}")
    value = value_at(document, field)
    if known := list(_choices(kind, document, steps(field))):
        given = value if isinstance(value, str) else ""
        what = f"Invalid value {given[:64]!r}" if given else error
        return Fault(field, f"{what}{nearest(given, known)}")
    return fault


def _wrong_key(document: object, path: str) -> str:
    names = value_at(document, path)
    wrong = [name for name in names if not re.fullmatch("[a-z0-9_-]{1,64}", str(name))] if isinstance(names, dict) else []
    return f", not {str(wrong[0])[:64]!r}" if wrong else ""


def _structs(kind: inspect.Type, document: object, path: list[str | int]) -> Iterator[inspect.StructType]:
    """The types of the object at ``path``, by what ``document`` says of itself."""
    for one in _types_at(kind, document, path):
        if isinstance(one, inspect.StructType):
            yield one


def _choices(kind: inspect.Type, document: object, path: list[str | int]) -> Iterator[str]:
    """The texts of which one is to stand at ``path``: values of an enumeration, or kinds of panels."""
    if path and path[-1] == "kind":
        for one in _alternatives(kind):
            if isinstance(one, inspect.StructType) and one.tag_field == "kind":
                yield str(one.tag)
        return
    for one in _types_at(kind, document, path):
        if isinstance(one, inspect.LiteralType):
            yield from (str(value) for value in one.values)


def _types_at(kind: inspect.Type, document: object, path: list[str | int]) -> list[inspect.Type]:
    found = _alternatives(kind)
    tag = document.get("kind") if isinstance(document, dict) else None
    found = [one for one in found if not isinstance(one, inspect.StructType) or one.tag in (None, tag)]
    if not path:
        return found
    step, rest = path[0], path[1:]
    below: list[inspect.Type] = []
    for one in found:
        if isinstance(one, inspect.StructType):
            below += [field.type for field in one.fields if field.encode_name == step]
        elif isinstance(one, inspect.VarTupleType) and isinstance(step, int):
            below.append(one.item_type)
        elif isinstance(one, inspect.DictType):
            below.append(one.value_type)
    inner = value_at(document, f"[{step}]" if isinstance(step, int) else step)
    return [found for one in below for found in _types_at(one, inner, rest)]


def _alternatives(kind: inspect.Type) -> list[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        return _alternatives(kind.type)
    if isinstance(kind, inspect.UnionType):
        return [one for part in kind.types for one in _alternatives(part)]
    return [kind]
