"""How far a long command is, on standard error: nothing in the first two seconds, then a line that is overwritten."""

from __future__ import annotations

import sys
import time
from typing import TextIO

PATIENCE_S = 2.0
TERMINAL_S, FILE_S = 0.2, 5.0
"""How often progress is reported: on a terminal, and in a log."""


class Progress:
    """``step(done, total)`` as often as you like; ``close`` at the end. ``total`` 0: not known."""

    def __init__(self, what: str, out: TextIO | None = None) -> None:
        self._what = what
        self._out = out if out is not None else sys.stderr
        self._terminal = self._out.isatty()
        self._next = time.monotonic() + PATIENCE_S
        self._width = 0

    def step(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (TERMINAL_S if self._terminal else FILE_S)
        text = f"{self._what}: {done:,}" + (f" of {total:,} ({done / total:.0%})" if total else "")
        if self._terminal:
            self._out.write(f"\r{text:<{self._width}}")
            self._width = len(text)
        else:
            self._out.write(f"{text}\n")
        self._out.flush()

    def close(self) -> None:
        """Removes the line, so that what follows begins at the left."""
        if self._width:
            self._out.write(f"\r{'':<{self._width}}\r")
            self._width = 0
