"""The operations by which the SDKs of other products send their events. Pure."""

from __future__ import annotations

from typing import Any

from gateway.openapi.schemas import content
from gateway.sources.paths import POSTHOG_PATHS, SEGMENT_PATHS

_REFUSALS = {
    400: "Nothing in it is a valid event, or it cannot be read. It must not be sent again.",
    401: "No valid API key.",
    403: "The key's role does not open this.",
    413: "The body is too large, or holds too many events.",
    415: "Another content encoding than gzip and deflate.",
    429: "Too much at once; Retry-After says when to come again.",
    503: "Not stored: come again after Retry-After.",
}


def operations() -> dict[str, Any]:
    """Each address with its operation. All of them are served with a slash at their end as well."""
    posthog = {path: {"post": _posthog(path)} for path in POSTHOG_PATHS}
    return {**posthog, **{path: {"post": _segment(path, call)} for path, call in SEGMENT_PATHS.items()}}


def _posthog(path: str) -> dict[str, Any]:
    body = {
        "application/json": {"schema": {"type": ["object", "array"], "description": "one event, an array, or `batch`"}},
        "application/x-www-form-urlencoded": {
            "schema": {"type": "object", "properties": {"data": {"type": "string", "description": "the same in base64"}}}
        },
    }
    return {
        "operationId": f"posthog{_name(path)}",
        "summary": "What the SDKs of PostHog post",
        "description": "The key of a producer is the `api_key` (or `token`) of the body, or of its events.",
        "security": [],
        "requestBody": {"required": True, "content": body},
        "responses": _responses("PosthogAccepted", "PosthogProblem"),
    }


def _segment(path: str, call: str) -> dict[str, Any]:
    what = f"One `{call}` of an SDK" if call else "What the SDKs"
    return {
        "operationId": f"segment{_name(path)}",
        "summary": f"{what} of Segment or RudderStack",
        "description": "The key of a producer is the user name of basic authentication, or `writeKey` of the body.",
        "security": [{"basic": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": _responses("SegmentAccepted", "SegmentProblem"),
    }


def _responses(accepted: str, problem: str) -> dict[str, Any]:
    stored = {"description": "Stored; `rejected` says what is not.", "content": content(accepted)}
    refusals = {str(code): {"description": text, "content": content(problem)} for code, text in _REFUSALS.items()}
    return {"200": stored, **refusals}


def _name(path: str) -> str:
    return "".join(part.capitalize() for part in path.strip("/").split("/"))
