"""HTTP/2's frames and header blocks, as bytes (RFC 9113, RFC 7541). Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER_BYTES = 9
"""What stands before each frame's payload."""

MAX_WINDOW = 2**31 - 1
DEFAULT_WINDOW = 65_535
LEAST_MAX_FRAME = 16_384

END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY_FIELDS = 0x1, 0x1, 0x4, 0x8, 0x20


class Kind(enum.IntEnum):
    """Types of frames; others are ignored."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Setting(enum.IntEnum):
    """Settings that matter here."""

    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6


class Code(enum.IntEnum):
    """Why a stream or a connection ends."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    FLOW_CONTROL_ERROR = 3
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11


class Http2Error(Exception):
    """What the client sent ends the connection."""

    def __init__(self, code: Code, reason: str) -> None:
        self.code = code
        super().__init__(reason)


def frame(kind: int, stream: int, payload: bytes = b"", flags: int = 0) -> bytes:
    return b"".join((len(payload).to_bytes(3, "big"), bytes((kind, flags)), stream.to_bytes(4, "big"), payload))


def settings(values: Iterable[tuple[int, int]]) -> bytes:
    return frame(Kind.SETTINGS, 0, b"".join(name.to_bytes(2, "big") + value.to_bytes(4, "big") for name, value in values))


def window_update(stream: int, count: int) -> bytes:
    return frame(Kind.WINDOW_UPDATE, stream, count.to_bytes(4, "big"))


def reset(stream: int, code: Code) -> bytes:
    return frame(Kind.RST_STREAM, stream, code.to_bytes(4, "big"))


def goaway(last: int, code: Code, reason: str = "") -> bytes:
    return frame(Kind.GOAWAY, 0, last.to_bytes(4, "big") + code.to_bytes(4, "big") + reason.encode())


def header_block(status: int | None, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A block that changes no table of the client: ``:status``, where one is given, then ``fields``."""
    parts = [] if status is None else [b"\x88" if status == 200 else b"\x08" + _text(str(status).encode())]
    parts += (b"\x00" + _text(name) + _text(value) for name, value in fields)
    return b"".join(parts)


def _text(value: bytes) -> bytes:
    """A literal of HPACK: its length, in 7 bits and as many more as needed, and its bytes."""
    size = len(value)
    if size < 127:
        return bytes((size,)) + value
    size -= 127
    encoded = bytearray(b"\x7f")
    while size > 127:
        encoded.append(size & 127 | 128)
        size >>= 7
    encoded.append(size)
    return bytes(encoded) + value


def answer(stream: int, headers: bytes, body: bytes, trailers: bytes) -> bytes:
    """A whole answer: two header blocks, and a body between them."""
    data = (frame(Kind.DATA, stream, body[at : at + LEAST_MAX_FRAME]) for at in range(0, len(body), LEAST_MAX_FRAME))
    first = frame(Kind.HEADERS, stream, headers, END_HEADERS)
    return b"".join((first, *data, frame(Kind.HEADERS, stream, trailers, END_HEADERS | END_STREAM)))


def expect(right_stream: bool, right_size: bool) -> None:
    """Raises :class:`Http2Error` where a frame is of a stream that it cannot be of, or has a size that it cannot have."""
    if not right_stream:
        raise Http2Error(Code.PROTOCOL_ERROR, "a frame of a stream that it cannot be of")
    if not right_size:
        raise Http2Error(Code.FRAME_SIZE_ERROR, "a frame of a size that it cannot have")


_PSEUDO = frozenset({b":method", b":path", b":scheme", b":authority"})
_NEEDED = frozenset({b":method", b":path", b":scheme"})


def is_request(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether ``headers`` are a request's: the pseudo headers once each and before the others, names in lower case."""
    seen: set[bytes] = set()
    for place, (name, _) in enumerate(headers):
        if name[:1] == b":":
            if place != len(seen) or name not in _PSEUDO or name in seen:
                return False
            seen.add(name)
        elif not name or name != name.lower() or name == b"connection":
            return False
    return seen >= _NEEDED


def unpadded(payload: bytes, flags: int) -> bytes:
    """The payload of DATA or HEADERS without its padding."""
    if not flags & PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise Http2Error(Code.PROTOCOL_ERROR, "the padding is longer than the frame")
    return payload[1 : len(payload) - payload[0]]


def block_of(payload: bytes, flags: int) -> bytes:
    """The part of a header block that a HEADERS frame holds."""
    payload = unpadded(payload, flags)
    if not flags & PRIORITY_FIELDS:
        return payload
    if len(payload) < 5:
        raise Http2Error(Code.FRAME_SIZE_ERROR, "HEADERS is too short for its priority")
    return payload[5:]
