"""Within a version only optional fields are added: lists every other difference between two schemas. Pure.

A consumer of yesterday reads what a producer of today writes, and one of today reads what JetStream kept from yesterday. So a
field may neither go nor become required nor take other values, and a new one must be optional. Whatever is not known to be
harmless counts as a break.

Two things may grow, since readers are ready for it: an **open** enum (:func:`~drishti.messages.field_types.known_values`) takes
new values, and a union by a tag takes new kinds, which readers pass over. Neither may lose any. A closed enum may only be
opened, with all its values: readers of yesterday refuse a value that is new, and those of today what is gone.
"""

from __future__ import annotations

from typing import Any

from drishti.contracts.schemas import Schema
from drishti.messages.field_types import OPEN_ENUM

HARMLESS = frozenset({"description", "title", "examples", "default", "$id", "$schema"})


def breaks(old: Schema, new: Schema) -> list[str]:
    """A line for each change by which ``new`` breaks ``old``; empty where it only adds what may be added or mends words."""
    changes = _object("", old, new) + [f"the kind {kind!r} is gone" for kind in sorted(_own_kinds(old) - _own_kinds(new))]
    before, after = old.get("$defs", {}), new.get("$defs", {})
    for name, schema in before.items():
        if name not in after:
            changes.append(f"{name}: the type is gone")
        else:
            changes += _object(f"{name}.", schema, after[name])
    return changes


def _object(path: str, old: Schema, new: Schema) -> list[str]:
    changes = []
    before, after = old.get("properties", {}), new.get("properties", {})
    for name, schema in before.items():
        if name not in after:
            changes.append(f"{path}{name}: the field is gone")
        else:
            changes += _values(f"{path}{name}", schema, after[name])
    was_required, is_required = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(is_required - was_required):
        kind = "new field is" if name not in before else "field has become"
        changes.append(f"{path}{name}: the {kind} required")
    changes += [f"{path}{name}: the field is no longer required" for name in sorted(was_required & after.keys() - is_required)]
    if _meaning(_rest(old)) != _meaning(_rest(new)):
        changes.append(f"{path.removesuffix('.') or 'the message'}: another kind of change")
    return changes


def _values(path: str, old: Schema, new: Schema) -> list[str]:
    if _meaning(old) != _meaning(new):
        if _is_opened(old, new):
            return []
        closed = _enum(old, "enum"), _enum(new, "enum")
        if all(closed) and closed[0] != closed[1]:
            return [f"{path}: the closed enum has other values: {', '.join(sorted(closed[0] ^ closed[1]))}"]
        if _enum(old, OPEN_ENUM) and closed[1]:
            return [f"{path}: the open enum has become closed"]
        return [f"{path}: the field takes other values"]
    gone = [f"{path}: the value {value!r} is gone" for value in sorted(_enum(old, OPEN_ENUM) - _enum(new, OPEN_ENUM))]
    return gone + [f"{path}: the kind {kind!r} is gone" for kind in sorted(_kinds(old) - _kinds(new))]


def _is_opened(old: Schema, new: Schema) -> bool:
    """Whether a closed enum of texts has become an open one that has all its values: whoever reads the closed one takes every
    message until a value is added, and whoever may meet such a value reads the open one."""
    values = old.get("enum", ())
    return bool(values) and new.get("type") == "string" and set(values) <= set(new.get(OPEN_ENUM, ()))


def _rest(schema: Schema) -> Schema:
    """What is compared as a whole: all but fields and definitions."""
    return {key: value for key, value in schema.items() if key not in ("properties", "required", "$defs")}


def _own_kinds(schema: Schema) -> set[str]:
    """The kinds of a message that is a union by a tag."""
    return set(schema.get("discriminator", {}).get("mapping", ()))


def _kinds(schema: Any) -> set[str]:
    """The kinds of every union by a tag anywhere in ``schema``."""
    if isinstance(schema, list):
        return set().union(*(_kinds(entry) for entry in schema))
    if not isinstance(schema, dict):
        return set()
    mapping = schema.get("discriminator", {}).get("mapping", {}) if "anyOf" in schema else {}
    return set(mapping).union(*(_kinds(value) for value in schema.values()))


def _enum(schema: Any, keyword: str) -> set[str]:
    """Every value that ``keyword`` lists anywhere in ``schema``."""
    if isinstance(schema, list):
        return set().union(*(_enum(entry, keyword) for entry in schema))
    if not isinstance(schema, dict):
        return set()
    listed = set(map(str, schema.get(keyword, ())))
    return listed.union(*(_enum(value, keyword) for key, value in schema.items() if key != keyword))


def _meaning(schema: Any) -> Any:
    """The schema without words that no reader acts on, the values of open enums, and the kinds of unions by a tag."""
    if isinstance(schema, list):
        return [_meaning(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    if "anyOf" in schema and "discriminator" in schema:
        schema = {**schema, "anyOf": [], "discriminator": schema["discriminator"]["propertyName"]}
    return {key: _meaning(value) if key != OPEN_ENUM else True for key, value in schema.items() if key not in HARMLESS}
