"""What a run does after its disk was full: programs that stopped working are started again as soon as there is room. Pure.

NATS goes on running at the end of its disk, and stores nothing more until it is restarted. PostgreSQL ends, and supervisord
waits longer and longer before it tries again. So both are started anew once, when there is room.
"""

from __future__ import annotations

WALL = 4 << 20
"""With less free, some write has failed or is about to."""

_NO_SPACE = ("no space left on device", "Critical write error", "could not extend file", "No space left on device")


class Recovery:
    """``room``: bytes that must be free before anything is started again."""

    def __init__(self, room: int) -> None:
        self._room = room
        self.needed = False

    def heard(self, line: str) -> None:
        """A line of the log of NATS or PostgreSQL."""
        self.needed = self.needed or any(words in line for words in _NO_SPACE)

    def due(self, free: int) -> bool:
        """Whether the programs are to be started again now; says so once for each time the disk was full."""
        self.needed = self.needed or free < WALL
        if not self.needed or free < self._room:
            return False
        self.needed = False
        return True
