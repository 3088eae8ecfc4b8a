"""CPU and memory of the process that asks, as OpenTelemetry's observable gauges want them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

from opentelemetry.metrics import Observation

try:
    # Not where it is used: that is another thread, and a fork in the middle of an import leaves the child without the module.
    import psutil
except ImportError:
    psutil = None  # type: ignore[assignment]  # a module or nothing


class ProcessUsage:
    """Reads what *this* process uses: a forked child counts from its own beginning, and never reports its parent."""

    def __init__(self) -> None:
        self._begin()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._cpu_s = time.process_time()
        self._at = time.monotonic()

    def cpu(self, _options: Any) -> Iterator[Observation]:
        """The share of one core since the last reading, or since the process began."""
        cpu_s, now = time.process_time(), time.monotonic()
        elapsed_s = now - self._at
        if elapsed_s > 0:
            yield Observation((cpu_s - self._cpu_s) / elapsed_s)
            self._cpu_s, self._at = cpu_s, now

    def memory(self, _options: Any) -> Iterator[Observation]:
        """Resident memory in bytes; nothing where psutil is not installed (it is with every service)."""
        if psutil is not None:
            yield Observation(psutil.Process().memory_info().rss)
