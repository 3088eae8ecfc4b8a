"""TypeScript types of the contracts, from their JSON Schemas. Pure."""

from __future__ import annotations

import json
from typing import Any

from drishti.contracts import schemas
from drishti.contracts.schemas import Schema

_PREFIX = "#/"
_SCALARS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def module() -> str:
    """The module: one exported interface for each contract type."""
    lines = ["// Made by `drishti contracts write` from shared/src/drishti/events.py. Not to be changed by hand."]
    for name, schema in schemas.components(_PREFIX + "{name}").items():
        lines += ["", *_comment(schema.get("description", ""), ""), f"export interface {name} {{"]
        required = schema.get("required", ())
        for field, value in schema["properties"].items():
            lines += _comment(value.get("description", ""), "  ")
            lines.append(f"  {field}{'' if field in required else '?'}: {_type(value)};")
        lines.append("}")
    return "\n".join(lines) + "\n"


def _comment(text: str, indent: str) -> list[str]:
    if not text:
        return []
    lines = text.replace("*/", "* /").splitlines()
    if len(lines) == 1:
        return [f"{indent}/** {lines[0]} */"]
    return [f"{indent}/**", *(f"{indent} * {line}".rstrip() for line in lines), f"{indent} */"]


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_PREFIX)
    if "enum" in schema:
        return _union(json.dumps(value) for value in schema["enum"])
    if "anyOf" in schema:
        return _union(_type(entry) for entry in schema["anyOf"])
    kind = schema.get("type")
    if kind == "array":
        return _array(schema)
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"Record<string, {_type(values) if isinstance(values, dict) else 'unknown'}>"
    if kind is None:
        return "unknown"
    if kind in _SCALARS:
        return _SCALARS[kind]
    raise ValueError(f"no TypeScript type for {schema}")


def _array(schema: Schema) -> str:
    if "prefixItems" in schema:
        return f"[{', '.join(_type(item) for item in schema['prefixItems'])}]"
    item = _type(schema.get("items", {}))
    return f"({item})[]" if " | " in item else f"{item}[]"


def _union(kinds: Any) -> str:
    return " | ".join(dict.fromkeys(kinds))
