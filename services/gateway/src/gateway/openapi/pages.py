"""The operations of the pages of dashboards. Pure."""

from __future__ import annotations

from typing import Any

from gateway.openapi.operations import parameter, problems
from gateway.openapi.schemas import content


def session() -> dict[str, Any]:
    rights = {
        "type": "object",
        "properties": {
            "tenant": {"type": "string"},
            "has_key": {"type": "boolean"},
            "may_edit": {"type": "boolean"},
            "may_administer": {"type": "boolean"},
            "role": {"type": ["string", "null"], "description": "Of the key that was brought."},
            "key_id": {"type": ["string", "null"]},
            "expires": {"type": ["integer", "null"], "description": "When that key expires, in ms since 1970."},
            "key_problem": {"type": "string", "description": "What became of a key that opens nothing any more."},
            "why": {"type": "string", "description": "Why nothing may be changed."},
            "jaeger_ui_url": {
                "type": ["string", "null"],
                "description": "Where Jaeger's pages are; `/trace/<id>` is one trace.",
            },
        },
    }
    answer = {"description": "For whom, and what is open.", "content": {"application/json": {"schema": rights}}}
    return {
        "get": {
            "operationId": "getSession",
            "summary": "For whom a browser sees the dashboards, and whether it may change metrics",
            "responses": {"200": answer, **problems(401, 403, 503)},
        },
        "post": {
            "operationId": "beginSession",
            "summary": "Have a browser keep a key in a cookie",
            "parameters": [
                parameter("drishti-expected-tenant", "refuse a key of another tenant", {"type": "string"}, place="header")
            ],
            "responses": {
                "200": answer,
                "409": {"description": "The key is of another tenant.", "content": content("Problem")},
                **problems(401, 403, 422, 503),
            },
        },
        "delete": {
            "operationId": "endSession",
            "summary": "Have it forget the key",
            "responses": {"204": {"description": "Forgotten."}, **problems(403)},
        },
    }


def for_pages(operation: dict[str, Any]) -> dict[str, Any]:
    """The same as a page of the dashboards asks it."""
    return operation | {
        "operationId": f"{operation['operationId']}ForPages",
        "description": "The same, for a page, which has no key to send. Reading is open on loopback and needs a viewer's key "
        "elsewhere; changes need an editor's everywhere, and a page of this origin. The browser sends the key in its cookie.",
    }


def dashboard() -> dict[str, Any]:
    return {
        "summary": "Pages and WebSockets of the dashboards",
        "description": "Open on loopback; elsewhere a viewer's key is needed, also as `?token=`.",
        "parameters": [{"name": "path", "in": "path", "required": True, "schema": {"type": "string"}}],
        "responses": {
            "200": {"description": "A page or a part of it."},
            "101": {"description": "A WebSocket: a snapshot first, then updates."},
            **problems(401, 403, 503, 504),
        },
    }
