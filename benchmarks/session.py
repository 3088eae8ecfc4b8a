"""What all rows of one run share: the options, a folder that goes at the end, and a voice for progress."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Options:
    """Sizes. The defaults are what the committed results were made with."""

    rounds: int = 7
    connections: int = 32
    single_requests: int = 12_000
    batch_requests: int = 1_500
    batch_events: int = 100
    span_requests: int = 1_500
    span_batch: int = 100
    stored_events: int = 200_000
    stored_rounds: int = 5
    metric_exports: int = 20
    metric_rounds: int = 3
    series_seconds: float = 600.0
    query_rounds: int = 15
    searched_spans: int = 5_000_000
    backfill_events: int = 10_000_000
    backfill_live_events: int = 200_000
    backfill_rounds: int = 3
    funnel_events: int = 1_000_000
    funnel_rounds: int = 5
    product_folder: str = ""
    """Where events by user are kept for later runs; if empty, they go at the end."""
    steady_rate: int = 10_000
    steady_seconds: float = 600.0
    live_rate: int = 2_000
    live_events: int = 10
    live_seconds: float = 30.0
    viewers: int = 1_000
    viewer_seconds: float = 10.0
    demo_seconds: float = 60.0


class Session:
    """One run."""

    def __init__(self, options: Options, folder: Path) -> None:
        self.options = options
        self._folder = folder
        self._began = time.monotonic()

    def folder(self, name: str) -> Path:
        """A new folder that PostgreSQL's unprivileged user can pass through where root runs this."""
        path = self._folder / name
        path.mkdir(mode=0o711)
        return path

    def product_folder(self) -> Path:
        """The same one for all rows of the run, made as :meth:`folder` does."""
        path = Path(self.options.product_folder or self._folder / "product").resolve()
        path.mkdir(mode=0o711, parents=True, exist_ok=True)
        return path

    def say(self, text: str) -> None:
        """Progress; not part of the table."""
        sys.stderr.write(f"[{time.monotonic() - self._began:6.1f} s] {text}\n")


@contextlib.contextmanager
def session(options: Options) -> Iterator[Session]:
    """A run whose folder is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="drishti-bench-"))
    folder.chmod(0o711)
    try:
        yield Session(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
