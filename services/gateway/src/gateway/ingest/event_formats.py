"""The formats in which ``POST /api/events`` takes events: JSON, NDJSON and CloudEvents in its three modes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Protocol

from drishti.errors import InvalidPayload
from drishti.messages import cloudevents, jsontext
from drishti.messages.cloudevents import Mode
from gateway.answers import JSON
from gateway.asgi import Headers
from gateway.errors import Refused
from gateway.ingest.parsing import ParsedEvents, Rejection, check_commas, parse, parse_translated

NDJSON = b"application/x-ndjson"

_VERSION_HEADER = b"ce-specversion"
_CLOUDEVENTS = b"application/cloudevents"
_KNOWN = (JSON.decode(), NDJSON.decode(), cloudevents.STRUCTURED_TYPE, cloudevents.BATCH_TYPE)
_TYPES = f"the content type must be one of {', '.join(_KNOWN)}"


class Parse(Protocol):
    """Messages and rejections of a body; raises :class:`Refused` with 413."""

    def __call__(self, body: bytes, *, now: datetime, traceparent: str | None) -> ParsedEvents: ...


def media_type(headers: Headers) -> bytes:
    """The content type of a request without its parameters; JSON where it has none."""
    return headers.get(b"content-type", JSON).partition(b";")[0].strip().lower()


def parser(headers: Headers, *, max_events: int, max_bytes: int) -> Parse:
    """What reads a body that came with ``headers``; raises :class:`Refused` with 415 where nothing does.

    ``max_bytes`` is how much the events of a batch of CloudEvents may become.
    """
    kind = media_type(headers)
    if _VERSION_HEADER in headers or kind.startswith(_CLOUDEVENTS):
        known = {name.decode("latin-1"): value.decode("utf-8", "replace") for name, value in headers.items()}
        mode = cloudevents.mode_of(known)
        if mode is Mode.BATCHED:
            return partial(_batch, max_events=max_events, max_bytes=max_bytes)
        if mode is not None:
            return partial(_one, headers=known, binary=mode is Mode.BINARY)
    if kind not in (JSON, NDJSON):
        raise Refused(415, _TYPES)
    return partial(parse, lines=kind == NDJSON, max_events=max_events)


def _one(body: bytes, *, now: datetime, traceparent: str | None, headers: Mapping[str, str], binary: bool) -> ParsedEvents:
    def translate(_index: int, item: bytes) -> bytes:
        return cloudevents.from_binary(headers, item) if binary else cloudevents.from_structured(item)

    return parse_translated([body], translate, now=now, max_events=1, traceparent=traceparent, single=True)


def _batch(body: bytes, *, now: datetime, traceparent: str | None, max_events: int, max_bytes: int) -> ParsedEvents:
    text = jsontext.text_of(body)
    if not jsontext.is_array(text):
        return ParsedEvents([], 0, [Rejection(0, "", "a batch of CloudEvents must be a JSON array")])
    check_commas(text, max_events)
    try:
        items = jsontext.cut(text)
    except InvalidPayload as error:
        return ParsedEvents([], 0, [Rejection(0, "", error.error)])
    if not items:
        return ParsedEvents([], 0, [Rejection(0, "", "the array is empty")])
    return parse_translated(
        items,
        lambda _index, item: cloudevents.from_structured(item),
        now=now,
        max_events=max_events,
        max_bytes=max_bytes,
        traceparent=traceparent,
    )
