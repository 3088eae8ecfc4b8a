"""The operations on definitions of metrics and on packs. Pure."""

from __future__ import annotations

from typing import Any

from gateway.openapi.operations import parameter, problems
from gateway.openapi.schemas import REF, content

_NAME = parameter("name", "the metric's name or token", {"type": "string"}, required=True, place="path")
_PACK = parameter("name", "the pack's name", {"type": "string"}, required=True, place="path")
_CHANGES = [
    parameter(
        "If-Match", "the revision that is replaced, as GET gives it; none: it is not defined yet", {"type": "string"},
        place="header",
    ),
    parameter("revision", "the same, for clients that send no such header", {"type": "integer"}),
]  # fmt: skip


def list_metrics() -> dict[str, Any]:
    return {
        "operationId": "listMetrics",
        "summary": "Every metric of the tenant",
        "description": "Definitions with what was seen of them. Needs the role viewer.",
        "responses": {"200": {"description": "All metrics.", "content": content("Metrics")}, **problems(401, 403, 503)},
    }


def one_metric() -> dict[str, Any]:
    unknown = {"404": {"description": "No such metric; with the nearest names.", "content": content("UnknownMetric")}}
    conflict = {"409": {"description": "Another revision is there; with both.", "content": content("RevisionProblem")}}
    wrong = {"422": {"description": "It cannot be so; with the field.", "content": content("DefinitionProblem")}}
    one = {"description": "The metric; its revision is the ETag, too.", "content": content("Metric")}
    return {
        "get": {
            "operationId": "getMetric",
            "summary": "One metric",
            "parameters": [_NAME],
            "responses": {"200": one, **unknown, **problems(401, 403, 503)},
        },
        "put": {
            "operationId": "putMetric",
            "summary": "Define a metric, or change one",
            "description": "Of a metric that is built in, only what is to differ need be sent; its kind, unit and dimensions "
            "stay. Live everywhere within two seconds. Needs the role editor.",
            "parameters": [_NAME, *_CHANGES],
            "requestBody": {"required": True, "content": content("MetricDefinition")},
            "responses": {"200": one, "201": one, **conflict, **wrong, **problems(400, 401, 403, 413, 503)},
        },
        "delete": {
            "operationId": "deleteMetric",
            "summary": "Forget a definition of the tenant",
            "description": "A metric that is built in is again as it was. Needs the role editor.",
            "parameters": [_NAME, *_CHANGES],
            "responses": {
                "204": {"description": "Forgotten."},
                **unknown,
                **conflict,
                **wrong,
                **problems(400, 401, 403, 503),
            },
        },
    }


def check_definition() -> dict[str, Any]:
    return {
        "operationId": "checkMetric",
        "summary": "Check a definition without storing it",
        "description": "Every fault that storing it would have, with field and character, and what it is made of. "
        "Needs the role editor.",
        "requestBody": {"required": True, "content": content("MetricDefinition")},
        "responses": {
            "200": {"description": "What is wrong with it; nothing where it can be stored.", "content": content("Checked")},
            **problems(400, 401, 403, 413, 422, 503),
        },
    }


def list_packs() -> dict[str, Any]:
    packs = {"application/json": {"schema": {"type": "array", "items": {"$ref": REF.format(name="Pack")}}}}
    return {
        "operationId": "listPacks",
        "summary": "Packs of metrics, and which are on",
        "responses": {"200": {"description": "All packs.", "content": packs}, **problems(401, 403, 503)},
    }


def switch_pack() -> dict[str, Any]:
    body = {"type": "object", "properties": {"enabled": {"type": "boolean"}}, "required": ["enabled"]}
    return {
        "operationId": "putPack",
        "summary": "Switch a pack on or off",
        "description": "What a pack brings is counted while it is on. Needs the role editor.",
        "parameters": [_PACK, *_CHANGES],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": {"description": "As it is now.", "content": content("Pack")},
            "409": {"description": "Another revision is there; with both.", "content": content("RevisionProblem")},
            **problems(400, 401, 403, 404, 413, 422, 503),
        },
    }
