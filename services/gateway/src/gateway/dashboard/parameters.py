"""What a viewer may ask for in the address of its WebSocket. Pure.

``?since=<epoch>:<seq>``: it has that frame, of an earlier connection, and goes on from there. ``?hz=<number>``: it wants at
most so many frames a second. Without them it gets a snapshot and then every frame.

What else there is (``?panels=``, ``?var-<name>=``) is dashboard-stream's. All who want the same ask it in the same way, so that
they share a connection.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote_plus, urlencode

from drishti.dashboards.choices import PANELS, panel_ids
from drishti.dashboards.variables import PARAMETER
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
    """What ``query`` asks for, and the query for dashboard-stream: the same for all who choose the same.

    Raises :class:`WrongParameter`, also for a name that there is not.
    """
    since: Position | None = None
    every_s = 0.0
    panels = []
    chosen = set()
    for part in filter(None, query.split("&")):
        name, value = (unquote_plus(text) for text in part.partition("=")[::2])
        if name == "since":
            since = _since(value)
        elif name == "hz":
            every_s = 1 / _hz(value)
        elif name == PANELS:
            panels.append(value)
        elif name.startswith(PARAMETER):
            chosen.add((name, value))
        else:
            raise WrongParameter(f"there is no such parameter; there are since, hz, {PANELS} and {PARAMETER}<variable>")
    ids = ",".join(panel_ids(panels))
    return Parameters(since, every_s), urlencode([*([(PANELS, ids)] if ids else []), *sorted(chosen)], safe=",")


def _since(value: str) -> Position:
    match = _SINCE.match(value)
    if match is None:
        raise WrongParameter("since: <epoch>:<seq> of a frame is wanted, such as 1f2e3d4c.1:1042")
    return Position(match[1], int(match[2]))


def _hz(value: str) -> float:
    if _HZ.match(value) and LEAST_HZ <= float(value) <= MOST_HZ:
        return float(value)
    raise WrongParameter(f"hz: a number of frames a second is wanted, {LEAST_HZ:g} to {MOST_HZ:g}")
