"""Windows of time: where an instant falls, when a window is over, which resolution fits a range. Pure; epoch ms."""

from __future__ import annotations

from typing import NamedTuple

from drishti.events import RESOLUTION_MS, Resolution

RESOLUTIONS: tuple[Resolution, ...] = ("1s", "1m", "1h")

GRACE_MS: dict[str, int] = {"1s": 2_000, "1m": 5_000, "1h": 30_000}
"""How long after its end a window waits for events that are still on their way."""

DAY_MS = 86_400_000


class Window(NamedTuple):
    """One metric of one tenant in one window."""

    resolution: Resolution
    tenant: str
    metric: str
    start: int

    @property
    def end(self) -> int:
        return self.start + RESOLUTION_MS[self.resolution]


def start_of(at: int, resolution: str) -> int:
    """The start of the window that ``at`` falls into."""
    size = RESOLUTION_MS[resolution]
    return at // size * size


def closed(window: Window, now: int) -> bool:
    """Whether ``window`` has ended and its grace is over at ``now``."""
    return now >= window.end + GRACE_MS[window.resolution]


def fitting_resolution(start: int, end: int, kept_from: dict[str, int]) -> Resolution:
    """The finest resolution that shows ``[start, end)`` in at most some 1,500 points and still keeps its beginning."""
    if end - start <= 15 * 60_000 and start >= kept_from["1s"]:
        return "1s"
    if end - start <= DAY_MS and start >= kept_from["1m"]:
        return "1m"
    return "1h"
