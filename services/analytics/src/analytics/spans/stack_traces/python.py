"""Stack traces of Python: the innermost call last, and a cause before what it caused. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from analytics.spans.stack_traces.frames import MAX_NAME, REMEMBERED_LINES, Frame, Raised, below_root, raised, short

_FRAME = re.compile(r'[\s|]*File "([^"\n]{1,1000})", line \d+(?:, in (.{1,500}))?')
_HEAD = "Traceback (most recent call last):"
_CAUSE = "The above exception was the direct cause of the following exception:"
_CONTEXT = "During handling of the above exception, another exception occurred:"
_TYPE = re.compile(r"([^\W\d][\w.]{0,199})(?:: ?(.*))?\Z", re.DOTALL)
_SITE = re.compile(r"(?:^|.*/)(?:site-packages|dist-packages)/")
_HOME = re.compile(r"(?:^|.*/)(?:lib|lib64|Lib)/python\d(?:\.\d+)?t?/|.*/Python\d+/Lib/|.*/python\d+\.zip/", re.IGNORECASE)


@lru_cache(REMEMBERED_LINES)
def frame_of(line: str) -> Frame | None:
    match = _FRAME.match(line)
    if match is None:
        return None
    where, in_app = _place(match[1])
    return Frame((match[2] or "").strip().rpartition("<locals>.")[2][:MAX_NAME], where, in_app)


def read(lines: list[str]) -> list[Raised]:
    chain: list[Raised] = []
    frames: list[Frame] = []
    begun, in_group, first_of_group = False, False, False
    for line in lines:
        if frame := frame_of(line):
            frames.append(frame)
            begun = True
            continue
        if line.startswith("    ") and "|" not in line:
            continue  # a line of the program
        bare = line.strip(" |+-\t")
        if bare.endswith(_HEAD):
            frames, begun = [], True
            in_group = in_group or "Exception Group" in bare
        elif bare == _CONTEXT:
            chain = []
        elif begun and frames and _is_end(line, bare) and (match := _TYPE.match(bare)):
            ended = raised(match[1], match[2] or "", reversed(frames))
            if in_group and chain and line.lstrip().startswith("|") and not first_of_group:
                chain.insert(0, ended)  # the first of the group's own exceptions is its cause
                first_of_group = True
            elif not first_of_group:
                chain.append(ended)
            frames, begun = [], False
    if frames:
        chain.append(raised("", "", reversed(frames)))
    return chain


def _is_end(line: str, bare: str) -> bool:
    """Whether ``line`` stands as far left as the line that names the exception does."""
    return bool(bare) and not line.lstrip("|+ ").startswith("File ") and re.match(r"(?: *\| )?\S", line) is not None


def _place(path: str) -> tuple[str, bool]:
    path = path.replace("\\", "/")
    for pattern in (_SITE, _HOME):
        if match := pattern.match(path):
            return short(path[match.end() :]), False
    return short(below_root(path)), not path.startswith("<")
