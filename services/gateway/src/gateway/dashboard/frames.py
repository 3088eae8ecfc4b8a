"""The newest frames of one dashboard, and what of them a viewer still needs. Pure.

How this works
--------------
A :class:`FrameLog` keeps the frames of the last seconds, in order and without a gap. Who has one of them gets what came after
it: one frame, or several merged into one (:func:`merged`). Who has none of them gets a snapshot and what came after that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

KEPT = 100
"""Frames that are kept: those of ten seconds at the highest rate, as dashboard-stream keeps them."""

KEPT_BYTES = 1024 * 1024
"""What they may have together. A frame that has more by itself is kept until the next one comes."""


class Position(NamedTuple):
    """The frame that a viewer has: ``seq`` of the run ``epoch`` of dashboard-stream."""

    epoch: str
    seq: int


class _Head(Struct):
    type: str
    epoch: str
    seq: int


class _Point(Struct, array_like=True):
    at: int
    value: Raw


class _Event(Struct):
    key: str = ""


class _Changes(Struct):
    series: dict[str, list[_Point]]
    events: list[Raw]
    funnels: dict[str, Raw] = {}


class _Update(Struct):
    data: _Changes


_head = msgspec.json.Decoder(_Head)
_update = msgspec.json.Decoder(_Update)
_event = msgspec.json.Decoder(_Event)
_members = msgspec.json.Decoder(dict[str, Raw])


class SharedFrame:
    """One frame as it is written to every viewer. ``snapshot``: whether it replaces all that came before; ``messages``: it as a
    WebSocket message, by whether it is compressed, kept by who made that.

    Raises :class:`msgspec.MsgspecError` where ``text`` is no frame.
    """

    __slots__ = ("messages", "position", "snapshot", "text")

    def __init__(self, text: bytes) -> None:
        head = _head.decode(text)
        self.text = text
        self.position = Position(head.epoch, head.seq)
        self.snapshot = head.type == "snapshot"
        self.messages: dict[bool, bytes] = {}


class Packet(NamedTuple):
    """What a viewer needs to be at ``position``: nothing, a frame, or a snapshot and a frame."""

    position: Position
    frames: tuple[SharedFrame, ...]


class FrameLog:
    """The newest frames of one upstream connection, in order and without a gap, and a snapshot for newcomers."""

    def __init__(self) -> None:
        self._frames: deque[SharedFrame] = deque()
        self._bytes = 0
        self._base = Position("", 0)
        self._snapshot: SharedFrame | None = None
        self._packets: dict[Position | None, Packet | None] = {}

    def append(self, frame: SharedFrame) -> None:
        """The next frame of the connection: a snapshot, or what changed since the frame before."""
        self._packets.clear()
        if frame.snapshot:
            self._frames.clear()
            self._bytes = 0
            self._base = frame.position
            self._snapshot = frame
            return
        self._frames.append(frame)
        self._bytes += len(frame.text)
        while len(self._frames) > KEPT or (self._bytes > KEPT_BYTES and len(self._frames) > 1):
            oldest = self._frames.popleft()
            self._bytes -= len(oldest.text)
            self._base = oldest.position
        if self._snapshot is not None and not self._goes_on_from(self._snapshot.position):
            self._snapshot = None

    def insert_snapshot(self, snapshot: SharedFrame) -> None:
        """Has newcomers begin with ``snapshot``, which came beside the frames, where those here go on from it."""
        if self._goes_on_from(snapshot.position):
            self._packets.clear()
            self._snapshot = snapshot

    def packet(self, position: Position | None) -> Packet | None:
        """What a viewer at ``position`` (``None``: a newcomer) needs to be up to date; ``None`` where that is not here."""
        if position not in self._packets:
            self._packets[position] = self._packet(position)
        return self._packets[position]

    def _packet(self, position: Position | None) -> Packet | None:
        if position is not None and self._goes_on_from(position) and position.seq <= self._newest():
            later = self._later(position)
            return Packet(later[-1].position if later else position, later)
        snapshot = self._snapshot
        if snapshot is None:
            return None
        later = self._later(snapshot.position)
        return Packet(later[-1].position if later else snapshot.position, (snapshot, *later))

    def _newest(self) -> int:
        """The newest ``seq`` that came, as a frame or as a snapshot beside the frames."""
        newest = self._frames[-1].position if self._frames else self._base
        return max(newest.seq, self._snapshot.position.seq if self._snapshot is not None else 0)

    def _goes_on_from(self, position: Position) -> bool:
        return position.epoch == self._base.epoch and position.seq >= self._base.seq

    def _later(self, position: Position) -> tuple[SharedFrame, ...]:
        """Everything after ``position`` as one frame, or none."""
        later = [frame for frame in self._frames if frame.position.seq > position.seq]
        return (merged(later),) if later else ()


def merged(updates: Sequence[SharedFrame]) -> SharedFrame:
    """One update for several that follow each other: the points of all, by their times the newest; the events of all, by their
    keys the newest; the results of funnels of all, by their names the newest; everything else is that of the last one."""
    if len(updates) == 1:
        return updates[0]
    series: dict[str, dict[int, _Point]] = {}
    events: dict[str, Raw] = {}
    funnels: dict[str, Raw] = {}
    for update in updates:
        changes = _update.decode(update.text).data
        for name, points in changes.series.items():
            series.setdefault(name, {}).update((point.at, point) for point in points)
        funnels |= changes.funnels
        for event in changes.events:
            key = _event.decode(event).key
            events.pop(key, None)
            events[key] = event
    frame = _members.decode(updates[-1].text)
    data = _members.decode(frame["data"])
    lines = {name: [points[at] for at in sorted(points)] for name, points in series.items()}
    data |= {"series": Raw(msgspec.json.encode(lines)), "events": Raw(msgspec.json.encode(list(events.values())))}
    if funnels:
        data["funnels"] = Raw(msgspec.json.encode(funnels))
    frame["data"] = Raw(msgspec.json.encode(data))
    return SharedFrame(msgspec.json.encode(frame))
