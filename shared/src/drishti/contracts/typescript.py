"""TypeScript types of the contracts, from their JSON Schemas. Pure."""

from __future__ import annotations

import json
from typing import Any

from drishti.contracts import schemas
from drishti.contracts.schemas import Schema
from drishti.measures.built_in import FED
from drishti.measures.fields import FIELDS, SECONDS
from drishti.messages.field_types import OPEN_ENUM

_PREFIX = "#/"
_SCALARS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def module() -> str:
    """The module: one exported interface for each contract type."""
    lines = ["// Made by `drishti contracts write` from shared/src/drishti/messages. Not to be changed by hand."]
    for name, schema in schemas.components(_PREFIX + "{name}").items():
        lines += ["", *_comment(schema.get("description", ""), ""), f"export interface {name} {{"]
        required = schema.get("required", ())
        for field, value in schema["properties"].items():
            lines += _comment(value.get("description", ""), "  ")
            lines.append(f"  {field}{'' if field in required else '?'}: {_type(value)};")
        lines.append("}")
    for name, model in schemas.models().items():
        if len(kinds := schemas.kinds(model)) > 1:
            lines += ["", f"export type {name.title().replace('_', '')} = {' | '.join(kinds)};"]
    return "\n".join(lines) + "\n"


def fields_module() -> str:
    """The module that says what fields of metrics mean: how people call them, and which are ratios or rates."""
    shares = {share.name for metric in FED.values() for share in metric.shares}
    known = {name: meaning.label for name, meaning in FIELDS.items()}
    known |= {name: name.replace("_", " ") for name in sorted(shares)}
    ratios = [name for name, meaning in FIELDS.items() if meaning.is_ratio] + sorted(shares)
    rates = [name for name, meaning in FIELDS.items() if meaning.denominator == SECONDS]
    return "\n".join(
        [
            "// Made by `drishti contracts write` from shared/src/drishti/measures/fields.py. Not to be changed by hand.",
            "",
            "/** How people call a field beside its metric; a field that is not here is its own label. */",
            "export const LABELS: Readonly<Record<string, string>> = {",
            *(f"  {name}: {json.dumps(label)}," for name, label in known.items()),
            "};",
            "",
            "/** Fields between 0 and 1: parts of a count. */",
            f"export const RATIOS: ReadonlySet<string> = new Set({json.dumps(ratios)});",
            "",
            "/** Fields per second. */",
            f"export const RATES: ReadonlySet<string> = new Set({json.dumps(rates)});",
            "",
        ]
    )


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
    if OPEN_ENUM in schema:
        return _union([*(json.dumps(value) for value in schema[OPEN_ENUM]), "(string & {})"])
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
