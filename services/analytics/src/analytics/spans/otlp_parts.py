"""OTLP's messages of spans in parts: each span, and each of its attributes, as the bytes in which it came. Pure.

On the wire a repeated message and repeated bytes are the same, so protobuf's own parser reads these, too, and makes no objects
of what is inside: equal bytes say the same, which is known already in most cases.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from opentelemetry.proto.trace.v1 import trace_pb2

_PACKAGE = "drishti.spans"
_Field = descriptor_pb2.FieldDescriptorProto
_AS_BYTES = frozenset({"opentelemetry.proto.trace.v1.ScopeSpans.spans", "opentelemetry.proto.trace.v1.Span.attributes"})
_OURS = {".opentelemetry.proto.trace.v1.ScopeSpans": f".{_PACKAGE}.ScopeSpans"}


def _copied(kind: Any) -> descriptor_pb2.DescriptorProto:
    """The description of ``kind``, a message of OTLP, with the fields of :data:`_AS_BYTES` as bytes."""
    copied = descriptor_pb2.DescriptorProto()
    kind.DESCRIPTOR.CopyToProto(copied)
    del copied.nested_type[:], copied.enum_type[:]
    for field in copied.field:
        if f"{kind.DESCRIPTOR.full_name}.{field.name}" in _AS_BYTES:
            field.type = _Field.TYPE_BYTES
            field.ClearField("type_name")
        elif field.type_name in _OURS:
            field.type_name = _OURS[field.type_name]
    return copied


def _defined() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="drishti/spans.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[trace_pb2.DESCRIPTOR.name, *(one.name for one in trace_pb2.DESCRIPTOR.dependencies)],
        message_type=map(_copied, (trace_pb2.ResourceSpans, trace_pb2.ScopeSpans, trace_pb2.Span)),
    )
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return pool


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


_pool = _defined()
ResourceSpans = _message("ResourceSpans")
"""As OTLP's, but ``spans`` of its scopes are bytes, each an OTLP ``Span``."""

Span = _message("Span")
"""As OTLP's, but ``attributes`` are bytes, each an OTLP ``KeyValue``."""
