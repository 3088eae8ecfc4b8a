"""Frames that are encoded once and written to many WebSockets.

A server's frames carry no mask, and those that are compressed are compressed each by itself (``server_no_context_takeover``).
So the bytes of a frame are the same for every client that negotiated the same. An application finds an :class:`EncodedFrames`
in its scope's ``extensions`` under :data:`EXTENSION` and writes such bytes to the transport, past ASGI's messages and the state
that the WebSocket library keeps of each connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode

Write = Callable[[bytes], None]

EXTENSION = "drishti.websocket.encoded"

LEVEL = 3
"""Of compression: half the time of the default, and a few percent more bytes (``docs/dashboards.md``)."""

_SETTINGS = {"level": LEVEL}

NEGOTIATED = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True, client_no_context_takeover=True, compress_settings=_SETTINGS
)
"""What a server offers: no connection keeps a dictionary, 300 kB of memory each, and each message can be read by itself."""

_deflate = PerMessageDeflate(True, True, 15, 15, _SETTINGS)


class EncodedFrames(Protocol):
    """One accepted WebSocket. ``writable`` is set while there is room, and for good once the client is gone."""

    writable: asyncio.Event

    @property
    def gone(self) -> bool:
        """Whether nothing can be written any more."""

    @property
    def deflates(self) -> bool:
        """Whether the client takes frames of :func:`deflated_text_frame`, as it takes others."""

    def lend_writer(self, on_return: Callable[[], None]) -> Write | None:
        """What writes whole frames to the client, ``None`` where there is no room, or nobody, for them now.

        It may be called until ``on_return`` is: when the buffer is full, the client is gone, or with :meth:`end_writer`. So
        nothing needs to be looked at before each write. One writer is lent at a time.
        """

    def end_writer(self) -> None:
        """Ends what :meth:`lend_writer` began, where that is not over."""


def text_frame(text: bytes) -> bytes:
    """One WebSocket message of ``text``, which is UTF-8, as a server sends it without compression."""
    return Frame(Opcode.TEXT, text).serialize(mask=False, extensions=[])


def deflated_text_frame(text: bytes) -> bytes:
    """The same, compressed by itself."""
    return Frame(Opcode.TEXT, text).serialize(mask=False, extensions=[_deflate])
