"""Frames that are encoded once and written to many WebSockets.

A server's frames carry no mask, and this server compresses none (``ws_per_message_deflate`` is off), so the bytes of a frame
are the same for every client. An application finds an :class:`EncodedFrames` in its scope's ``extensions`` under
:data:`EXTENSION` and writes such bytes to the transport, past ASGI's messages and the state that the WebSocket library keeps of
each connection.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from websockets.frames import Frame, Opcode

EXTENSION = "drishti.websocket.encoded"


class EncodedFrames(Protocol):
    """One accepted WebSocket. ``writable`` is set while there is room, and for good once the client is gone."""

    writable: asyncio.Event

    @property
    def gone(self) -> bool:
        """Whether nothing can be written any more."""

    def write_encoded(self, frame: bytes) -> bool:
        """Writes a whole frame; ``False`` where there is no room, or nobody, for it: then nothing was written."""


def text_frame(text: bytes) -> bytes:
    """One WebSocket message of ``text``, which is UTF-8, as a server sends it without compression."""
    return Frame(Opcode.TEXT, text).serialize(mask=False, extensions=[])
