"""What the SDKs of Segment and RudderStack post, as events of ours. Pure. ``docs/sources.md`` has this as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drishti.errors import InvalidPayload
from drishti.messages import jsontext
from drishti.messages.named_events import NAME, data_of
from gateway.errors import Refused
from gateway.sources.batches import Batch, Fields, decoded, items_of, object_at, object_of, raw_fields, readable, text_at
from gateway.sources.clocks import instant, instant_or_none
from gateway.sources.events import encoded, type_of

CALLS = ("track", "identify", "page", "screen", "group", "alias")
"""The kinds of messages, each of which has an address of its own as well."""

GROUP_TYPE = "group"
"""Segment knows groups of one type only; this is its name."""

_OF_THE_REQUEST = ("sentAt", "writeKey")
_MAPPED = frozenset({
    "type", "event", "userId", "anonymousId", "messageId", "timestamp", "originalTimestamp", "properties", "traits", "groupId",
    "previousId", *_OF_THE_REQUEST,
})  # fmt: skip


def batch_of(body: bytes, kind: str, max_events: int) -> tuple[Batch, str | None]:
    """The messages of ``body``, and the key that it brings. ``kind``: that of the only one, empty where it is a batch.

    Raises :class:`Refused` with 400, or with 413 where there are more than ``max_events``.
    """
    text = readable(body)
    if jsontext.is_array(text):
        raise Refused(400, "the body must be a JSON object")
    raw = raw_fields(text)
    known = decoded(raw, _OF_THE_REQUEST)
    key = known.get("writeKey")
    key = key if isinstance(key, str) and key else None
    if kind:
        items, shared = [text], {}
    elif "batch" in raw:
        items = items_of(raw["batch"], "batch", max_events)
        shared = decoded(raw, (name for name in raw if name != "batch" and name not in _OF_THE_REQUEST))
    else:
        raise Refused(400, "must be an array", field="batch")
    batch = Batch(items=items, shared=shared, kind=kind, sent_at=instant_or_none(known.get("sentAt")), single=bool(kind))
    return batch, key


def event_of(batch: Batch, index: int, item: bytes) -> bytes:
    """The JSON of the event that ``item`` is; raises :class:`InvalidPayload`."""
    fields = object_of(item)
    call = batch.kind or fields.get("type")
    if call not in CALLS:
        raise InvalidPayload(f"must be one of {', '.join(CALLS)}", "type")
    user_id, anonymous_id = text_at(fields, "userId"), text_at(fields, "anonymousId")
    if user_id is None and anonymous_id is None:
        raise InvalidPayload("userId or anonymousId must be there", "userId")
    name = _name(call, fields)
    own: Fields = {NAME: name}
    if user_id is None:
        own["anonymous"] = True
    elif anonymous_id is not None:
        own["anonymous_id"] = anonymous_id
    own |= _identity(call, fields)
    rest = {key: value for key, value in fields.items() if key not in _MAPPED and not (key in batch.shared and not value)}
    if "traits" in fields and call not in ("identify", "group"):
        rest["traits"] = fields["traits"]
    given = data_of(object_at(fields, "properties"), {**batch.shared, **rest})
    timestamp = "timestamp" if fields.get("timestamp") is not None else "originalTimestamp"
    return encoded(
        batch,
        index,
        item,
        event_type=type_of(call if call != "track" else name),
        event_id=text_at(fields, "messageId"),
        user_id=user_id or anonymous_id,
        session_id=_session_id(given.get("context")),
        at=instant(fields.get(timestamp), timestamp),
        sent_at=instant_or_none(fields.get("sentAt")) or batch.sent_at,
        given=given,
        own=own,
    )


def _name(call: str, fields: Mapping[str, Any]) -> str:
    """What the event is called: a ``track`` by its sender, any other by its kind."""
    if call != "track":
        return call
    name = fields.get("event")
    if not isinstance(name, str) or not name:
        raise InvalidPayload("must be a text that is not empty", "event")
    return name


def _identity(call: str, fields: Mapping[str, Any]) -> Fields:
    """What the message says about who somebody is."""
    own: Fields = {}
    if call in ("identify", "group"):
        own["set"] = object_at(fields, "traits")
    if call == "identify" and not own["set"]:
        # RudderStack's SDKs say who somebody is in the context.
        own["set"] = object_at(object_at(fields, "context"), "traits")
    if call == "group":
        own |= {"group_type": GROUP_TYPE, "group_id": _needed(fields, "groupId")}
    if call == "alias":
        own["previous_id"] = _needed(fields, "previousId")
    return own


def _needed(fields: Mapping[str, Any], name: str) -> str:
    value = text_at(fields, name)
    if value is None:
        raise InvalidPayload("is missing", name)
    return value


def _session_id(context: Any) -> str | None:
    """``context.sessionId``, which RudderStack's SDKs give as a number."""
    value = context.get("sessionId") if isinstance(context, dict) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None
