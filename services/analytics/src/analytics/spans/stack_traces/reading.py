r"""Stack traces as the languages print them, read to frames that stay the same from one release to the next. Pure.

How this works
--------------
A stack trace is read line by line, and each line is asked which language it could be: Python, Java (also Kotlin, Scala and the
SDK of PHP, which writes as Java does), Node and browsers, Go, .NET, Ruby and PHP. The first line that is a frame decides on the
language; the others are read as that.

A frame keeps its function and, where the function does not say where it is (Python, Node, Ruby), its file below the folder
that differs from machine to machine. What changes without the error being another one goes: line numbers, addresses and
arguments, versions of packages, numbers of lambdas, closures and generated classes, hashes in names of bundled files.

A frame is *in the application* unless it is in a package that was installed or comes with the language.

Of exceptions that were caused by others, :func:`read` gives each, the **root cause first**: what ``raise ... from``,
``Caused by:``, ``--->``, ``[cause]`` and Ruby's causes name. What Python prints as "During handling of the above exception,
another exception occurred" is no cause: the later one is what was not handled, and the earlier one is left out. Of a group of
exceptions the first one is the cause.
"""

from __future__ import annotations

from collections.abc import Callable

from analytics.spans.stack_traces import dotnet, go, java, node, php, python, ruby
from analytics.spans.stack_traces.frames import MAX_LINE, Raised

MAX_TEXT = 65_536
"""Characters of a stack trace that are read: of a longer one the first and the last half of them, since the cause may be at
either end."""

MAX_LINES = 2_000
"""Lines of it that are read, the first and the last half of them: many short lines cost more than few long ones."""

_READERS: tuple[tuple[Callable[[str], object | None], Callable[[list[str]], list[Raised]]], ...] = (
    (python.frame_of, python.read),
    (go.FILE.match, go.read),
    (ruby.frame_of, ruby.read),
    (php.frame_of, php.read),
    (java.frame_of, java.read),
    (dotnet.frame_of, dotnet.read),
    (node.frame_of, node.read),
)
"""How a line of a language is known, and how its stack traces are read; of several the first one counts."""


def read(text: str) -> list[Raised]:
    """The exceptions of a stack trace, the root cause first; none where it is in no form that is known."""
    if len(text) > MAX_TEXT:
        text = text[: MAX_TEXT // 2] + "\n" + text[-MAX_TEXT // 2 :]
    lines = [line[:MAX_LINE] for line in text.replace("\r\n", "\n").split("\n")]
    if len(lines) > MAX_LINES:
        lines = lines[: MAX_LINES // 2] + lines[-MAX_LINES // 2 :]
    for line in lines:
        for frame_of, reader in _READERS:
            if frame_of(line) is not None:
                return [one for one in reader(lines) if one.frames or one.type]
    return []
