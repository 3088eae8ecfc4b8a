"""What the server of gRPC asks of whoever answers its calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from gateway.asgi import Headers


class Call(Protocol):
    """A call that was admitted by its headers. ``most_bytes``: how large its message may be."""

    most_bytes: int

    def hold(self, count: int) -> None:
        """``count`` bytes have come so far; raises :class:`gateway.errors.Refused` where there is no room for them."""

    async def answer(self, message: bytes, coding: bytes) -> bytes:
        """The answer to ``message``, which came in ``coding``, if any; raises :class:`gateway.errors.Refused`."""

    def end(self, status: int) -> None:
        """The call is over, with this status in HTTP's numbers. Once, whatever happened."""


Open = Callable[[Headers, Iterable[tuple[bytes, bytes]]], Call]
"""Begins a call by its headers (names → values, and all of them in order); raises :class:`gateway.errors.Refused`."""
