"""Within a version only optional fields are added: lists every other difference between two schemas. Pure.

A consumer of yesterday reads what a producer of today writes, and one of today reads what JetStream kept from yesterday. So a
field may neither go nor become required nor take other values, and a new one must be optional. Whatever is not known to be
harmless counts as a break.
"""

from __future__ import annotations

from typing import Any

from drishti.contracts.schemas import Schema

HARMLESS = frozenset({"description", "title", "examples", "default", "$id", "$schema"})


def breaks(old: Schema, new: Schema) -> list[str]:
    """A line for each change by which ``new`` breaks ``old``; empty where it only adds optional fields or mends words."""
    changes = _object("", old, new)
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
        elif _meaning(schema) != _meaning(after[name]):
            changes.append(f"{path}{name}: the field takes other values")
    was_required, is_required = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(is_required - was_required):
        kind = "new field is" if name not in before else "field has become"
        changes.append(f"{path}{name}: the {kind} required")
    changes += [f"{path}{name}: the field is no longer required" for name in sorted(was_required & after.keys() - is_required)]
    ours = {"properties", "required", "$defs"}
    if _meaning({k: v for k, v in old.items() if k not in ours}) != _meaning({k: v for k, v in new.items() if k not in ours}):
        changes.append(f"{path.removesuffix('.') or 'the message'}: another kind of change")
    return changes


def _meaning(schema: Any) -> Any:
    """The schema without words that no reader acts on."""
    if isinstance(schema, list):
        return [_meaning(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _meaning(value) for key, value in schema.items() if key not in HARMLESS}
