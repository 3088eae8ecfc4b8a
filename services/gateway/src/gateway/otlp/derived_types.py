"""Message types made from the official ones by changing their fields, to have the same bytes read in another way. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

Change = Callable[[DescriptorProto], None]
"""Changes the definition of one message, without those that are nested in it."""


def derived(kind: Any, change: Change) -> Any:
    """The type ``kind`` with every message that it uses changed. Making it takes milliseconds: keep it."""
    pool = DescriptorPool()
    _add(pool, kind.DESCRIPTOR.file, change, set())
    return GetMessageClass(pool.FindMessageTypeByName(kind.DESCRIPTOR.full_name))


def _add(pool: DescriptorPool, file: Any, change: Change, added: set[str]) -> None:
    if file.name in added:
        return
    added.add(file.name)
    for dependency in file.dependencies:
        _add(pool, dependency, change, added)
    proto = FileDescriptorProto()
    file.CopyToProto(proto)
    for message in proto.message_type:
        _change(message, change)
    pool.AddSerializedFile(proto.SerializeToString())


def _change(message: DescriptorProto, change: Change) -> None:
    change(message)
    for nested in message.nested_type:
        _change(nested, change)
