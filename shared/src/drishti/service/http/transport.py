"""The transport of a connection within limits: the event loop's own, and a watch over what the client takes in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

LEAST_BYTES_PER_S = 8_000
"""What a client must take in of its answer while something waits for it; who takes less holds the memory of the answer."""


class WatchedTransport(asyncio.Transport):
    """``transport``, with ``close`` passed to ``on_close``, which may first let the client finish what it is sending."""

    __slots__ = ("_mark", "_on_close", "_on_return", "_since", "_transport", "closing", "written")

    def __init__(self, transport: asyncio.Transport, on_close: Callable[[], None]) -> None:
        super().__init__()
        self._transport = transport
        self._on_close = on_close
        self._on_return: Callable[[], None] | None = None
        self.closing = False
        self._since: float | None = None
        self._mark = 0
        self.written = 0

    def unread_too_long(self, now: float, limit_s: float) -> bool:
        """Whether for ``limit_s`` something has waited for this client and it took in less than it must. To be asked often.

        ``False`` while the transport is lent: then less waits than the buffer's limit, and pings find who reads nothing.
        """
        if self._on_return is not None:
            return False
        waiting = self._transport.get_write_buffer_size()
        taken = self.written - waiting
        if not waiting or self._since is None or taken - self._mark >= LEAST_BYTES_PER_S * limit_s:
            self._since = now if waiting else None
            self._mark = taken
            return False
        return now - self._since > limit_s

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.written += len(data)
        self._transport.write(data)

    def lend(self, on_return: Callable[[], None]) -> Callable[[bytes], None]:
        """The event loop's own ``write``, past this object; not to be called any more once ``on_return`` was."""
        self._on_return = on_return
        return self._transport.write

    def take_back(self) -> None:
        """Ends :meth:`lend`, where that is not over."""
        on_return, self._on_return = self._on_return, None
        if on_return is not None:
            self._since = None
            on_return()

    def close(self) -> None:
        self.take_back()
        if not self.closing:
            self.closing = True
            self._on_close()

    def close_now(self) -> None:
        """Closes once what was written is sent, and reads nothing more."""
        self.take_back()
        self.closing = True
        self._transport.close()

    def abort(self) -> None:
        self.take_back()
        self.closing = True
        self._transport.abort()

    def is_closing(self) -> bool:
        return self.closing or self._transport.is_closing()

    def end_writing(self) -> None:
        """Tells the client that nothing more will come, once what was written is sent."""
        self.take_back()
        if not self._transport.is_closing() and self._transport.can_write_eof():
            self._transport.write_eof()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._transport.set_write_buffer_limits(high, low)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def is_reading(self) -> bool:
        return self._transport.is_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._transport.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._transport.get_protocol()
