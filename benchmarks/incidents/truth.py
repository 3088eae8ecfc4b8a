"""What is known of every planted incident, and the file that holds it: JSON lines, one incident each.

``begins`` and ``ends`` are when the fault acts. ``first_affected`` is the first one-second window in which it changes what is
measured: a slow or failed request counts in the window in which it ends, a call to a model and a look-up in a cache likewise;
requests that do not come, or come besides, change the very window. A drift counts from the first window in which the mean of
the newest ten seconds is 1.5 times that of the same seed without incidents, a leak from the first report of 1.5 times as much.
All are seconds since 1970, windows by their start.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

Direction = Literal["up", "down"]

AFTERMATH_S = 60
"""Answers begun within an incident still end, windows still hold its seconds (a gauge's a minute of them), and what returns is
unusual once more: so long after its end an alarm is neither false nor watched for."""


class Series(Struct, frozen=True):
    """One series, and which way it moves."""

    metric: str
    field: str
    labels: dict[str, str]
    direction: Direction

    def __str__(self) -> str:
        return name(self.metric, self.field, self.labels)


class Truth(Struct, frozen=True, kw_only=True):
    """One incident. ``target`` is the service or model, empty where all are hit; ``magnitude``: see the plan."""

    seed: int
    kind: str
    target: str
    magnitude: float
    begins: int
    first_affected: int
    ends: int
    series: tuple[Series, ...]

    @property
    def over(self) -> int:
        """The second from which on alarms are false again."""
        return self.ends + AFTERMATH_S


def name(metric: str, field: str, labels: dict[str, str]) -> str:
    """A series as it is printed."""
    inside = ",".join(f"{label}={value}" for label, value in sorted(labels.items()))
    return f"{metric}.{field}" + (f"{{{inside}}}" if inside else "")


def write(path: Path, truths: Iterable[Truth]) -> None:
    path.write_bytes(b"".join(msgspec.json.encode(truth) + b"\n" for truth in truths))


def read(path: Path) -> list[Truth]:
    """Raises :class:`msgspec.MsgspecError` where a line is no incident."""
    decoder = msgspec.json.Decoder(Truth)
    return [decoder.decode(line) for line in path.read_bytes().splitlines() if line.strip()]
