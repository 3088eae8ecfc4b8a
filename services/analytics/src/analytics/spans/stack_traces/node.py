"""Stack traces of Node and of browsers: the innermost call first, causes follow. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from analytics.spans.name_folding import fold_unit
from analytics.spans.stack_traces.frames import MAX_NAME, REMEMBERED_LINES, Frame, Raised, below_root, raised, short, split_head

_FRAME = re.compile(
    r"\s*at (?:async )?(?:(?=.*\)\s*\Z)(.{1,400}?) \((?:index \d+|(.{1,1000}?))(?::\d+){0,2}\)|(\S{1,1000}?)(?::\d+){1,2})\s*\Z"
)
_FIREFOX = re.compile(r"\s*+([\w.$/<>\[\] *]{0,300})@(\S{1,1000}?)(?::\d+){1,2}\s*\Z")
_CAUSE = re.compile(r"\s*\[(?:cause|errors)\]: (?:\[)?(.*)")
_HEAD = re.compile(r"(?:Uncaught )?([A-Za-z_$][\w$.]{0,199})(?: \[[\w-]+\])?(?:: ?(.*))?\Z", re.DOTALL)
_BUNDLE_HASH = re.compile(r"[.\-_]\{id\}(?=[.\-_])")
_MINIFIED = re.compile(r"(?:[\w$]{1,2}\.)*[\w$]{1,2}")
"""Names that a bundler gives, which are others in the next build."""


@lru_cache(REMEMBERED_LINES)
def frame_of(line: str) -> Frame | None:
    if match := _FRAME.match(line):
        if match[1] is None and not ("/" in match[3] or ":" in match[3] or "\\" in match[3] or match[3] == "native"):
            return None
        function, path = match[1] or "", match[2] or match[3] or ""
    elif match := _FIREFOX.match(line):
        function, path = match[1], match[2]
    else:
        return None
    function = re.sub(r" \[as [^\]]*\]", "", function).removeprefix("async ").removeprefix("new ")
    function = re.sub(r"^(?:Object|Module|Function|global|Proxy)\.(?=.)", "", function)
    function = re.sub(r"/<|<$", "", function)
    path = re.sub(r"^(?:file|https?|webpack(?:-internal)?|app|capacitor)://+", "/", path.replace("\\", "/")).partition("?")[0]
    own = not (path.startswith(("node:", "internal/", "native", "<", "evalmachine")) or "/node_modules/" in path or not path)
    own = own and not re.fullmatch(r"(?:[a-z_]+/)*[a-z_]+\.js", path)  # modules of Node before its version 16
    path = path.rpartition("node_modules/")[2] if "node_modules/" in path else _without_hash(below_root(path))
    function = function.strip()[:MAX_NAME]
    if _MINIFIED.fullmatch(function):
        function = ""
    return Frame(function or "<anonymous>", short(path), own)


def _without_hash(path: str) -> str:
    """``path`` without the hash that a bundler puts into the name of a file."""
    folder, slash, file = path.rpartition("/")
    return f"{folder}{slash}{_BUNDLE_HASH.sub('', fold_unit(file))}"


def read(lines: list[str]) -> list[Raised]:
    chain: list[Raised] = []
    kind, message = "", ""
    frames: list[Frame] = []
    for line in lines:
        if match := _CAUSE.match(line):
            chain.append(raised(kind, message, frames))
            kind, message = split_head(_HEAD, match[1])
            frames = []
        elif frame := frame_of(line):
            frames.append(frame)
        elif not frames and not kind and line.strip():
            kind, message = split_head(_HEAD, line.strip())
    chain.append(raised(kind, message, frames))
    return chain[::-1]
