"""Messages to JSON and back, and what is wrong with JSON that is no such message. Pure."""

from __future__ import annotations

import re
from typing import Any, Generic, TypeVar

import msgspec

from drishti.errors import InvalidPayload
from drishti.messages import jsontext
from drishti.messages.field_types import TOKEN, TRACEPARENT

_PATTERNS = (
    (repr(TOKEN), "must be 1 to 64 of a-z, 0-9, _ and -"),
    (repr(TRACEPARENT), "must be a traceparent as W3C has it"),
)
_PATH = re.compile(r" - at `(?P<path>[^`]*)`$")
_HEXADECIMAL = re.compile(r"regex '\^\(?\[0-9a-f(?:A-F)?\]\{(?P<count>[0-9]+)\}")
_MISSING = re.compile(r"^Object missing required field `(?P<name>[^`]*)`")


def invalid_payload(error: Exception, model: Any = None) -> InvalidPayload:
    """The same fact as ``error``, one of :data:`UNDECODABLE`, with the field's path taken out of its text.

    With the type that was wanted, a value that is none of a few says which there are.
    """
    if isinstance(error, RecursionError):
        return InvalidPayload("nested too deeply")
    text = str(error)
    path = ""
    if match := _PATH.search(text):
        path = match["path"].removeprefix("$").removeprefix("[...]").removeprefix(".")
        text = text[: match.start()]
    if text.startswith("Expected `str` matching regex"):
        digits = _HEXADECIMAL.search(text)
        text = (
            f"must be {digits['count']} hexadecimal digits"
            if digits
            else next((words for pattern, words in _PATTERNS if pattern in text), text)
        )
    elif model is not None and text.startswith("Invalid enum value") and (known := _choices(model, path)):
        text = f"{text}; there are {', '.join(known)}"
    if missing := _MISSING.match(text):
        path = f"{path}.{missing['name']}" if path else missing["name"]
    return InvalidPayload(text, path)


def _choices(model: Any, path: str) -> list[str]:
    """The values that the field at ``path`` may have, where there are a few."""
    wanted = msgspec.inspect.type_info(model)
    for name in re.split(r"\.|(?=\[)", path):
        for kind in _alternatives(wanted):
            if isinstance(kind, msgspec.inspect.StructType):
                found = [field.type for field in kind.fields if field.encode_name == name]
            elif isinstance(kind, msgspec.inspect.ListType):
                found = [kind.item_type]
            else:
                continue
            if found:
                wanted = found[0]
                break
        else:
            return []
    values: list[Any] = []
    for kind in _alternatives(wanted):
        if isinstance(kind, msgspec.inspect.LiteralType):
            values += kind.values
        elif isinstance(kind, msgspec.inspect.EnumType):
            values += [member.value for member in kind.cls]
    return [str(value) for value in values]


def _alternatives(wanted: msgspec.inspect.Type) -> tuple[msgspec.inspect.Type, ...]:
    while isinstance(wanted, msgspec.inspect.Metadata):
        wanted = wanted.type
    if not isinstance(wanted, msgspec.inspect.UnionType):
        return (wanted,)
    return tuple(one for kind in wanted.types for one in _alternatives(kind))


_encoder = msgspec.json.Encoder()


def encode(message: Any) -> bytes:
    """JSON bytes of a contract type or a list of them."""
    return _encoder.encode(message)


T = TypeVar("T")


UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no such message; the last one for nesting of many hundred levels."""


class BatchDecoder(Generic[T]):
    """Decodes one event or an array of events of one type: the two forms a message on EVENTS or REQUESTS may have.

    What it takes can be stored; :mod:`drishti.messages.jsontext` says what JSON may carry that cannot. They are of exactly
    ``model``: consumers tell messages apart by their types.
    """

    def __init__(self, model: type[T]) -> None:
        self._one: msgspec.json.Decoder[T] = msgspec.json.Decoder(model)
        self._many: msgspec.json.Decoder[list[T]] = msgspec.json.Decoder(list[model])  # type: ignore[valid-type]  # a type at run time

    def decode(self, payload: bytes) -> list[T]:
        """All events of ``payload``; raises :class:`InvalidPayload` where any of them is wrong."""
        text = jsontext.text_of(payload)
        if not jsontext.is_array(text):
            return [self.decode_item(text)]
        if jsontext.is_dense(text):
            return [self.decode_item(item) for item in jsontext.cut(text)]
        try:
            events = self._many.decode(text)
        except UNDECODABLE as error:
            raise invalid_payload(error) from None
        if jsontext.may_hold_faults(text, len(events)):
            for item in jsontext.cut(text):
                if (wrong := jsontext.fault(item)) is not None:
                    raise wrong
        return events

    def cut(self, payload: bytes) -> list[bytes]:
        """The items of ``payload`` as they came, for :meth:`decode_item`; one of them may be wrong without the others.

        Raises :class:`InvalidPayload` where it is not clear what the items are.
        """
        text = jsontext.text_of(payload)
        return jsontext.cut(text) if jsontext.is_array(text) else [text]

    def decode_item(self, item: bytes) -> T:
        """The one event that ``item`` is; raises :class:`InvalidPayload` where it is none."""
        try:
            event = self._one.decode(item)
        except UNDECODABLE as error:
            wrong = invalid_payload(error)
            named = jsontext.fault(item) or jsontext.number_fault(item, out_of_range="out of range" in wrong.error)
            raise named or wrong from None
        if jsontext.may_hold_faults(item, 1) and (fault := jsontext.fault(item)) is not None:
            raise fault
        return event
