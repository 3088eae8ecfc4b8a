"""The state of one request on an HTTP/2 connection."""

from __future__ import annotations

from gateway.grpc.calls import Call


class Stream:
    """One request. ``received``: its body so far; ``ended``: all of it has come; ``answer``: what waits for the windows."""

    __slots__ = ("answer", "answering", "call", "coding", "ended", "received", "since", "unacknowledged", "window")

    def __init__(self, call: Call, coding: bytes, now: float, window: int) -> None:
        self.call = call
        self.coding = coding
        self.since = now
        self.received = bytearray()
        self.unacknowledged = 0
        self.window = window
        self.ended = self.answering = False
        self.answer = b""
