"""The operations that ask about traces, logs and errors, from the types of the catalogue. Pure."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from drishti.messages.queries import QUERIES, QueryType
from gateway.explorer import parsing
from gateway.openapi import pages
from gateway.openapi.operations import parameter, problems
from gateway.openapi.schemas import REF, content

_IN_PATH = re.compile(r"\{(\w+)")
_CODES = (400, 401, 403, 404, 422, 503, 504)


@cache
def examples() -> dict[str, dict[str, Any]]:
    """Recorded answers by the question's name and their own; ``drishti contracts write`` takes them from
    ``shared/contracts/examples``."""
    text = resources.files(__package__).joinpath("examples.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


def operations() -> dict[str, Any]:
    """All of them by their path, for whoever has a key and for pages of the dashboards."""
    found: dict[str, Any] = {}
    for query in QUERIES:
        if query.path:
            found.setdefault(f"/api/analytics{query.path}", {}).update(operation(query))
            of_page = {verb: pages.for_pages(one) for verb, one in operation(query).items()}
            found.setdefault(f"/api/dashboard/analytics{query.path}", {}).update(of_page)
    return found


def operation(query: QueryType) -> dict[str, Any]:
    """What one question is, by its verb."""
    in_path = _IN_PATH.findall(query.path)
    names = [name for name in parsing.fields_of(query.model).names if name not in in_path]
    schema = msgspec.json.schema_components((query.model,), ref_template=REF)[1][query.model.__name__]
    texts, required = schema["properties"], schema.get("required", ())
    parameters = [parameter(name, name, {"type": "string"}, required=True, place="path") for name in in_path]
    described: dict[str, Any] = {
        "operationId": query.name,
        "summary": query.description,
        "description": query.model.__doc__ or "",
        "responses": {
            "200": {"description": "The answer.", "content": content(query.answer.__name__, examples()[query.name])},
            **problems(*_CODES, *((409,) if query.changes else ())),
        },
    }
    if query.by_body:
        body = {"type": "object", "properties": {name: texts[name] for name in names}}
        if query.posted:
            body["required"] = [name for name in names if name in required and name not in ("from", "to")]
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    else:
        parameters += [
            parameter(name, name, texts[name], required=name in required and name not in ("from", "to")) for name in names
        ]
    return {"post" if query.by_body else "get": {**described, "parameters": parameters}}
