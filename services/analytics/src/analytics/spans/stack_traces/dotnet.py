"""Stack traces of .NET: the innermost call first, and the frames of a cause before those of what it caused. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from analytics.spans.stack_traces.frames import MAX_NAME, REMEMBERED_LINES, Frame, Raised, raised, split_head

_FRAME = re.compile(r"\s*at ([\w.<>`+\[\],&|$=~\-]{1,400})\((.*?)\)(?: in |\s*\Z)")
_ARGUMENTS = re.compile(r"(?:[\w.`\[\]<>&*+@]++(?:, | (?=[\w@]))?+)*+\Z")
_HEAD = re.compile(r"((?:[\w`+]+\.)*[\w`+]+)(?: \(0x[0-9A-Fa-f]+\))?(?:: ?(.*))?\Z", re.DOTALL)
_LIBRARIES = re.compile(
    r"(?:System|Microsoft|MS|Mono|Interop|Internal|Npgsql|Grpc|Newtonsoft|OpenTelemetry|Polly|Dapper|MediatR|StackExchange|RabbitMQ"
    r"|MassTransit|Castle|AutoMapper|FluentValidation|Serilog|NLog|Xunit|NUnit|MySql|MySqlConnector|MongoDB|Confluent|Google|Amazon|Azure"
    r"|lambda_method)[.(\d]"
)


@lru_cache(REMEMBERED_LINES)
def frame_of(line: str) -> Frame | None:
    match = _FRAME.match(line)
    if match is None or (":line " not in line and not _ARGUMENTS.match(match[2])):
        return None
    function = match[1]
    own = not _LIBRARIES.match(function + "(")
    function = re.sub(r"\+?<>c(?:__DisplayClass\d+_\d+)?(?:`\d+)?", "", function)
    function = re.sub(r"\.?\+?<(\w+)>[bdg]__\w+(?:\|\d+_\d+)?(?:`\d+)?(?:\.MoveNext)?", r".\1", function)
    function = re.sub(r"`\d+|\[[^\]]*\]", "", re.sub(r"^lambda_method\d+", "lambda_method", function))
    return Frame(re.sub(r"\.{2,}", ".", function)[:MAX_NAME], "", own)


def read(lines: list[str]) -> list[Raised]:
    heads: list[tuple[str, str]] = []
    blocks: list[list[Frame]] = [[]]
    for line in lines:
        bare = line.strip()
        if bare.startswith("---> ") or (not heads and bare and " ---> " in bare):
            first, _, rest = bare.partition("---> ")
            parts = [re.sub(r"^\(Inner Exception #\d+\) ", "", part.strip()) for part in [first, *rest.split(" ---> ")]]
            heads += [split_head(_HEAD, part) for part in parts if part]
        elif bare.startswith("--- End of inner exception"):
            blocks.append([])
        elif frame := frame_of(line):
            blocks[-1].append(frame)
        elif not heads and bare and not blocks[0]:
            heads.append(split_head(_HEAD, bare))
    heads.reverse()
    while len(heads) < len(blocks):
        heads.append(("", ""))
    return [raised(*head, frames) for head, frames in zip(heads, [*blocks, *([[]] * len(heads))], strict=False)]
