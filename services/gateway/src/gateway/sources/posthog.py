"""What the SDKs of PostHog post, as events of ours. Pure. ``docs/sources.md`` has this as a table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from drishti.errors import InvalidPayload
from drishti.events import EVENT_BYTES, UNDECODABLE
from drishti.messages import jsontext
from drishti.messages.named_events import NAME, data_of
from gateway.errors import Refused
from gateway.sources.batches import Batch, Fields, decoded, items_of, object_at, object_of, raw_fields, readable, text_at
from gateway.sources.clocks import instant, instant_or_none
from gateway.sources.events import encoded, type_of

_KEYS = ("api_key", "token")
_OF_THE_REQUEST = ("sent_at", "historical_migration", *_KEYS)
_MAPPED = frozenset({"event", "properties", "distinct_id", "timestamp", "uuid", "offset", *_OF_THE_REQUEST})

_PROPERTIES_OF_PERSONS = {"$set": "set", "$set_once": "set_once", "$unset": "unset"}
_OF_EVENT: Mapping[str, Mapping[str, str]] = {
    "$identify": {"$anon_distinct_id": "anonymous_id"},
    "$create_alias": {"alias": "previous_id"},
    "$groupidentify": {"$group_type": "group_type", "$group_key": "group_id", "$group_set": "set"},
}
"""Properties that say who somebody is, by the event that they belong to, and their names here."""


class _Keyed(Struct):
    api_key: Any = None
    token: Any = None
    properties: Any = None


_keyed = msgspec.json.Decoder(_Keyed)


def batch_of(body: bytes, max_events: int, *, sent_at: Any = None) -> tuple[Batch, str | None]:
    """The events of ``body`` (one, an array, or an object with a ``batch``), and the key that it brings.

    ``sent_at`` came beside it. Raises :class:`Refused` with 400, or with 413 where there are more than ``max_events``.
    """
    text = readable(body)
    single = False
    shared: Fields = {}
    known: Fields = {}
    if jsontext.is_array(text):
        items = items_of(text, "", max_events)
    else:
        raw = raw_fields(text)
        known = decoded(raw, _OF_THE_REQUEST)
        if "batch" in raw:
            items = items_of(raw["batch"], "batch", max_events)
            shared = decoded(raw, (name for name in raw if name != "batch" and name not in _OF_THE_REQUEST))
        else:
            items, single = [text], True
    found = _key(known) or _key_of_items(items)
    secrets = {value for value in (found, *(known.get(name) for name in _KEYS)) if isinstance(value, str) and value}
    batch = Batch(
        items=items,
        shared=shared,
        secrets=frozenset(secrets),
        sent_at=instant_or_none(known.get("sent_at")) or instant_or_none(sent_at),
        historical=known.get("historical_migration") is True,
        single=single,
    )
    return batch, found


def event_of(batch: Batch, index: int, item: bytes) -> bytes:
    """The JSON of the event that ``item`` is; raises :class:`InvalidPayload`."""
    fields = object_of(item)
    name = fields.get("event")
    if not isinstance(name, str) or not name:
        raise InvalidPayload("must be a text that is not empty", "event")
    given = {
        key: value
        for key, value in object_at(fields, "properties").items()
        if not (key in _KEYS and isinstance(value, str) and value in batch.secrets)
    }
    user_id = text_at(fields, "distinct_id") or text_at(given, "distinct_id") or text_at(given, "$distinct_id")
    if user_id is None:
        raise InvalidPayload("is missing", "distinct_id")
    rest = {key: value for key, value in fields.items() if key not in _MAPPED}
    options = rest["options"] if isinstance(rest.get("options"), dict) else {}
    session_id = text_at(given, "$session_id") or text_at(rest, "session_id")
    given.pop("$session_id", None)
    rest.pop("session_id", None)
    own: Fields = {NAME: name}
    if _is_anonymous(user_id, given, options):
        own["anonymous"] = True
    own |= _identity(name, given, rest)
    if given.get("distinct_id") == user_id:
        del given["distinct_id"]
    if name == "$groupidentify" and user_id == f"${own.get('group_type')}_{own.get('group_id')}":
        user_id = None  # what SDKs say where they tell of a group alone
    return encoded(
        batch,
        index,
        item,
        event_type=type_of(name),
        event_id=text_at(fields, "uuid"),
        user_id=user_id,
        session_id=session_id,
        at=_time(batch, fields),
        sent_at=None if _trusts_clock(fields, given, options) else batch.sent_at,
        given=data_of(given, {**batch.shared, **rest}),
        own=own,
    )


def _identity(name: str, given: Fields, rest: Fields) -> Fields:
    """What ``given`` and ``rest`` say about who somebody is, by the names it has here; taken out of both."""
    own: Fields = {}
    for theirs, ours in _PROPERTIES_OF_PERSONS.items():
        values = [source[theirs] for source in (given, rest) if theirs in source]
        if len(values) == 2 and not all(isinstance(value, dict) for value in values):
            values = values[:1]  # the other stays where it is
        elif len(values) == 2:
            values = [{**values[0], **values[1]}]
            rest.pop(theirs)
        if values:
            own[ours] = values[0]
            (given if theirs in given else rest).pop(theirs)
    for theirs, ours in _OF_EVENT.get(name, {}).items():
        if theirs in given and ours not in own:
            own[ours] = given.pop(theirs)
    return own


def _is_anonymous(user_id: str, given: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """Whether nobody has said who this is: by what the SDKs of browsers and servers say about that."""
    if given.get("$is_identified") is False or given.get("$process_person_profile") is False:
        return True
    return options.get("process_person_profile") is False or given.get("$device_id") == user_id


def _time(batch: Batch, fields: Mapping[str, Any]) -> datetime | None:
    at = instant(fields.get("timestamp"), "timestamp")
    offset = fields.get("offset")
    if at is not None or offset is None or batch.received_at is None:
        return at
    if not isinstance(offset, int | float) or isinstance(offset, bool):
        raise InvalidPayload("must be a number of milliseconds", "offset")
    try:
        return batch.received_at - timedelta(milliseconds=offset)
    except OverflowError:
        raise InvalidPayload("must be a number of milliseconds", "offset") from None


def _trusts_clock(fields: Mapping[str, Any], given: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """Whether the sender says that its clock is right, or the time is that of the receiver already."""
    if given.get("$ignore_sent_at") is True or options.get("disable_skew_correction") is True:
        return True
    return fields.get("timestamp") is None


def _key(fields: Mapping[str, Any]) -> str | None:
    return next((value for name in _KEYS if isinstance(value := fields.get(name), str) and value), None)


def _key_of_items(items: list[bytes]) -> str | None:
    """The key that the events bring themselves, of which there must be one for all of them."""
    keys: set[str] = set()
    for item in items:
        if len(item) > EVENT_BYTES:
            continue  # it is refused when its turn comes
        try:
            fields = _keyed.decode(item)
        except UNDECODABLE:
            continue  # it is refused when its turn comes
        properties = fields.properties if isinstance(fields.properties, dict) else {}
        if found := _key({"api_key": fields.api_key, "token": fields.token}) or _key(properties):
            keys.add(found)
    if len(keys) > 1:
        raise Refused(400, "the events of one request must have one API key")
    return next(iter(keys), None)
