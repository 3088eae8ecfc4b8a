"""The rows that are no events, with what is wrong, each as a line of JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO

from drishti.importing.rows import Row


class RejectsFile:
    """A file that is there when it has a row."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def keep(self, size: int) -> None:
        """Forgets all but the first ``size`` bytes of what is there: those rows come again, or were of another import."""
        self.close()
        if size == 0:
            self.path.unlink(missing_ok=True)
        elif self.path.exists():
            os.truncate(self.path, size)

    def add(self, row: Row, error: str, column: str) -> None:
        if self._file is None:
            self._file = self.path.open("ab")
        about = {"line": row.line, "column": column, "error": error, "row": row.text}
        self._file.write(json.dumps(about, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")

    def written(self) -> int:
        """How long the file is, now that everything is in it."""
        if self._file is not None:
            self._file.flush()
        return self.path.stat().st_size if self.path.exists() else 0

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
