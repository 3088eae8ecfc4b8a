"""Whether a message has fields that the official types do not know. Pure.

How this works
--------------
Looking into every message of a request takes several times as long as to parse it. So the bytes are parsed by types in which
nothing is repeated and nothing excludes anything else: protobuf merges messages that come several times where one is expected,
unknown fields included. What is left has a few messages, and is smaller without the unknown fields where there are any.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto

from gateway.otlp.derived_types import derived


def has_unknown_fields(payload: bytes, kind: Any) -> bool:
    """Whether ``payload``, a message of the type ``kind``, has any, at whatever depth.

    Raises ``DecodeError`` where it is none.
    """
    message = _merged(kind).FromString(payload)
    size = message.ByteSize()
    message.DiscardUnknownFields()
    return bool(message.ByteSize() != size)


@cache
def _merged(kind: Any) -> Any:
    return derived(kind, _merge)


def _merge(message: DescriptorProto) -> None:
    for field in message.field:
        if field.type == FieldDescriptorProto.TYPE_MESSAGE:
            field.label = FieldDescriptorProto.LABEL_OPTIONAL
        field.ClearField("oneof_index")
        field.ClearField("proto3_optional")
    del message.oneof_decl[:]
