"""The newest frames of one dashboard, and what of them a viewer still needs. Pure."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import msgspec
from msgspec import Struct

CATCH_UP = 10
"""Frames that are kept: those of the last second. Who misses more gets one frame for all of it."""

NEWCOMERS = 2
"""After so many further frames newcomers get another snapshot: frames come at least every two seconds, and mostly faster."""

Position = tuple[str, int]
"""``epoch`` and ``seq`` of the frame that a viewer has."""


class _Head(Struct):
    type: str
    epoch: str
    seq: int


_decoder = msgspec.json.Decoder(_Head)


class SharedFrame(NamedTuple):
    """One frame as it is written to every viewer (``encoded``); ``snapshot``: whether it replaces all that came before."""

    position: Position
    snapshot: bool
    encoded: bytes


def shared_frame(text: str | bytes, encoded: bytes) -> SharedFrame:
    """The frame with this JSON. Raises :class:`msgspec.MsgspecError` where that is no frame."""
    head = _decoder.decode(text)
    return SharedFrame((head.epoch, head.seq), head.type == "snapshot", encoded)


class FrameLog:
    """The newest frames of one upstream connection, in order and without a gap, and a snapshot for newcomers."""

    def __init__(self) -> None:
        self._frames: deque[SharedFrame] = deque()
        self._base: Position = ("", 0)
        self._snapshot: SharedFrame | None = None

    def append(self, frame: SharedFrame) -> None:
        """The next frame of the connection: a snapshot, or what changed since the frame before."""
        if frame.snapshot:
            self._frames.clear()
            self._base = frame.position
            self._snapshot = frame
            return
        self._frames.append(frame)
        if len(self._frames) > CATCH_UP:
            self._base = self._frames.popleft().position
        if self._snapshot is not None and len(self._later(self._snapshot.position)) > NEWCOMERS:
            self._snapshot = None

    def insert_snapshot(self, snapshot: SharedFrame) -> None:
        """Has newcomers begin with ``snapshot``, which was fetched by itself, where the frames here go on from it."""
        if self._goes_on_from(snapshot.position):
            self._snapshot = snapshot

    def since(self, position: Position | None) -> list[SharedFrame] | None:
        """What a viewer at ``position`` (``None``: a newcomer) needs to be up to date; ``None`` where that is not here."""
        if position is not None and self._goes_on_from(position):
            return self._later(position)
        if self._snapshot is not None and (position is None or position[0] != self._base[0]):
            return [self._snapshot, *self._later(self._snapshot.position)]
        return None

    def packet(self, position: Position | None) -> SharedFrame | None:
        """The same as :meth:`since` in one piece, at the position of its last frame; empty where nothing is missed."""
        frames = self.since(position)
        if frames is None:
            return None
        if not frames:
            return SharedFrame(position or self._base, False, b"")
        if len(frames) == 1:
            return frames[0]
        return SharedFrame(frames[-1].position, frames[0].snapshot, b"".join(frame.encoded for frame in frames))

    def is_of(self, frame: SharedFrame) -> bool:
        """Whether ``frame`` is of the run of dashboard-stream whose frames are here."""
        return frame.position[0] == self._base[0]

    def _goes_on_from(self, position: Position) -> bool:
        return position[0] == self._base[0] and position[1] >= self._base[1]

    def _later(self, position: Position) -> list[SharedFrame]:
        return [frame for frame in self._frames if frame.position[1] > position[1]]
