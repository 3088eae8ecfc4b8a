"""What a viewer may ask for in the address of its WebSocket. Pure.

``?since=<epoch>:<seq>``: it has that frame, of an earlier connection, and goes on from there. ``?hz=<number>``: it wants at
most so many frames a second. Without them it gets a snapshot and then every frame.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote_plus

from gateway.dashboard.frames import Position

MOST_HZ = 10.0
LEAST_HZ = 0.2

_SINCE = re.compile(r"([0-9A-Za-z_.-]{1,64}):([0-9]{1,15})\Z", re.ASCII)
_HZ = re.compile(r"[0-9]{1,2}(\.[0-9]{1,3})?\Z", re.ASCII)


class WrongParameter(ValueError):
    """A parameter has a value that it cannot have. What it says fits into a close frame, and repeats nothing of the value."""


class Parameters(NamedTuple):
    """``since``: the frame that the viewer has. ``every_s``: the time between two frames; 0: as they come."""

    since: Position | None = None
    every_s: float = 0.0


def parameters(query: str) -> tuple[Parameters, str]:
    """What ``query`` asks for, and the query without it. Raises :class:`WrongParameter`."""
    since: Position | None = None
    every_s = 0.0
    others = []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name == "since":
            since = _since(unquote_plus(value))
        elif name == "hz":
            every_s = 1 / _hz(unquote_plus(value))
        elif part:
            others.append(part)
    return Parameters(since, every_s), "&".join(others)


def _since(value: str) -> Position:
    match = _SINCE.match(value)
    if match is None:
        raise WrongParameter("since: <epoch>:<seq> of a frame is wanted, such as 1f2e3d4c.1:1042")
    return Position(match[1], int(match[2]))


def _hz(value: str) -> float:
    if _HZ.match(value) and LEAST_HZ <= float(value) <= MOST_HZ:
        return float(value)
    raise WrongParameter(f"hz: a number of frames a second is wanted, {LEAST_HZ:g} to {MOST_HZ:g}")
