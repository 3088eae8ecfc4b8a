"""The operations by which data comes in: events, and OTLP. Pure."""

from __future__ import annotations

from typing import Any

from gateway.openapi.operations import problems
from gateway.openapi.schemas import REF, content


def send_events() -> dict[str, Any]:
    event = {"$ref": REF.format(name="AnalyticsEvent")}
    body = {
        "application/json": {"schema": {"anyOf": [event, {"type": "array", "items": event, "minItems": 1}]}},
        "application/x-ndjson": {"schema": {"type": "string", "description": "one event a line"}},
        "application/cloudevents+json": {"schema": {"type": "object", "description": "a CloudEvent"}},
        "application/cloudevents-batch+json": {"schema": {"type": "array", "items": {"type": "object"}}},
    }
    return {
        "operationId": "sendEvents",
        "summary": "Send events",
        "description": "One event, an array or NDJSON, gzip if you like. An event that was sent before changes nothing. "
        "CloudEvents 1.0 in structured, batched and binary mode (headers `ce-*`) are events as well.",
        "requestBody": {"required": True, "content": body},
        "responses": {
            "202": {"description": "Stored, as far as `accepted` says.", "content": content("Accepted")},
            "422": {"description": "Nothing in it is a valid event.", "content": content("Accepted")},
            **problems(400, 401, 403, 408, 413, 415, 429, 503),
        },
    }


def export_otlp(signal: str, request: str) -> dict[str, Any]:
    body = {
        "application/x-protobuf": {"schema": {"type": "string", "format": "binary", "description": request}},
        "application/json": {"schema": {"type": "object", "description": request}},
    }
    responses = {
        str(code): {"description": text}
        for code, text in {
            200: "Stored; `partialSuccess` tells what was not acceptable.",
            400: "Not an export request.",
            401: "No valid API key.",
            403: "The key's role does not open this.",
            413: "Too large.",
            415: "Another media type than these.",
            429: "Too much at once.",
            503: "Not stored: send it again.",
        }.items()
    }
    return {
        "operationId": f"export{signal.capitalize()}",
        "summary": f"Export {signal} by OTLP/HTTP",
        "description": "Errors are `google.rpc.Status`, in the encoding of the request.",
        "requestBody": {"required": True, "content": body},
        "responses": responses,
    }
