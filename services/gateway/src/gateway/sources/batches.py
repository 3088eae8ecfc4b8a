"""What the bodies of these SDKs have in common: an object with events in it, fields that are all of them's, and a key. Pure.

Nothing here builds the whole body: it is cut into events, and each is decoded when its turn comes. A body may come before
anybody knows who sends it, and while Python builds many objects no other request is served: what no event may be is refused
before it is decoded. Python's SDKs write ``NaN`` and ``Infinity`` where a number is none, which is no JSON; it is read as
``null``, as the servers of these SDKs store it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from drishti.errors import InvalidPayload
from drishti.events import EVENT_BYTES, UNDECODABLE
from drishti.messages import jsontext
from gateway.errors import Refused
from gateway.ingest.parsing import check_commas, too_many

Fields = dict[str, Any]

_raw_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


MAX_MENDED = 200_000
"""Commas of a body in which ``NaN`` becomes ``null``: for that, all of it is built at once."""


class _Enveloped(Struct):
    batch: msgspec.Raw = msgspec.Raw(b"")


_enveloped = msgspec.json.Decoder(_Enveloped)


class Batch(NamedTuple):
    """The events of a request as they came, and what holds for all of them.

    ``request`` is different for every request. ``secrets`` are the texts of keys, which are no data.
    """

    items: Sequence[bytes]
    shared: Fields
    secrets: frozenset[str] = frozenset()
    kind: str = ""
    sent_at: datetime | None = None
    historical: bool = False
    received_at: datetime | None = None
    request: str = ""
    single: bool = False


def raw_fields(text: bytes) -> dict[str, bytes]:
    """The fields of the object ``text``, each as it came; raises :class:`Refused` with 400.

    What stands beside ``batch`` becomes part of each event, so that it may not be larger than one.
    """
    try:
        batch = _enveloped.decode(text).batch
        if len(text) - len(batch) > EVENT_BYTES:
            what = "what stands beside batch" if batch else "an event"
            raise Refused(400, f"{what} may have at most {EVENT_BYTES} bytes")
        return {name: bytes(value) for name, value in _raw_fields.decode(text).items()}
    except UNDECODABLE:
        raise Refused(400, "the body must be a JSON object") from None


def items_of(text: bytes, field: str, max_events: int) -> list[bytes]:
    """The items of the array ``text``; raises :class:`Refused`, with 413 where there are more than ``max_events``."""
    if not jsontext.is_array(text):
        raise Refused(400, f"{field} must be an array", field=field)
    check_commas(text, max_events)
    try:
        items = jsontext.cut(text)
    except InvalidPayload as error:
        raise Refused(400, error.error, field=field) from None
    if len(items) > max_events:
        raise too_many(max_events)
    return items


def readable(body: bytes) -> bytes:
    """``body`` as JSON that can be decoded, as far as it can be mended; raises :class:`Refused` with 400 or 413."""
    text = jsontext.mended(body).strip()
    if not text:
        raise Refused(400, "the body is empty")
    if b"NaN" not in text and b"Infinity" not in text:
        return text
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except UNDECODABLE:
        if jsontext.is_dense(text) or text.count(b",") > MAX_MENDED:
            raise Refused(413, "the body is not JSON, and there is too much to be mended: send fewer events at once") from None
        try:
            return msgspec.json.encode(json.loads(text, parse_constant=lambda _: None))
        except (ValueError, RecursionError):
            raise Refused(400, "the body is not JSON") from None
    return text


def object_of(item: bytes) -> Fields:
    """The event ``item``, which must be an object; raises :class:`InvalidPayload`."""
    try:
        value = msgspec.json.decode(item)
    except UNDECODABLE:
        raise jsontext.fault(item) or InvalidPayload("is not JSON") from None
    if not isinstance(value, dict):
        raise InvalidPayload("an event must be an object")
    return value


def object_at(fields: Mapping[str, Any], name: str) -> Fields:
    """The object ``fields[name]``, empty where there is none; raises :class:`InvalidPayload`."""
    value = fields.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidPayload("must be an object", name)
    return value


def text_at(fields: Mapping[str, Any], name: str) -> str | None:
    """The text ``fields[name]``; a number is one too, and an empty one is none. Raises :class:`InvalidPayload`."""
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise InvalidPayload("must be a text", name)


def decoded(raw: Mapping[str, bytes], names: Iterable[str]) -> Fields:
    """The fields called ``names``, decoded; raises :class:`Refused` with 400."""
    try:
        return {name: msgspec.json.decode(raw[name]) for name in names if name in raw}
    except UNDECODABLE:
        raise Refused(400, "the body is not JSON") from None
