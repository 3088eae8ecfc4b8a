"""What the official types do not know is noticed at any depth, and nothing else is taken for it."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from gateway.otlp import wire
from gateway.otlp.unknown_fields import has_unknown_fields


def framed(number: int, value: bytes) -> bytes:
    return wire.frame(number, len(value)) + value


numbers = st.integers(1, 16)
leaves = st.one_of(
    st.builds(wire.varint, numbers, st.integers(0, 300)),
    st.builds(framed, numbers, st.binary(max_size=4)),
    st.builds(lambda number: bytes([number << 3 & 0x7F | 1, *range(8)]), st.integers(1, 15)),
    st.sampled_from([b"st", b"s\x12\x01xt", b"ST", b"\x0a\x05token", b"\x0a\x07service"]),
)
messages = st.recursive(
    st.lists(leaves, max_size=3).map(b"".join),
    lambda inner: st.lists(st.builds(framed, st.sampled_from([1, 2, 2, 3, 5, 6, 7, 9, 11]), inner) | leaves, max_size=3).map(
        b"".join
    ),
    max_leaves=12,
)
KINDS = (ResourceSpans, ResourceLogs, ResourceMetrics)


@given(st.sampled_from(KINDS), messages)
def test_the_answer_is_that_of_looking_into_every_message(kind: Any, payload: bytes) -> None:
    try:
        message = kind.FromString(payload)
    except DecodeError:
        with pytest.raises(DecodeError):
            has_unknown_fields(payload, kind)
        return
    found = has_unknown_fields(payload, kind)
    if found != holds(message):  # a later one of several alternatives, of which a message keeps one, has pushed it out
        assert found
        assert message.ByteSize() < len(payload)


def holds(message: Any) -> bool:
    if len(UnknownFieldSet(message)):
        return True
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE and any(map(holds, value if field.is_repeated else (value,))):
            return True
    return False
