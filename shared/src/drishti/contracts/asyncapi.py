"""The AsyncAPI 3.0 document of the bus and of the dashboards' WebSockets, from the catalogue. Pure."""

from __future__ import annotations

import re
from typing import Any

from drishti import __version__
from drishti.contracts import schemas
from drishti.messages.catalogue import MESSAGES, MessageType
from drishti.messages.queries import QUERIES, QueryType

_REF = "#/components/schemas/"

PARAMETERS = {
    "tenant": "whose data it is; `default` where nobody asks",
    "event_type": "the `event_type` of every event in the message",
    "service": "the service that the message tells of",
    "resolution": "length of the window: 1s, 1m or 1h",
    "metric": "name of the metric",
    "kind": "of series anomaly or forecast, of systems incident, recommendation or change",
    "subject": "the subject on which the message was published first",
    "dashboard": "system_overview, user_analytics or dharma_insights",
}

HEADERS = {
    "Nats-Msg-Id": "best random: what has the id of another message within the stream's duplicate window is not stored",
    "traceparent": "W3C trace context of the work that the message tells of",
    "tracestate": "W3C trace state",
    "ce-specversion": "CloudEvents, binary mode: 1.0",
    "ce-id": "CloudEvents: as Nats-Msg-Id, where there is one",
    "ce-type": "CloudEvents: family and version of the subject",
    "ce-source": "CloudEvents: who published it; the SDK and the gateway send these four",
}


def document() -> dict[str, Any]:
    """The whole document."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for message in MESSAGES:
        channels |= _channels(message)
        messages[message.name] = _message(message)
        operations |= _operations(message)
    for query in QUERIES:
        _add_query(query, channels, operations, messages)
    _add_frames(channels, operations, messages)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Drishti",
            "version": __version__,
            "description": "What travels on the bus and to the browsers. Generated from the catalogue.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "bus": {"host": "localhost:4222", "protocol": "nats", "description": "NATS with JetStream"},
            "gateway": {"host": "localhost:8000", "protocol": "ws", "description": "the gateway"},
        },
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": schemas.components(_REF + "{name}"),
            "messageTraits": {"headers": {"headers": _headers()}},
        },
    }


def _headers() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "Any of these may be missing: producers send what they know, consumers need none of them.",
        "properties": {name: {"type": "string", "description": text} for name, text in HEADERS.items()},
    }


def _channels(message: MessageType) -> dict[str, Any]:
    """One for each subject of ``message``; the first has its name."""
    addresses = {message.name: message.subject, **message.other_subjects}
    return {name: _channel(message, address) for name, address in addresses.items()}


def _channel(message: MessageType, subject: str) -> dict[str, Any]:
    kept = f"kept {message.max_age_s // 3600} h, at most {message.max_bytes >> 20} MiB"
    return {
        "address": subject,
        "title": message.stream,
        "description": f"Stream {message.stream}, {kept}.",
        "servers": [{"$ref": "#/servers/bus"}],
        "parameters": _parameters(subject),
        "messages": {message.name: {"$ref": f"#/components/messages/{message.name}"}},
    }


def _parameters(address: str) -> dict[str, Any]:
    return {name: {"description": PARAMETERS[name]} for name in re.findall(r"{(\w+)}", address)}


def _message(message: MessageType) -> dict[str, Any]:
    result: dict[str, Any] = {
        "name": message.name,
        "contentType": message.media_type,
        "description": message.description,
        "traits": [{"$ref": "#/components/messageTraits/headers"}],
    }
    if message.model is not None:
        refs = [{"$ref": _REF + kind} for kind in schemas.kinds(message.model)]
        one: dict[str, Any] = refs[0] if len(refs) == 1 else {"anyOf": refs}
        result["payload"] = {"oneOf": [one, {"type": "array", "items": one, "minItems": 1}]} if message.batches else one
    return result


def _operations(message: MessageType) -> dict[str, Any]:
    consumers = {durable.name.partition("-")[0] for durable in message.durables} | set(message.readers)
    result: dict[str, Any] = {}
    for channel in _channels(message):
        result |= {f"{user}_sends_{channel}": _operation("send", channel, message.name) for user in message.producers}
        result |= {f"{user}_receives_{channel}": _operation("receive", channel, message.name) for user in sorted(consumers)}
    return result


def _operation(action: str, channel: str, message: str) -> dict[str, Any]:
    reference = f"#/channels/{channel}"
    return {"action": action, "channel": {"$ref": reference}, "messages": [{"$ref": f"{reference}/messages/{message}"}]}


def _add_query(query: QueryType, channels: dict[str, Any], operations: dict[str, Any], messages: dict[str, Any]) -> None:
    question, reply = f"query_{query.name}", f"query_{query.name}_reply"
    answer, failure = f"query_{query.name}_answer", "query_failure"
    messages[question] = {
        "name": question,
        "description": query.description,
        "payload": {"$ref": _REF + query.model.__name__},
    }
    messages[answer] = {
        "name": answer,
        "description": "Header `Drishti-Status: ok`.",
        "payload": {"$ref": _REF + query.answer.__name__},
    }
    messages[failure] = {
        "name": failure,
        "description": "Header `Drishti-Status: error`.",
        "payload": {"$ref": _REF + "QueryFailure"},
    }
    bus = [{"$ref": "#/servers/bus"}]
    channels[question] = {
        "address": query.subject,
        "servers": bus,
        "messages": {question: {"$ref": f"#/components/messages/{question}"}},
    }
    channels[reply] = {
        "address": None,
        "description": "The inbox that the question names.",
        "servers": bus,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in (answer, failure)},
    }
    answers = [{"$ref": f"#/channels/{reply}/messages/{name}"} for name in (answer, failure)]
    to_reply = {"channel": {"$ref": f"#/channels/{reply}"}, "messages": answers}
    operations[f"{query.asker}_asks_{query.name}"] = _operation("send", question, question) | {"reply": to_reply}
    operations[f"{query.answerer}_answers_{query.name}"] = _operation("receive", question, question) | {"reply": to_reply}


_FRAME_QUERY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "since": {
            "type": "string",
            "description": "<epoch>:<seq> of the last frame that the client got: where that is known, an update comes first",
        },
        "hz": {"type": "number", "minimum": 0.2, "maximum": 10, "description": "at most so many frames a second"},
        "panels": {
            "type": "string",
            "description": "ids of panels, separated by commas: frames hold only what these ask, and insights of their metrics",
        },
    },
    "patternProperties": {
        "^var-": {"type": "string", "description": "a value of the variable of this name; several times: several values"},
    },
    "additionalProperties": False,
}
"""What a client may ask for; without it a snapshot comes first, and then every frame."""


def _add_frames(channels: dict[str, Any], operations: dict[str, Any], messages: dict[str, Any]) -> None:
    address = "/api/dashboard/ws/{dashboard}"
    messages["frame"] = {
        "name": "frame",
        "description": "A snapshot first, then updates. No handshake.",
        "payload": {"$ref": _REF + "Frame"},
    }
    channels["frame"] = {
        "address": address,
        "title": "live dashboard",
        "servers": [{"$ref": "#/servers/gateway"}],
        "parameters": _parameters(address),
        "messages": {"frame": {"$ref": "#/components/messages/frame"}},
        "bindings": {"ws": {"query": _FRAME_QUERY}},
    }
    operations["dashboard-stream_sends_frame"] = _operation("send", "frame", "frame")
