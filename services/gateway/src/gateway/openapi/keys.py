"""The operations on API keys, and how the gateway is set up. Pure."""

from __future__ import annotations

from typing import Any

from gateway.openapi.operations import parameter, problems
from gateway.openapi.schemas import content

_ID = parameter("id", "the key's id, as the list has it", {"type": "string"}, required=True, place="path")


def all_keys() -> dict[str, Any]:
    return {
        "get": {
            "operationId": "listKeys",
            "summary": "The API keys of the tenant",
            "description": "Those that have ended, too; no texts. Needs the role admin.",
            "responses": {"200": {"description": "All keys.", "content": content("Keys")}, **problems(401, 403, 503)},
        },
        "post": {
            "operationId": "makeKey",
            "summary": "Make an API key of the tenant",
            "description": "Its text is in this answer alone. Needs the role admin.",
            "requestBody": {"required": True, "content": content("NewKey")},
            "responses": {
                "201": {"description": "The key and its text.", "content": content("MadeKey")},
                **problems(400, 401, 403, 413, 422, 429, 503, 507),
            },
        },
    }


def one_key() -> dict[str, Any]:
    return {
        "delete": {
            "operationId": "revokeKey",
            "summary": "Revoke an API key of the tenant",
            "description": "For good; a second time changes nothing. Open WebSockets of it are closed within seconds. "
            "Needs the role admin.",
            "parameters": [_ID],
            "responses": {
                "200": {"description": "The key as it is now.", "content": content("Key")},
                "409": {"description": "It is the last one with the role admin.", "content": content("Problem")},
                **problems(401, 403, 404, 503, 507),
            },
        },
    }


def gateway_setup() -> dict[str, Any]:
    return {
        "operationId": "getGatewaySetup",
        "summary": "How the gateway and the bus are set up",
        "description": "What streams keep for how long, limits of the tenant with what is used, and what does not answer. "
        "Needs the role viewer.",
        "responses": {
            "200": {"description": "The gateway's setup.", "content": content("ServiceSetup")},
            **problems(401, 403, 503),
        },
    }
