r"""Stack traces as PHP itself prints them: the innermost call first, a cause before what it caused (``Next``). Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from analytics.spans.stack_traces.frames import MAX_NAME, REMEMBERED_LINES, Frame, Raised, below_root, raised, short, split_head

_FRAME = re.compile(r"#\d+ (?:\[internal function\]|(\S.{0,500}?)\(\d+\)): ([\w\\$:>{}@/.\-]{1,300})\(")
_MAIN = re.compile(r"#\d+ \{main\}")
_NEXT = re.compile(r"Next (.*)", re.DOTALL)
_HEAD = re.compile(r"(?:PHP )?(?:Fatal error: +)?(?:Uncaught )?([A-Za-z_][\w\\]*)(?:: ?(.*))?\Z", re.DOTALL)
_RAISED_IN = re.compile(r" in \S+:\d+\Z")
_GENERATED = re.compile(r"@anonymous.*?(?=->|::|\Z)|\{closure(?::[^}]*)?\}")


@lru_cache(REMEMBERED_LINES)
def frame_of(line: str) -> Frame | None:
    match = _FRAME.match(line.strip())
    if match is None:
        return None
    path = (match[1] or "").replace("\\", "/")
    before, vendor, package = path.rpartition("/vendor/")
    function = _GENERATED.sub(lambda found: "{closure}" if found[0][0] == "{" else "@anonymous", match[2])
    where = package if vendor else below_root(before + package)
    return Frame(function[:MAX_NAME], short(where), bool(path) and not vendor)


def read(lines: list[str]) -> list[Raised]:
    chain: list[Raised] = []
    kind, message = "", ""
    frames: list[Frame] = []
    for line in lines:
        bare = line.strip()
        if match := _NEXT.match(bare):
            chain.append(raised(kind, message, frames))
            kind, message = split_head(_HEAD, _RAISED_IN.sub("", match[1]))
            frames = []
        elif frame := frame_of(line):
            frames.append(frame)
        elif bare and not frames and not kind and not _MAIN.match(bare) and bare != "Stack trace:":
            kind, message = split_head(_HEAD, _RAISED_IN.sub("", bare))
    chain.append(raised(kind, message, frames))
    return chain
