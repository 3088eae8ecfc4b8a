"""The operations that export the rows of a tenant. Pure."""

from __future__ import annotations

from typing import Any, get_args

from drishti.messages.export import Exported
from gateway.openapi.operations import parameter, problems
from gateway.openapi.schemas import content

_INSTANT = "epoch ms, ISO 8601, or relative such as now-2h"


def _parameters() -> list[dict[str, Any]]:
    types = {"type": "array", "items": {"type": "string"}, "maxItems": 50}
    return [
        parameter("rows", "of what", {"enum": list(get_args(Exported))}, required=True, place="path"),
        parameter("from", f"{_INSTANT}; everything if not given", {"type": "string"}),
        parameter("to", f"{_INSTANT}; everything if not given", {"type": "string"}),
        parameter("type", "only events of this type; may be repeated", types),
    ]


def operations() -> dict[str, Any]:
    """All of them by their path."""
    cursor = parameter("cursor", "that of the page before; the first page if not given", {"type": "string", "maxLength": 8192})
    lines = {"application/x-ndjson": {"schema": {"type": "string"}}}
    return {
        "/api/export/{rows}": {
            "get": {
                "operationId": "exportRows",
                "summary": "Export the rows of the tenant",
                "description": "As NDJSON, one object a line, as they are stored when it begins. A stream that cannot go on is "
                "broken off without its last chunk. Needs the role admin.",
                "parameters": _parameters(),
                "responses": {
                    "200": {"description": "All rows.", "content": lines},
                    **problems(401, 403, 404, 422, 503, 504),
                },
            }
        },
        "/api/export/{rows}/page": {
            "get": {
                "operationId": "exportRowsPage",
                "summary": "Export the rows of the tenant, page by page",
                "description": "The same rows; the export is whole with the page whose cursor is empty. Needs the role admin.",
                "parameters": [*_parameters(), cursor],
                "responses": {
                    "200": {"description": "One page.", "content": content("ExportPage")},
                    **problems(401, 403, 404, 422, 503, 504),
                },
            }
        },
    }
