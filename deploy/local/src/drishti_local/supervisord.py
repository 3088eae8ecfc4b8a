"""supervisord, with log files that cannot end it: a line that the disk does not take is lost, and nothing else.

``python -m drishti_local.supervisord -c CONFIG``. Its own handlers let an error of a log file through, where it ends
supervisord or closes the pipe of the program that spoke; both ended whole runs on a full disk.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

from supervisor import loggers, supervisord


class SafeFileHandler(loggers.RotatingFileHandler):  # type: ignore[misc]  # supervisor has no types
    """A rotating log file that may miss lines."""

    stream: Any

    def __init__(self, filename: str, mode: str = "ab", maxBytes: int = 0, backupCount: int = 0) -> None:
        try:
            super().__init__(filename, mode, maxBytes, backupCount)
        except OSError:
            super().__init__(os.devnull, mode, maxBytes, backupCount)
            self.baseFilename = filename  # the next rotation or reopening tries it again

    def emit(self, record: Any) -> None:
        try:
            super().emit(record)
        except (OSError, ValueError):  # it could not be rotated; ValueError: its file is closed since
            self._reopen()

    def handleError(self) -> None:
        """There is nowhere to say it."""

    def _reopen(self) -> None:
        with contextlib.suppress(OSError):
            self.stream.close()
        try:
            self.stream = open(self.baseFilename, "ab")  # noqa: SIM115 - held as long as the handler
        except OSError:
            self.stream = open(os.devnull, "ab")  # noqa: SIM115 - likewise
        self.closed = False


def main() -> None:
    loggers.RotatingFileHandler = SafeFileHandler
    supervisord.main()


if __name__ == "__main__":
    main()
