"""Stack traces of Go: a line for the function and one for the file, the innermost call first. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from analytics.spans.stack_traces.frames import MAX_NAME, REMEMBERED_LINES, Frame, Raised, raised

FILE = re.compile(r"\s+(\S.{0,1000}?\.(?:go|s)):\d+(?: \+0x[0-9a-f]+)?\s*\Z")
_FUNCTION = re.compile(r"(?:created by )?([^\s(]{1,300}(?:\(\*?[\w\[\].,…]+\))?[\w.\[\]·…-]{0,200})")
_RECORDING = re.compile(
    r"(?:go\.opentelemetry\.io/otel/|runtime/debug\.Stack|runtime\.Stack|panic\Z|runtime\.(?:gopanic|sig|panic))"
)
_STANDARD = re.compile(
    r"(?:archive|bufio|bytes|compress|container|context|crypto|database|debug|embed|encoding|errors|expvar|flag|fmt|go|hash|html|image"
    r"|index|internal|io|iter|log|maps|math|mime|net|os|path|plugin|reflect|regexp|runtime|slices|sort|strconv|strings|sync|syscall"
    r"|testing|text|time|unicode|unsafe|vendor|panic)\b"
)


def read(lines: list[str]) -> list[Raised]:
    kind, message = "", ""
    frames: list[Frame] = []
    before = ""
    for line in lines:
        if line.startswith("goroutine ") and frames:
            break  # the others did not fail
        if match := FILE.match(line):
            if (named := _FUNCTION.match(before.strip())) and not before.startswith("created by "):
                frames.append(frame_of(named[1], match[1]))
        elif line.startswith("panic: "):
            kind, message = "panic", re.sub(r" \[recovered\]\Z", "", line[7:])
        before = line
    while len(frames) > 1 and _RECORDING.match(frames[0].function):
        del frames[0]
    return [raised(kind, message, frames)]


@lru_cache(REMEMBERED_LINES)
def frame_of(function: str, path: str) -> Frame:
    path = path.replace("\\", "/")
    own = not ("/pkg/mod/" in path or "@v" in path or "/vendor/" in path or "/go/src/" in path or "/libexec/src/" in path)
    own = own and not (_STANDARD.match(function) and not function.startswith("main."))
    function = re.sub(r"\[[^\]]*+\]", "", function)
    function = re.sub(r"(?:\.(?:func|gowrap)?\d++)++\Z|-fm\Z|-range\d+\Z", "", function)
    return Frame(function[:MAX_NAME], "", own)
