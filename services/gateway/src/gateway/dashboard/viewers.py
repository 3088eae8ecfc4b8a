"""One viewer of a dashboard: its WebSocket, what it asked for, and the frame that it has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from drishti.service.http.encoded import EncodedFrames, deflated_text_frame, text_frame
from gateway.dashboard.frames import Packet, SharedFrame
from gateway.dashboard.parameters import Parameters

Close = tuple[int, str]
"""Code and reason with which a WebSocket is closed."""


class Viewer:
    """One open WebSocket. ``position``: the frame that it has; ``behind`` is set while it misses some.

    ``refusal`` says why whoever asked for it would not be let in any more, or ``None``.
    """

    __slots__ = ("behind", "closed", "due", "every_s", "frames", "position", "refusal")

    def __init__(self, frames: EncodedFrames, asked: Parameters, refusal: Callable[[], Close | None]) -> None:
        self.frames = frames
        self.every_s = asked.every_s
        self.position = asked.since
        self.refusal = refusal
        self.due = 0.0
        self.behind = asyncio.Event()
        self.behind.set()
        self.closed: asyncio.Future[Close] = asyncio.get_running_loop().create_future()

    def end(self, close: Close) -> None:
        """No further frames; whoever holds the socket closes it."""
        if not self.closed.done():
            self.closed.set_result(close)

    def write(self, packet: Packet, now: float) -> bool:
        """Writes all of it, or ``False`` where the viewer cannot take it now: then nothing was written."""
        if packet.frames:
            deflated = self.frames.deflates
            messages = [_message(frame, deflated=deflated) for frame in packet.frames]
            if not self.frames.write_encoded(messages[0] if len(messages) == 1 else b"".join(messages)):
                return False
        self.position = packet.position
        if self.every_s:
            # Whole multiples: viewers of the same rate have the same frames, and what is merged for one serves all.
            self.due = (now // self.every_s + 1) * self.every_s
        return True


def _message(frame: SharedFrame, *, deflated: bool) -> bytes:
    message = frame.messages.get(deflated)
    if message is None:
        message = deflated_text_frame(frame.text) if deflated else text_frame(frame.text)
        frame.messages[deflated] = message
    return message
