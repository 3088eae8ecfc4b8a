"""JSON Schemas (2020-12) of every message, question, answer and frame. Pure."""

from __future__ import annotations

import inspect
from types import UnionType
from typing import Any, get_args

import msgspec
from msgspec import Struct

from drishti.dashboards.documents import DashboardDocument
from drishti.messages.catalogue import MESSAGES
from drishti.messages.frames import Frame
from drishti.messages.queries import QUERIES
from drishti.messages.questions import QueryFailure

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def models() -> dict[str, type[Struct] | UnionType]:
    """Every contract type by the name of its schema file."""
    result: dict[str, type[Struct] | UnionType] = {m.name: m.model for m in MESSAGES if m.model is not None}
    for query in QUERIES:
        result[f"query_{query.name}"] = query.model
        result[f"query_{query.name}_answer"] = query.answer
    return result | {"query_failure": QueryFailure, "frame": Frame, "dashboard": DashboardDocument}


def documents() -> dict[str, Schema]:
    """One self-contained schema for each of :func:`models`. For a micro-batch it is the schema of each item."""
    result = {}
    for name, model in models().items():
        (root,), definitions = msgspec.json.schema_components([model], ref_template="#/$defs/{name}")
        if "$ref" in root:
            root = definitions.pop(root["$ref"].rpartition("/")[2])
        document = {"$schema": DIALECT, "$id": f"urn:drishti:{name}:v1", **root}
        if definitions:
            document["$defs"] = definitions
        result[name] = tidied(document)
    return result


def components(ref_template: str) -> dict[str, Schema]:
    """The schemas of all types together, by the name of the type."""
    _, definitions = msgspec.json.schema_components(list(models().values()), ref_template=ref_template)
    return {name: tidied(schema) for name, schema in sorted(definitions.items())}


def kinds(model: type[Struct] | UnionType) -> list[str]:
    """The names of the types that ``model`` is a union of; of another type its own."""
    return [kind.__name__ for kind in (get_args(model) if isinstance(model, UnionType) else [model])]


def tidied(schema: Any) -> Any:
    """The same with docstrings as prose and without defaults: an absent optional field is absent, not its default."""
    if isinstance(schema, list):
        return [tidied(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    result: Schema = {}
    for key, value in schema.items():
        if key == "properties":  # a field may have any name, also that of a keyword
            result[key] = {name: tidied(entry) for name, entry in value.items()}
        elif key == "description":
            result[key] = inspect.cleandoc(value)
        elif key == "pattern":
            result[key] = value.removesuffix(r"(?!\n)")  # says of Python's $ what is so in JSON Schema anyway
        elif key not in ("default", "title"):
            result[key] = tidied(value)
    return result
