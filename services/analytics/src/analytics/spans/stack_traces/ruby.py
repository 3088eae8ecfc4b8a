"""Stack traces of Ruby: the innermost call first, causes follow. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from analytics.spans.stack_traces.frames import MAX_NAME, REMEMBERED_LINES, Frame, Raised, below_root, raised, short

_FRAME = re.compile(r"\s*(?:\d+: )?(?:from )?(/?[^\s:][^:\n]{0,500}?):\d+:in [`'](.{1,300}?)'(?:: (.*))?\s*\Z", re.DOTALL)
_TYPE = re.compile(r"(.*?)(?<!\s)\s*+\(([A-Z][\w:]*)\)\s*\Z", re.DOTALL)
_GEM = re.compile(r"([a-zA-Z](?:\w|-(?!\d))*+)-\d[\w.\-]*+\Z")
_STANDARD = re.compile(r".*/(?:lib|lib64)/ruby/(?:site_ruby/)?(?:\d[\d.]*/)?")


@lru_cache(REMEMBERED_LINES)
def frame_of(line: str) -> Frame | None:
    match = _FRAME.match(line)
    if match is None:
        return None
    path, function = match[1], match[2]
    function = re.sub(r"^(?:(?:rescue|ensure|block)(?: \(\d+ levels\))? in )+", "", function)
    if (library := _in_library(path)) is not None:
        return Frame(function[:MAX_NAME], short(library), False)
    own = not path.startswith(("<", "("))
    return Frame(function[:MAX_NAME], short(below_root(path)), own)


def _in_library(path: str) -> str | None:
    """The file below its gem, with the gem's name without the version, or below Ruby's own library; ``None`` in neither."""
    parts = path.split("/")
    gems = {at: match[1] for at, part in enumerate(parts[:-1]) if (match := _GEM.match(part))}
    folders = [at for at, part in enumerate(parts) if at and part == "gems" and at < max(gems, default=0)]
    if folders:
        at = min(at for at in gems if at > folders[-1])
        below = parts[at + 1 :]
        return "/".join([gems[at], *(below[1:] if below[0] == "lib" and len(below) > 1 else below)])
    match = _STANDARD.match(path)
    return path[match.end() :] if match else None


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
