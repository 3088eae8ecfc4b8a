"""How far an import is, on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

from drishti.importing.source import Source
from drishti.plain_text import escaped

NOTICE_S = 2.0


class Meter:
    """Says what it is told of one file, numbers at most every :data:`NOTICE_S`."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._began = self._said = time.monotonic()
        self._skipped = 0
        self._skipped_share = 0.0

    def say(self, text: str) -> None:
        sys.stderr.write(escaped(f"{self._source.name}: {text}") + "\n")

    def waits(self, problem: str) -> None:
        self.say(f"waits: {problem}")

    def skipped(self, rows: int) -> None:
        """The first ``rows`` were sent by an earlier import."""
        self.say(f"goes on after row {rows:,}")
        self._skipped, self._skipped_share = rows, self._source.share_read() or 0.0
        self._began = time.monotonic()

    def notice(self, read: int, counts: Mapping[str, int], *, last: bool = False) -> None:
        """``read`` rows, of which so many are what ``counts`` says."""
        now = time.monotonic()
        if not last and now - self._said < NOTICE_S:
            return
        self._said = now
        took_s = max(1e-6, now - self._began)
        parts = [f"{read:,} rows", *(f"{count:,} {name}" for name, count in counts.items())]
        parts.append(f"{(read - self._skipped) / took_s:,.0f} rows/s")
        share = None if last else self._source.share_read()
        if share is not None and share > self._skipped_share:
            parts.append(f"{took_s * max(0.0, 1 - share) / (share - self._skipped_share):,.0f} s left")
        self.say(", ".join(parts))
