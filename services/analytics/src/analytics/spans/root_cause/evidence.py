"""One reason to suspect a service. Pure."""

from __future__ import annotations

from typing import NamedTuple

SLOW, PATH, ERRORS, LINES, GAUGE = "own_time", "path", "errors", "log_lines", "gauge"
GAP = "gap"


class Evidence(NamedTuple):
    """``weight`` is in nats: calls times the natural logarithm of how many times more than usual, so that the weights of all
    kinds add up. ``kind`` is one of the constants of this module; ``operation`` is empty where the whole service is meant."""

    service: str
    operation: str
    kind: str
    weight: float
    words: str


def short(name: str, most: int = 70) -> str:
    """The end of a long name, where what tells it from others mostly stands."""
    return name if len(name) <= most else f"…{name[1 - most :]}"
