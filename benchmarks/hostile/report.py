"""What the measurements under attack share: one product, one table on standard output, and an exit status."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from benchmarks import machine
from benchmarks.processes import BenchmarkFailed
from benchmarks.session import Options, Session, session
from benchmarks.table import Result, render


def report(measure: Callable[[Session], Coroutine[Any, Any, list[Result]]], *, cores: int) -> int:
    """Runs ``measure`` on ``cores`` and prints its table.

    Returns 0 where every row is met, 1 where one is not, 2 where one could not be measured.
    """
    load = os.getloadavg()
    pinned = machine.pin(cores)
    try:
        with session(Options()) as run:
            results = asyncio.run(measure(run))
    except BenchmarkFailed as failed:
        sys.stderr.write(f"{failed}\n")
        return 2
    sys.stdout.write(render(results, machine.describe(pinned, load)))
    return 0 if all(result.met for result in results) else 1
