"""Stack traces of Ruby: the innermost call first, causes follow. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from analytics.spans.stack_traces.frames import MAX_NAME, REMEMBERED_LINES, Frame, Raised, below_root, raised, short

_FRAME = re.compile(r"\s*(?:\d+: )?(?:from )?(/?[^\s:][^:\n]{0,500}?):\d+:in [`'](.{1,300}?)'(?:: (.*))?\s*\Z", re.DOTALL)
_TYPE = re.compile(r"(.*?)\s*\(([A-Z][\w:]*)\)\s*\Z", re.DOTALL)
_GEMS = re.compile(
    r".*/gems/(?:[^/]+/)*?([a-zA-Z][\w\-]*?)-\d[\w.\-]*/(?:lib/)?|.*/(?:lib|lib64)/ruby/(?:site_ruby/)?(?:\d[\d.]*/)?"
)


@lru_cache(REMEMBERED_LINES)
def frame_of(line: str) -> Frame | None:
    match = _FRAME.match(line)
    if match is None:
        return None
    path, function = match[1], match[2]
    function = re.sub(r"^(?:(?:rescue|ensure|block)(?: \(\d+ levels\))? in )+", "", function)
    if library := _GEMS.match(path):
        name = f"{library[1]}/" if library[1] else ""
        return Frame(function[:MAX_NAME], short(name + path[library.end() :]), False)
    own = not path.startswith(("<", "("))
    return Frame(function[:MAX_NAME], short(below_root(path)), own)


def read(lines: list[str]) -> list[Raised]:
    chain: list[Raised] = []
    kind, message = "", ""
    frames: list[Frame] = []
    for line in lines:
        match = _FRAME.match(line)
        frame = frame_of(line)
        if match is None or frame is None:
            continue
        if match[3] and (named := _TYPE.match(match[3])):
            if frames:
                chain.append(raised(kind, message, frames))
            message, kind, frames = named[1], named[2], [frame]
        else:
            frames.append(frame)
    chain.append(raised(kind, message, frames))
    return chain[::-1]
