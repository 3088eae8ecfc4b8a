"""One viewer of a dashboard: its WebSocket, what it asked for, and the frame that it has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from drishti.service.http.encoded import EncodedFrames
from gateway.dashboard.parameters import Parameters

Close = tuple[int, str]
"""Code and reason with which a WebSocket is closed."""


class Viewer:
    """One open WebSocket. ``position``: the frame that it has, up to date while ``behind`` is set: it misses some, and is in no
    group (:mod:`gateway.dashboard.groups`).

    ``refusal`` says why whoever asked for it would not be let in any more, or ``None``.
    """

    __slots__ = ("behind", "closed", "every_s", "frames", "position", "refusal")

    def __init__(self, frames: EncodedFrames, asked: Parameters, refusal: Callable[[], Close | None]) -> None:
        self.frames = frames
        self.every_s = asked.every_s
        self.position = asked.since
        self.refusal = refusal
        self.behind = asyncio.Event()
        self.behind.set()
        self.closed: asyncio.Future[Close] = asyncio.get_running_loop().create_future()

    def end(self, close: Close) -> None:
        """No further frames; whoever holds the socket closes it."""
        if not self.closed.done():
            self.closed.set_result(close)
