"""How rows and messages name a user. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import msgspec

from analytics.spans.conventions import USER_ID

_encode = msgspec.json.Encoder().encode


def hash_of(tenant: str, user_id: str) -> bytes:
    """What stands for a user after their erasure."""
    return hashlib.sha256(f"{tenant}\0{user_id}".encode()).digest()


@dataclass(frozen=True, slots=True)
class Named:
    """A user by each of their ``ids``."""

    ids: tuple[str, ...]

    @property
    def attributes(self) -> list[str]:
        """Objects of JSON, one of which the attributes of a span or log record contain where they name the user."""
        return [_encode({name: value}).decode() for name, value in self._pairs()]

    @property
    def members(self) -> list[str]:
        """The same as they stand in the text of an object."""
        return [text[1:-1] for text in self.attributes]

    def is_in_json(self, payload: bytes) -> bool:
        """Whether a text of this JSON is one of the ids. What is no JSON has none."""
        wanted = [_encode(user) for user in self.ids]
        if any(text in payload for text in wanted):
            return True
        if b"\\" not in payload:
            return False
        try:
            plain = _encode(msgspec.json.decode(payload))  # each character in one way only
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return False
        return any(text in plain for text in wanted)

    def is_in_protobuf(self, payload: bytes) -> bool:
        """Whether a text of this OTLP message is one of the ids, or one of its whole numbers where that is one."""
        return any(_field(user) in payload for user in self.ids) or any(
            _attribute(name, value) in payload for name, value in self._pairs() if isinstance(value, int)
        )

    def _pairs(self) -> list[tuple[str, str | int]]:
        values: list[str | int] = [*self.ids]
        values += [number for user in self.ids if (number := _number(user)) is not None]
        return [(name, value) for name in USER_ID for value in values]


def _number(user: str) -> int | None:
    """The whole number of 64 bits that is written so."""
    if len(user) > 20 or not user.removeprefix("-").isdecimal() or not user.isascii():
        return None
    number = int(user)
    return number if str(number) == user and -(1 << 63) <= number < 1 << 63 else None


def _varint(number: int) -> bytes:
    encoded = bytearray()
    number &= (1 << 64) - 1
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def _field(text: str) -> bytes:
    """``AnyValue.string_value``."""
    encoded = text.encode()
    return b"\x0a" + _varint(len(encoded)) + encoded


def _attribute(name: str, number: int) -> bytes:
    """``KeyValue`` with ``AnyValue.int_value``, without what says how long it is."""
    value = b"\x18" + _varint(number)
    return _field(name) + b"\x12" + _varint(len(value)) + value


def labels_for(erasure_id: str) -> str:
    """What stands in labels of metrics for a user who was erased."""
    return f"erased-{erasure_id[:8]}"
