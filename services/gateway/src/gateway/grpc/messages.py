"""gRPC upon HTTP/2: the frame around a message, and the headers and trailers of an answer. Pure."""

from __future__ import annotations

import base64
import math
from typing import NamedTuple

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # generated, shipped without type information
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # the same

from gateway.errors import Refused

CONTENT_TYPE = b"application/grpc"
_CONTENT_TYPES = frozenset({CONTENT_TYPE, b"application/grpc+proto"})
IDENTITY = b"identity"
CODINGS = frozenset({IDENTITY, b"gzip", b"deflate"})
PREFIX_BYTES = 5
"""Before a message: whether it is compressed, and its length."""

MESSAGE_LENGTH = 1000
"""Characters of an error's text: trailers must fit into what any client takes."""

_CODES = {400: 3, 401: 16, 403: 7, 404: 12, 408: 4, 413: 8, 415: 12, 422: 3, 429: 8, 500: 13, 503: 14}
"""HTTP status of a refusal → gRPC's code. What is too large is ``RESOURCE_EXHAUSTED`` as everywhere in gRPC; without
``RetryInfo`` it is not to be sent again, says OTLP."""

HEADERS = ((b"content-type", CONTENT_TYPE), (b"grpc-accept-encoding", b"identity, deflate, gzip"))
"""What every answer begins with."""

OK = ((b"grpc-status", b"0"),)


def is_protobuf(content_type: bytes) -> bool:
    """Whether it is gRPC's with messages of protobuf: ``application/grpc+json`` and ``application/grpc-web`` are not."""
    return content_type.partition(b";")[0].strip().lower() in _CONTENT_TYPES


class Prefix(NamedTuple):
    """What stands before a message."""

    compressed: bool
    length: int


def prefix_of(received: bytes | bytearray) -> Prefix:
    """Raises :class:`Refused` where these are not the first bytes of a message."""
    if received[0] > 1:
        raise Refused(400, "the body is no gRPC message: it must begin with 0 or 1, and four bytes of length")
    return Prefix(bool(received[0]), int.from_bytes(received[1:PREFIX_BYTES], "big"))


def framed(message: bytes) -> bytes:
    """An uncompressed message with what stands before it."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def refusal(refused: Refused) -> tuple[tuple[bytes, bytes], ...]:
    """The headers of an answer to a call that was refused. Where it may be sent again they say when, as ``RetryInfo``."""
    code = _CODES.get(refused.status, 2)
    text = refused.message[:MESSAGE_LENGTH]
    status = [*HEADERS, (b"grpc-status", str(code).encode()), (b"grpc-message", _percent_encoded(text))]
    if refused.retry_after_s is not None:
        retry = RetryInfo(retry_delay=Duration(seconds=max(1, math.ceil(refused.retry_after_s))))
        detail = Any()
        detail.Pack(retry)
        whole = Status(code=code, message=text, details=[detail]).SerializeToString()
        status.append((b"grpc-status-details-bin", base64.b64encode(whole).rstrip(b"=")))
    return tuple(status)


def _percent_encoded(text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    return b"".join(bytes((c,)) if 0x20 <= c <= 0x7E and c != 0x25 else b"%%%02X" % c for c in data)
