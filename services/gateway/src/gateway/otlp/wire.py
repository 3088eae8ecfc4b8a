"""Protobuf's wire format, as far as an export request has to be cut before anything is built from it. Pure.

How this works
--------------
A message of two bytes can become an object of several hundred, so a body of 20 MB must be counted and cut first. Cutting reads
keys and lengths only; the pieces are copies of the bytes that came. :func:`split` descends along the repeated fields of a
resource (``scope_spans``, then ``spans``) only where a message is too large, and gives each piece all the other fields of the
levels above it: the resource, the scope, the metric's name and unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from drishti.errors import InvalidPayload

VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5

MAX_FIELDS = 1_000_000
"""Fields of one message. Stock exporters send some thousands; a body full of empty ones would keep a processor busy."""

CONTEXT_SHARE = 4
"""What all pieces of a message share may take this part of a piece: beyond it, splitting would multiply the bytes."""

Levels = tuple[frozenset[int], ...]
"""For each level the numbers of the fields to descend into; the last level's are the items that are never cut."""

TRACE_LEVELS: Levels = (frozenset({2}), frozenset({2}))
"""``ResourceSpans.scope_spans``, ``ScopeSpans.spans``."""

LOG_LEVELS: Levels = TRACE_LEVELS
"""``ResourceLogs.scope_logs``, ``ScopeLogs.log_records``."""

METRIC_LEVELS: Levels = (frozenset({2}), frozenset({2}), frozenset({5, 7, 9, 10, 11}), frozenset({1}))
"""``ResourceMetrics.scope_metrics``, ``ScopeMetrics.metrics``, ``Metric.gauge`` … ``summary``, ``Gauge.data_points`` …."""


class Field(NamedTuple):
    """One field of a message: its number and wire type, where it starts, and its value's bytes if length-delimited."""

    number: int
    wire: int
    start: int
    value_start: int
    end: int


class Piece(NamedTuple):
    """A message that fits, or (``payload`` empty) how many ``items`` could not be put into one."""

    payload: bytes
    lost: int = 0


def fields(message: bytes, at: int = 0, end: int | None = None) -> Iterator[Field]:
    """The fields of ``message``, or of the message between ``at`` and ``end`` of it, in their order.

    Raises :class:`InvalidPayload` where it is none.
    """
    end, count = len(message) if end is None else end, 0
    while at < end:
        start = at
        count += 1
        if count > MAX_FIELDS:
            raise InvalidPayload(f"more than {MAX_FIELDS} fields in one message; send smaller batches")
        key, at = _varint(message, at)
        wire = key & 7
        value = at
        if wire == LENGTH_DELIMITED:
            length, value = _varint(message, at)
            at = value + length
        elif wire == VARINT:
            _, at = _varint(message, at)
        elif wire == FIXED64:
            at += 8
        elif wire == FIXED32:
            at += 4
        else:
            raise InvalidPayload("the body is not protobuf")
        if at > end:
            raise InvalidPayload("the protobuf message ends too early")
        yield Field(key >> 3, wire, start, value, at)


def values(message: bytes, number: int, at: int, end: int, others: int) -> list[tuple[int, int]]:
    """Where each value of the length-delimited field ``number`` (15 at most) begins and ends in the message that lies between
    ``at`` and ``end`` of ``message``. A fraction of the time of :func:`fields`.

    Raises :class:`InvalidPayload` as that does, and where there are more than ``others`` other fields.
    """
    key = number << 3 | LENGTH_DELIMITED
    found: list[tuple[int, int]] = []
    while at < end:
        if message[at] != key or at + 2 >= end or message[at + 2] > 0x7F < message[at + 1]:
            field = next(fields(message, at, end))
            if field.number == number and field.wire == LENGTH_DELIMITED:
                found.append((field.value_start, field.end))
            elif others:
                others -= 1
            else:
                raise InvalidPayload("more fields of another kind than are looked at")
            at = field.end
            continue
        length = message[at + 1]
        start = at + 2
        if length > 0x7F:
            length = length & 0x7F | message[start] << 7
            start += 1
        at = start + length
        if at > end:
            raise InvalidPayload("the protobuf message ends too early")
        found.append((start, at))
    return found


def resources(body: bytes, limit: int) -> list[bytes]:
    """The values of field 1 of an export request, ``limit`` at most; other fields are skipped.

    Raises :class:`InvalidPayload` where there are more, before any of them is built, and where the body is no such request.
    """
    if body[:1] == b"\x0a":  # mostly there is one, which is the whole body
        length, start = _varint(body, 1)
        if start + length == len(body):
            return [body[start:]]
    pieces: list[bytes] = []
    for field in fields(body):
        if field.number == 0 or (field.number == 1 and field.wire != LENGTH_DELIMITED):
            raise InvalidPayload("the body is not an OTLP export request")
        if field.number == 1:
            if len(pieces) == limit:
                raise InvalidPayload(f"more than {limit} resources in one request; send smaller batches")
            pieces.append(body[field.value_start : field.end])
    return pieces


