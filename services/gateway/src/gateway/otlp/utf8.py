"""Texts in OTLP that are not UTF-8, which some exporters send: mended, so that one attribute costs no batch of spans. Pure.

Protobuf refuses a whole message for one such text. The same bytes are read here by types in which texts are bytes, made once
from the official ones; what is not UTF-8 becomes ``?``, byte for byte, so that no message grows.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto
from google.protobuf.message import DecodeError

from gateway.otlp.derived_types import derived

_NOT_UTF8 = re.compile("[\udc80-\udcff]")


def mended(kind: Any, payload: bytes) -> bytes:
    """``payload``, a message of type ``kind``, with every text in UTF-8. Raises ``DecodeError`` where it is no such message."""
    message = _with_bytes(kind).FromString(payload)
    _mend(message, kind.DESCRIPTOR)
    return bytes(message.SerializeToString())


def is_message(kind: Any, payload: bytes) -> bool:
    """Whether ``payload`` is a message of type ``kind``, whatever its texts hold."""
    try:
        _with_bytes(kind).FromString(payload)
    except DecodeError:
        return False
    return True


@cache
def _with_bytes(kind: Any) -> Any:
    return derived(kind, _change)


def _change(message: DescriptorProto) -> None:
    for field in message.field:
        if field.type == FieldDescriptorProto.TYPE_STRING:
            field.type = FieldDescriptorProto.TYPE_BYTES


def _mend(message: Any, official: Any) -> None:
    for field, value in message.ListFields():
        known = official.fields_by_name[field.name]
        if known.type == FieldDescriptor.TYPE_MESSAGE:
            for part in value if field.is_repeated else (value,):
                _mend(part, known.message_type)
        elif known.type == FieldDescriptor.TYPE_STRING:
            if field.is_repeated:
                value[:] = [_text(part) for part in value]
            else:
                setattr(message, field.name, _text(value))


def _text(value: bytes) -> bytes:
    return _NOT_UTF8.sub("?", value.decode("utf-8", "surrogateescape")).encode()
