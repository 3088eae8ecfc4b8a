"""Spans and log records that are too large only for a sensitive attribute, which goes anyway: an image in a prompt. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from drishti.errors import InvalidPayload
from gateway.otlp import wire
from gateway.otlp.sensitive import MAX_COUNT, Sensitive
from gateway.otlp.sensitive_names import kind_of


class Layout(NamedTuple):
    """The numbers of a message's fields: its attributes, how many were dropped, and parts that have attributes too."""

    attributes: int
    dropped: int
    parts: Mapping[int, Layout]


SPAN = Layout(9, 10, {11: Layout(3, 4, {}), 13: Layout(4, 5, {})})
LOG_RECORD = Layout(6, 7, {})

REDUCED_FIELDS = 100_000
"""Looking at so many takes a tenth of a second."""

LARGE_BYTES = 1024
"""What :class:`Reduction` looks at: an image in a prompt is far larger, a number is not."""


class Reduction:
    """Leaves the large attributes among the sensitive ones out of a span or log record that no message can hold.

    It may be megabytes of tiny fields, so it is read by its wire format, nothing is built, and after :data:`REDUCED_FIELDS` of
    a request items stay as they are. ``dropped`` counts the attributes.
    """

    def __init__(self, layout: Layout, sensitive: Sensitive) -> None:
        self._layout = layout
        self._kinds = sensitive.kinds
        self._left = REDUCED_FIELDS
        self.dropped = 0

    def __call__(self, item: bytes) -> bytes:
        """``item`` without them; as it is, where it cannot be read."""
        try:
            smaller, dropped = self._without(item, self._layout)
        except InvalidPayload:
            return item
        self.dropped += dropped
        return smaller

    def _without(self, message: bytes, layout: Layout) -> tuple[bytes, int]:
        kept: list[bytes] = []
        within = here = before = 0
        for field in wire.fields(message):
            self._left -= 1
            if self._left < 0:
                raise InvalidPayload("more fields than are looked at")
            value = message[field.value_start : field.end]
            if field.wire == wire.VARINT and field.number == layout.dropped:
                before = wire.varint_of(message, field)
            elif field.wire != wire.LENGTH_DELIMITED or len(value) < LARGE_BYTES:
                kept.append(message[field.start : field.end])
            elif field.number in layout.parts:
                value, count = self._without(value, layout.parts[field.number])
                kept += (wire.frame(field.number, len(value)), value)
                within += count
            elif field.number == layout.attributes and kind_of(_key(value)) in self._kinds:
                here += 1
            else:
                kept.append(message[field.start : field.end])
        if before or here:
            kept.append(wire.varint(layout.dropped, min(before + here, MAX_COUNT)))
        return b"".join(kept), within + here


def _key(pair: bytes) -> str:
    """The key of a ``KeyValue``: the last one counts, as it does for protobuf."""
    keys = [field for field in wire.fields(pair) if field.number == 1 and field.wire == wire.LENGTH_DELIMITED]
    return pair[keys[-1].value_start : keys[-1].end].decode("utf-8", "replace") if keys else ""
