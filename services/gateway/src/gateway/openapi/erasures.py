"""The operations that erase users. Pure."""

from __future__ import annotations

from typing import Any

from gateway.openapi.operations import parameter, problems
from gateway.openapi.schemas import content

_BEGUN = {"202": {"description": "The receipt of what has begun.", "content": content("Erasure")}}


def operations() -> dict[str, Any]:
    """All of them by their path."""
    text = {"type": "string"}
    return {
        "/api/users/{user_id}": {
            "delete": {
                "operationId": "eraseUser",
                "summary": "Erase a user everywhere",
                "description": "From the moment of the answer on nothing of this user that happened before is stored; what is "
                "stored already is removed in the background. Needs the role admin.",
                "parameters": [
                    parameter("user_id", "the user's id, as events have it", text, required=True, place="path"),
                    parameter("block", "whether events of this user are never stored again", {"type": "boolean"}),
                ],
                "responses": {**_BEGUN, **problems(401, 403, 422, 503, 504)},
            }
        },
        "/api/erasures": {
            "get": {
                "operationId": "listErasures",
                "summary": "The receipts of the tenant's erasures",
                "description": "The latest hundred. Needs the role admin.",
                "responses": {
                    "200": {"description": "The latest first.", "content": content("ErasureList")},
                    **problems(401, 403, 503, 504),
                },
            },
            "post": {
                "operationId": "eraseUserByBody",
                "summary": "Erase a user everywhere, whose id is in the body",
                "description": "As `DELETE /api/users/{user_id}`, with the id in no log of addresses. Needs the role admin.",
                "requestBody": {"required": True, "content": content("UserToErase")},
                "responses": {**_BEGUN, **problems(400, 401, 403, 413, 422, 503, 504)},
            },
        },
        "/api/erasures/{id}": {
            "get": {
                "operationId": "getErasure",
                "summary": "The receipt of an erasure",
                "description": "What was removed from which store. Needs the role admin.",
                "parameters": [parameter("id", "the erasure's id", text, required=True, place="path")],
                "responses": {
                    "200": {"description": "The receipt.", "content": content("Erasure")},
                    **problems(401, 403, 404, 503, 504),
                },
            }
        },
    }
