"""What the person at the terminal sees: progress with the time since the start, and each program's log behind its name."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, TextIO

_COLOURS = (36, 33, 35, 32, 34, 96, 93)
_BOLD, _RED = 1, 31
_CHUNK = 1 << 16
_LINE_MAX = 1 << 14


class Terminal:
    """Writes lines. Coloured on a terminal, unless ``NO_COLOR`` is set."""

    def __init__(self, out: TextIO = sys.stdout, environ: Mapping[str, str] = os.environ) -> None:
        self._out: TextIO | None = out
        self._began = time.monotonic()
        self._coloured = out.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        self._names: dict[str, int] = {}

    def progress(self, text: str) -> None:
        """A step of the run itself."""
        self._write(f"{self._paint(_BOLD, f'[{time.monotonic() - self._began:5.1f} s]')} {text}")

    def problem(self, text: str) -> None:
        """Something that the person should know about."""
        self._write(f"{self._paint(_RED, f'[{time.monotonic() - self._began:5.1f} s]')} {text}")

    def log(self, name: str, line: str) -> None:
        """One line of a program's log."""
        colour = self._names.setdefault(name, _COLOURS[len(self._names) % len(_COLOURS)])
        self._write(f"{self._paint(colour, f'{name:>16} |')} {line}")

    def text(self, text: str) -> None:
        self._write(text)

    def _paint(self, code: int, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._coloured else text

    def _write(self, line: str) -> None:
        if self._out is None:
            return
        try:
            self._out.write(line + "\n")
            self._out.flush()
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                self._out = None  # the reader of our output has gone; the run goes on, and the logs have everything
            # Else our output is a file on a full disk: lines are lost until there is room.


class Tail:
    """Follows one log file from its present end, through rotation."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._rest = b""
        self._skip = path.stat().st_size if path.exists() else 0

    def lines(self) -> Iterator[str]:
        """What was added since the last call, line by line."""
        while True:
            if self._file is None:
                try:
                    self._file = self._path.open("rb")
                except FileNotFoundError:
                    return
                self._file.seek(self._skip)
                self._skip = 0
            while chunk := self._file.read(_CHUNK):
                *whole, self._rest = (self._rest + chunk).split(b"\n")
                if len(self._rest) > _LINE_MAX:
                    whole, self._rest = [*whole, self._rest], b""
                for line in whole:
                    yield line.decode(errors="replace")
            if not self._rotated(self._file):
                return
            self.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _rotated(self, file: BinaryIO) -> bool:
        mine = os.fstat(file.fileno())
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        return there.st_ino != mine.st_ino or there.st_size < file.tell()
