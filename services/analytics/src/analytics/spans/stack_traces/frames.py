"""What a stack trace is read to, and what its readers share. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

MAX_FRAMES = 200
"""Frames of an exception that are read, the innermost ones."""

REMEMBERED_LINES = 4_096
"""Lines of a language whose frames are remembered: the same code fails again and again."""

MAX_LINE = 1_000
"""Characters of a line that are read."""

MAX_NAME = 200
"""Characters of a function or a file."""


class Frame(NamedTuple):
    """One call: ``where`` is the file or the package, ``""`` where ``function`` says it."""

    function: str
    where: str
    in_app: bool

    def __str__(self) -> str:
        return f"{self.function} ({self.where})" if self.where else self.function


class Raised(NamedTuple):
    """An exception as a stack trace prints it, the innermost frame first; ``type`` and ``message`` may be empty."""

    type: str
    message: str
    frames: tuple[Frame, ...]


def raised(kind: str, message: str, frames: Iterable[Frame]) -> Raised:
    """Without repetitions of a frame, which recursion makes."""
    kept: list[Frame] = []
    for frame in frames:
        if not kept or kept[-1] != frame:
            kept.append(frame)
    return Raised(kind, message, tuple(kept[:MAX_FRAMES]))


def split_head(head: re.Pattern[str], line: str) -> tuple[str, str]:
    match = head.match(line)
    return (match[1], match[2] or "") if match else ("", line)


_ROOTS = re.compile(
    r"(?:[a-zA-Z]:)?/(?:usr/src/app|home/[^/]+|Users/[^/]+|app|src|srv|opt|var/(?:task|www/html|www|app|lib)|code|workspace|build|tmp|root|usr/local|usr/src|mnt)/(?=.)"
)


_RELEASES = re.compile(r"\A(?:[a-zA-Z]:)?/.{0,200}/(?:releases|versions|deployments|revisions)/v?\d[\w.\-]*/(?=.)")
"""Where every release has a folder of its own."""


def below_root(path: str) -> str:
    """``path`` without the folder of the machine: the last three parts, and fewer where a usual root is before them."""
    path = _RELEASES.sub("/app/", path)
    if match := _ROOTS.match(path):
        path = path[match.end() :]
    return "/".join([part for part in path.split("/") if part and part != "."][-3:])


def short(path: str) -> str:
    return path[-MAX_NAME:]
