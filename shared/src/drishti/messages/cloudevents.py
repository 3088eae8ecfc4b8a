"""CloudEvents 1.0 as events of ours, whichever way they came: HTTP or NATS, in binary or structured mode. Pure.

How this works
--------------
In binary mode the attributes are headers (``ce-id``) and the payload is the data; in structured mode one JSON object holds
both; a batch is an array of such objects. Either way:

- ``source`` and ``id`` together are what is unique to a CloudEvent, so together they make the ``event_id``.
- ``type`` becomes the ``event_type``; as it was sent it is ``data.event_name``.
- ``time`` is the ``timestamp``, ``traceparent`` the trace context, the extensions ``userid`` and ``sessionid`` what they say.
- Data that is an object is ``data``. Any other JSON and text is ``data.data``, and bytes are ``data.data_base64``.
- Every other attribute, known to the specification or not, is kept below ``data.cloudevent``.

Messages of our own carry CloudEvents' headers as well, with the family of their subject for a type. They are no foreign events.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import msgspec

from drishti.errors import InvalidPayload
from drishti.messages import catalogue, jsontext
from drishti.messages.coding import UNDECODABLE, encode, invalid_payload
from drishti.messages.events import AnalyticsEvent
from drishti.messages.field_types import TRACEPARENT, Instant
from drishti.messages.named_events import NAME, data_of, event_type

PREFIX = "ce-"
STRUCTURED_TYPE = "application/cloudevents+json"
BATCH_TYPE = "application/cloudevents-batch+json"

OWN_TYPE = catalogue.message("event").family
"""``ce-type`` of a message that already is ours."""

ID_LENGTH = 256

_VERSION = "1.0"
_KEPT_ELSEWHERE = frozenset({"specversion", "type", "time", "userid", "sessionid", "data", "data_base64"})
_is_traceparent = re.compile(TRACEPARENT).search
_ESCAPED = re.compile(r"\\(.)")


class Mode(enum.Enum):
    """How a message carries CloudEvents."""

    BINARY = "binary"
    STRUCTURED = "structured"
    BATCHED = "batched"


def mode_of(headers: Mapping[str, str]) -> Mode | None:
    """How a message with ``headers`` (names in lower case) carries CloudEvents; ``None`` where it is a message of ours."""
    content_type = _media_type(headers.get("content-type", ""))
    if content_type == STRUCTURED_TYPE:
        return Mode.STRUCTURED
    if content_type == BATCH_TYPE:
        return Mode.BATCHED
    return Mode.BINARY if "ce-specversion" in headers and headers.get("ce-type") != OWN_TYPE else None


def from_message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """A message on the bus as one of ours: ``payload`` itself, or the JSON of the one event that a CloudEvent is.

    Raises :class:`InvalidPayload`, with the attribute that is wrong.
    """
    known = {name.lower(): value for name, value in headers.items()}
    mode = mode_of(known)
    if mode is None:
        return payload
    if mode is Mode.BATCHED:
        raise InvalidPayload("a batch of CloudEvents is no message on NATS: send each by itself", "content-type")
    return from_binary(known, payload) if mode is Mode.BINARY else from_structured(payload)


def from_binary(headers: Mapping[str, str], payload: bytes) -> bytes:
    """The JSON of the event whose attributes are in ``headers`` (names in lower case); raises :class:`InvalidPayload`."""
    attributes: dict[str, Any] = {
        name.removeprefix(PREFIX): _header_value(value) for name, value in headers.items() if name.startswith(PREFIX)
    }
    content_type = headers.get("content-type", "")
    if content_type:
        attributes["datacontenttype"] = content_type
    return _encoded(attributes, _data_of(payload, _media_type(content_type)))


def from_structured(text: bytes) -> bytes:
    """The JSON of the event that the JSON object ``text`` is; raises :class:`InvalidPayload`."""
    attributes = _decoded(jsontext.text_of(text))
    if not isinstance(attributes, dict):
        raise InvalidPayload("a CloudEvent must be a JSON object")
    if (binary := attributes.get("data_base64")) is not None:
        if "data" in attributes:
            raise InvalidPayload("data and data_base64 must not both be there", "data_base64")
        return _encoded(attributes, {"data_base64": binary})
    return _encoded(attributes, _as_object(attributes["data"]) if "data" in attributes else {})


def event_id(source: str, identifier: str) -> str:
    """The id of the CloudEvent ``identifier`` of ``source``: both, where they are short enough, else a hash of them.

    No URI reference has a space, so that two different pairs never make one id.
    """
    both = f"{source} {identifier}"
    if len(both) <= ID_LENGTH and " " not in source:
        return both
    return hashlib.blake2b(f"{source}\0{identifier}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _encoded(attributes: Mapping[str, Any], data: Mapping[str, Any]) -> bytes:
    version = attributes.get("specversion")
    if version != _VERSION:
        raise InvalidPayload(f"must be {_VERSION}", "specversion")
    source, identifier, name = (_required(attributes, attribute) for attribute in ("source", "id", "type"))
    traceparent = attributes.get("traceparent")
    traced = isinstance(traceparent, str) and _is_traceparent(traceparent) is not None
    kept = {
        key: value for key, value in attributes.items() if key not in _KEPT_ELSEWHERE and not (traced and key == "traceparent")
    }
    event = AnalyticsEvent(
        event_id=event_id(source, identifier),
        event_type=event_type(name),
        user_id=_text(attributes.get("userid"), "userid"),
        session_id=_text(attributes.get("sessionid"), "sessionid"),
        timestamp=_time(attributes.get("time")),
        traceparent=traceparent if traced else None,
        data=data_of(data, {NAME: name, "cloudevent": kept}),
    )
    try:
        return encode(event)
    except (UnicodeEncodeError, RecursionError) as error:
        raise invalid_payload(error) from None


def _required(attributes: Mapping[str, Any], name: str) -> str:
    value = attributes.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidPayload("must be a text that is not empty", name)
    return value


def _text(value: Any, name: str) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise InvalidPayload("must be a text", name)


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        return msgspec.convert(value, Instant)
    except msgspec.ValidationError:
        raise InvalidPayload("must be an instant with its offset, as RFC 3339 has it", "time") from None


def _data_of(payload: bytes, media_type: str) -> dict[str, Any]:
    if not payload:
        return {}
    if not media_type or _is_json(media_type):
        try:
            return _as_object(_decoded(jsontext.text_of(payload)))
        except InvalidPayload as error:
            if media_type:
                raise InvalidPayload(error.error, "data") from None
    elif media_type.startswith("text/") and jsontext.is_utf8(payload):
        return {"data": payload.decode()}
    return {"data_base64": base64.b64encode(payload).decode()}


def _as_object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"data": value}


def _decoded(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except UNDECODABLE as error:
        wrong = invalid_payload(error)
        named = jsontext.fault(text) or jsontext.number_fault(text, out_of_range="out of range" in wrong.error)
        raise named or wrong from None


def _is_json(media_type: str) -> bool:
    return media_type.endswith(("/json", "+json"))


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _header_value(value: str) -> str:
    """A header's text: perhaps in quotes, and percent-encoded where HTTP has no character for it."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = _ESCAPED.sub(r"\1", value[1:-1])
    return unquote(value)
