"""How dashboard-stream tells the gateway that one connection may serve many viewers. Pure.

A WebSocket whose handshake is answered with :data:`HEADER` carries the same frames to everybody who asks for the same address,
as the same tenant, from the same page. The gateway then keeps one such connection for all of them and follows the limits that
the header names. For viewers who come later it sends :data:`ASK_SNAPSHOT`, which is answered by a snapshot in a binary message,
so that it is known from the frames for everybody.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

HEADER = "X-Drishti-Shared-Frames"
ASK_SNAPSHOT = '{"type":"snapshot"}'


class SharingTerms(Struct, frozen=True, kw_only=True):
    """``slow_s``: how long a viewer may read nothing before it is closed; ``max_clients``: viewers at one gateway."""

    slow_s: float
    max_clients: int


_decoder = msgspec.json.Decoder(SharingTerms)


def encode_terms(terms: SharingTerms) -> str:
    """The value of the header."""
    return msgspec.json.encode(terms).decode()


def decode_terms(value: str | None) -> SharingTerms | None:
    """The terms; ``None`` where the header is missing or says nothing that this version understands: then nothing is shared."""
    if value is None:
        return None
    try:
        return _decoder.decode(value)
    except msgspec.MsgspecError:
        return None
