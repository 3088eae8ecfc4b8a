"""Viewers who have the same frame and can read the same bytes: what comes next is written to all of a group in one short loop.

How this works
--------------
Each viewer of a :class:`Group` is there with the event loop's own ``write`` of its connection, which may be called until the
connection says otherwise (:meth:`drishti.service.http.encoded.EncodedFrames.lend_writer`); then the viewer leaves the group.
So nothing is looked at, and nothing else is touched, before each write: with a thousand viewers the memory that each step
touches costs more than the step. Who was written to moves to the group of those who have the new frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from drishti.service.http.encoded import Write, deflated_text_frame, text_frame
from gateway.dashboard.frames import Packet, Position, SharedFrame
from gateway.dashboard.viewers import Viewer


class Kind(NamedTuple):
    """What viewers of a group have in common: their frame, whether they read compressed ones, and how often they want one."""

    position: Position
    deflates: bool
    every_s: float


class Group:
    """``writes``: the viewers. ``due``: when they want their next frame, by the monotonic clock."""

    __slots__ = ("due", "kind", "writes")

    def __init__(self, kind: Kind, due: float) -> None:
        self.kind = kind
        self.due = due
        self.writes: dict[Viewer, Write] = {}

    def write(self, message: bytes, viewers: list[Viewer], after: Group) -> None:
        """Writes to those of ``viewers`` who are still here; they move to ``after``."""
        leave, moved = self.writes.pop, after.writes
        for viewer in viewers:
            write = leave(viewer, None)
            if write is not None:
                moved[viewer] = write
                write(message)


class Groups:
    """All groups of one feed."""

    def __init__(self) -> None:
        self._groups: dict[Kind, Group] = {}

    def add(self, viewer: Viewer, packet: Packet, write: Write, now: float) -> None:
        """Writes ``packet`` to ``viewer``, which gets every frame after it."""
        group = self._group(Kind(packet.position, viewer.frames.deflates, viewer.every_s), now)
        group.writes[viewer] = write
        if packet.frames:
            write(_message(packet, deflates=group.kind.deflates))

    def remove(self, viewer: Viewer) -> bool:
        """Whether the viewer was in a group; then its ``position`` is that of the last frame that was written to it."""
        for group in self._groups.values():
            if group.writes.pop(viewer, None) is not None:
                viewer.position = group.kind.position
                return True
        return False

    def due(self, now: float) -> list[Group]:
        """Those who want a frame, if there is one. Not while a packet is being written."""
        self._groups = {kind: group for kind, group in self._groups.items() if group.writes}
        return [group for group in self._groups.values() if group.due <= now]

    def write(self, group: Group, packet: Packet, now: float, at_once: int) -> Iterator[None]:
        """Writes ``packet`` to a group, ``at_once`` viewers between two steps; meanwhile viewers may come and go."""
        if not packet.frames:
            group.due = _next_due(group.kind, now)
            return
        message = _message(packet, deflates=group.kind.deflates)
        after = self._group(group.kind._replace(position=packet.position), now)
        viewers = list(group.writes)
        for start in range(0, len(viewers), at_once):
            group.write(message, viewers[start : start + at_once], after)
            yield

    def _group(self, kind: Kind, now: float) -> Group:
        group = self._groups.get(kind)
        if group is None:
            group = self._groups[kind] = Group(kind, _next_due(kind, now))
        return group


def _next_due(kind: Kind, now: float) -> float:
    # Whole multiples: viewers of the same rate have the same frames, and what is merged for one serves all.
    return (now // kind.every_s + 1) * kind.every_s if kind.every_s else 0.0


def _message(packet: Packet, *, deflates: bool) -> bytes:
    messages = [_encoded(frame, deflates=deflates) for frame in packet.frames]
    return messages[0] if len(messages) == 1 else b"".join(messages)


def _encoded(frame: SharedFrame, *, deflates: bool) -> bytes:
    message = frame.messages.get(deflates)
    if message is None:
        message = deflated_text_frame(frame.text) if deflates else text_frame(frame.text)
        frame.messages[deflates] = message
    return message
