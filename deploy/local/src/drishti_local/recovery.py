"""What a run does after its disk was full: programs that stopped working are started again as soon as there is room. Pure.

NATS goes on running at the end of its disk, and stores nothing more until it is restarted. PostgreSQL ends, and supervisord
waits longer and longer before it tries again. So both are started anew once, when there is room.
"""

from __future__ import annotations

WALL = 4 << 20
"""With less free, some write has failed or is about to."""

AT_MOST_EVERY_S = 15.0
"""Where the disk seems to have room and refuses writes all the same (a quota), starting them anew helps no sooner."""

_NO_SPACE = ("no space left on device", "quota exceeded", "critical write error", "could not extend file")


class Recovery:
    """``room``: bytes that must be free before anything is started again."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._last = float("-inf")
        self.needed = False

    def heard(self, line: str) -> None:
        """A line of the log of NATS or PostgreSQL."""
        self.needed = self.needed or any(words in line.lower() for words in _NO_SPACE)

    def due(self, free: int, now: float) -> bool:
        """Whether the programs are to be started again now (seconds); says so once for each time the disk was full."""
        self.needed = self.needed or free < WALL
        if not self.needed or free < self._room or now < self._last + AT_MOST_EVERY_S:
            return False
        self.needed, self._last = False, now
        return True
