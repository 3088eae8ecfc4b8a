"""What the SDK sends of an event: its JSON, proven to be what gateway and analytics take. Pure.

Events of plain types are encoded and checked, no more. Where that fails, the values are converted
(:mod:`drishti.sdk.json_values`): ``data`` key by key, and each field to what is meant by it. What
cannot be converted, and the largest keys of an event that is too large, are left out of ``data`` and named; a field that means
nothing makes the event invalid.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from drishti.errors import InvalidPayload
from drishti.events import EVENT_BYTES, UNDECODABLE, AnalyticsEvent, RequestEvent, invalid_payload
from drishti.messages import jsontext, subjects
from drishti.sdk.json_values import Left, Unfit, plain

T = TypeVar("T", AnalyticsEvent, RequestEvent)

_encode = msgspec.json.Encoder(decimal_format="number").encode

_SECONDS_BELOW = 1e11
"""Epoch numbers from here on are milliseconds: as seconds they would be in the year 5138."""


class Encoded(NamedTuple, Generic[T]):
    """JSON, the event that it is, and what was left out."""

    body: bytes
    event: T
    left: list[Left]


class EventEncoder(Generic[T]):
    """Encodes events of one type."""

    def __init__(self, model: type[T]) -> None:
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(model)

    def encode(self, event: T) -> Encoded[T]:
        """Raises :class:`InvalidPayload`, with the field, where the event is against the contract."""
        try:
            body = _encode(event)
            if len(body) > EVENT_BYTES:
                return self._converted(event)
            decoded = self._decoder.decode(body)
        except Exception:
            return self._converted(event)
        # A short text without an escape, written by msgspec, holds nothing that jsontext would object to.
        if (b"\\" in body or len(body) > jsontext.MAX_DEPTH) and jsontext.fault(body) is not None:
            return self._converted(event)
        return Encoded(body, decoded, [])

    def _converted(self, event: T) -> Encoded[T]:
        left: list[Left] = []
        fields: dict[str, Any] = {}
        for name, convert in _FIELDS.items():
            if (value := getattr(event, name, None)) is None:
                continue
            try:
                converted = convert(value, left)
            except InvalidPayload as wrong:
                raise InvalidPayload(wrong.error, name) from None
            except Exception:
                raise InvalidPayload(f"a value of type {type(value).__name__} cannot be what is meant here", name) from None
            if converted is not None:
                fields[name] = converted
        if isinstance(event.service, str) and (given := subjects.given_name(event.service)) is not None:
            fields.setdefault("service_name", given)
        try:
            body = _encode(fields)
            while len(body) > EVENT_BYTES and (largest := _largest(fields.get("data"))):
                left.append(Left(f"data.{largest}", type(fields["data"].pop(largest)).__name__))
                body = _encode(fields)
            found_event = self._decoder.decode(body)
        except UNDECODABLE as error:
            raise invalid_payload(error) from None
        if (reason := jsontext.fault(body)) is not None:
            raise reason
        if len(body) > EVENT_BYTES:
            raise InvalidPayload(f"{len(body)} bytes are more than the {EVENT_BYTES} that an event may have")
        return Encoded(body, found_event, left)


def _largest(data: Any) -> str | None:
    """The key of ``data`` that takes most room, where it takes much."""
    sizes = {key: len(_encode(value)) for key, value in (data or {}).items()}
    key = max(sizes, key=sizes.__getitem__, default=None)
    return key if key is not None and sizes[key] > EVENT_BYTES // 8 else None


def _data(value: Any, left: list[Left]) -> Any:
    if value is None:
        return None
    converted, missing = plain(value, "data")
    if not isinstance(converted, dict):
        raise Unfit
    left += missing
    return converted


def _name(value: Any, _: list[Left]) -> str | None:
    """A text; numbers and UUIDs are texts here."""
    converted, _missing = plain(value)
    if converted is None or isinstance(converted, str):
        return converted
    if isinstance(converted, float | Decimal) and converted == int(converted):
        converted = int(converted)  # what pandas makes of whole numbers where some are missing
    if isinstance(converted, bool | list | dict):
        raise Unfit
    return str(converted)


def _event_id(value: Any, left: list[Left]) -> str | None:
    converted = _name(value, left)
    if isinstance(value, str) and converted != str.__str__(value):
        # Replaced, two different ids could become one, and one of the events would be taken for a repetition.
        raise InvalidPayload("text must not contain U+0000 or half of a surrogate pair")
    return converted


def _service(value: Any, left: list[Left]) -> str | None:
    converted = _name(value, left)
    return None if converted is None else subjects.token(converted)


def _service_name(value: Any, left: list[Left]) -> str | None:
    converted = _name(value, left)
    return None if converted is None else subjects.given_name(converted)


def _instant(value: Any, _: list[Left]) -> Any:
    """An aware time. Without a zone it is local time, as everywhere in Python; numbers are of the epoch, in s or ms."""
    if hasattr(type(value), "to_pydatetime"):  # pandas
        value = value.to_pydatetime()
    if isinstance(value, datetime):
        if value != value:
            return None
        return value.astimezone() if value.tzinfo is None else value.astimezone(UTC)
    converted, _missing = plain(value)
    if isinstance(converted, str):
        moment = datetime.fromisoformat(converted)
        if type(value).__name__ == "datetime64":  # numpy's are UTC by convention
            return moment.replace(tzinfo=UTC)
        return moment.astimezone() if moment.tzinfo is None else moment
    if isinstance(converted, bool | list | dict):
        raise Unfit
    if converted is None:
        return None
    seconds = float(converted)
    return datetime.fromtimestamp(seconds if abs(seconds) < _SECONDS_BELOW else seconds / 1000, UTC)


def _whole(value: Any, _: list[Left]) -> Any:
    converted, _missing = plain(value)
    return (
        int(converted)
        if isinstance(converted, str | float | Decimal) and float(converted) == int(float(converted))
        else converted
    )


def _milliseconds(value: Any, _: list[Left]) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds() * 1000
    converted, _missing = plain(value)
    return float(converted) if isinstance(converted, str | Decimal) else converted


def _error(value: Any, left: list[Left]) -> str | None:
    converted = _name(value, left)
    return None if converted is None else converted[:256]


_FIELDS: dict[str, Any] = {
    **dict.fromkeys(("event_type", "user_id", "session_id", "version", "traceparent", "method", "route", "model"), _name),
    "event_id": _event_id,
    "service": _service,
    "service_name": _service_name,
    "timestamp": _instant,
    "data": _data,
    "status": _whole,
    "duration_ms": _milliseconds,
    "error": _error,
}