def request(resources: Iterable[bytes]) -> bytes:
    """An export request of ``resources``, which :func:`resources` would give again."""
    pieces: list[bytes] = []
    for resource in resources:
        pieces += (frame(1, len(resource)), resource)
    return b"".join(pieces)


def split(
    message: bytes, levels: Levels, size: int, limit: int, reduce: Callable[[bytes], bytes] | None = None
) -> Iterator[Piece]:
    """``message`` in pieces of ``size`` bytes at most. Items that fit into none, even as ``reduce`` makes them, are counted as
    lost, the others all kept.

    Raises :class:`InvalidPayload` where a level has more than ``limit`` items.
    """
    if len(message) <= size:
        yield Piece(message)
        return
    if not levels:
        reduced = message if reduce is None else reduce(message)
        yield Piece(reduced) if len(reduced) <= size else Piece(b"", 1)
        return
    shared, children = _parted(message, levels[0], limit)
    if len(shared) > size // CONTEXT_SHARE:
        yield Piece(b"", sum(count_items(message[child.value_start : child.end], levels[1:]) for child in children))
        return
    gathered: list[bytes] = []
    held = len(shared)
    for child in children:
        framed = message[child.start : child.end]
        if held + len(framed) > size and gathered:
            yield Piece(b"".join((shared, *gathered)))
            gathered, held = [], len(shared)
        if held + len(framed) <= size:
            gathered.append(framed)
            held += len(framed)
            continue
        header = frame(child.number, child.end - child.value_start)
        room = size - len(shared) - len(header)
        for piece in split(message[child.value_start : child.end], levels[1:], room, limit, reduce):
            if piece.payload:
                yield Piece(b"".join((shared, frame(child.number, len(piece.payload)), piece.payload)))
            else:
                yield piece
    if gathered:
        yield Piece(b"".join((shared, *gathered)))


def count_items(message: bytes, levels: Levels) -> int:
    """How many items ``message`` holds below ``levels``; itself, where there is no level."""
    if not levels:
        return 1
    parts = (message[f.value_start : f.end] for f in fields(message) if _descends(f, levels[0]))
    return sum(1 if len(levels) == 1 else count_items(value, levels[1:]) for value in parts)


def without(message: bytes, levels: Levels, readable: Callable[[bytes], bool], limit: int) -> tuple[bytes, list[bytes]]:
    """``message`` without the items below ``levels`` that are not ``readable``, and those: it stops after ``limit`` of them."""
    kept: list[bytes] = []
    bad: list[bytes] = []
    for field in fields(message):
        if len(bad) > limit:
            break
        value = message[field.value_start : field.end]
        if not _descends(field, levels[0]):
            kept.append(message[field.start : field.end])
        elif len(levels) > 1:
            value, removed = without(value, levels[1:], readable, limit - len(bad))
            bad += removed
            kept += (frame(field.number, len(value)), value)
        elif readable(value):
            kept.append(message[field.start : field.end])
        else:
            bad.append(value)
    return b"".join(kept), bad


def _parted(message: bytes, numbers: frozenset[int], limit: int) -> tuple[bytes, list[Field]]:
    """The bytes of all fields that are not among ``numbers``, and the others, ``limit`` at most."""
    shared: list[bytes] = []
    children: list[Field] = []
    end = 0  # of the last child: what lies between two of them is shared
    for field in fields(message):
        if _descends(field, numbers):
            if len(children) == limit:
                raise InvalidPayload(f"more than {limit} items in one message; send smaller batches")
            children.append(field)
            shared.append(message[end : field.start])
            end = field.end
    shared.append(message[end:])
    return b"".join(shared), children


def _descends(field: Field, numbers: frozenset[int]) -> bool:
    return field.wire == LENGTH_DELIMITED and field.number in numbers


def frame(number: int, length: int) -> bytes:
    """Key and length of a length-delimited field."""
    return _encoded(number << 3 | LENGTH_DELIMITED) + _encoded(length)


def varint(number: int, value: int) -> bytes:
    """A field that holds an integer."""
    return _encoded(number << 3 | VARINT) + _encoded(value)


def varint_of(message: bytes, field: Field) -> int:
    """The integer that ``field`` holds."""
    return _varint(message, field.value_start)[0]


def _encoded(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64 and at < len(body):
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise InvalidPayload("the body is not protobuf")
