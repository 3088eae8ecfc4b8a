"""Tables in text files and pipes as people have them: opened, decoded and split into cells.

UTF-8 and UTF-16 are read, with or without a byte order mark; bytes that are no UTF-8 are read as Windows-1252, which
spreadsheets write. Cells are separated by commas, semicolons, tabs or bars: by what the first line `sep=;` says, else by what
splits the header and the first row into the same number of cells.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO, TextIO

from predictor.errors import UnreadableInput

LONGEST = 16 << 20
"""Characters of one cell, more than a row of a wide file will ever have."""

SHOWN = 40
"""Characters of a cell that an error shows."""

SEPARATORS = "\t;|,"
"""What may stand between cells; the first of these that fits is taken."""

COMMENT = "#"

RULER = re.compile(
    r"[\s|+:=\u2500-\u257f-]*(---|===|\u2500\u2500|\u2550\u2550)[\s|+:=\u2500-\u257f-]*|\(\d+ rows?( affected)?\)\s*"
)
"""Lines that databases and documents draw between header and rows, and the count that some put below."""

TORN = 1000

TITLE_LINES = 10
"""Lines of one cell that may stand above the header."""

HEADER_LINES = 5
"""Lines that a header may have, inside of quotes."""


def title(name: str) -> str:
    """What to call the file that the command line names so."""
    return "standard input" if name == "-" else name


def streamed(name: str) -> bool:
    """Whether the file can be read only as it comes: a pipe, which may have no end."""
    return name == "-" or (Path(name).exists() and not Path(name).is_file() and not Path(name).is_dir())


@contextlib.contextmanager
def opened(name: str) -> Iterator[TextIO]:
    """The file ``name``, or standard input for ``-``, as text. Raises :class:`UnreadableInput`.

    One that is raised while the file is open is given the file's name.
    """
    with _file(name) as file, named(name):
        yield file


@contextlib.contextmanager
def named(name: str) -> Iterator[None]:
    """Whatever is :class:`UnreadableInput` in the block is given the file's name."""
    try:
        yield
    except UnreadableInput as error:
        raise UnreadableInput(f"{title(name)}: {error}") from None


def _file(name: str) -> contextlib.AbstractContextManager[TextIO]:
    codecs.register_error("windows-1252", _windows)
    if name == "-":
        if sys.stdin is None:
            raise UnreadableInput("standard input is closed: name a file, or pipe one in")
        if isinstance(sys.stdin, io.TextIOWrapper):  # it is not where somebody put another reader there
            sys.stdin.reconfigure(encoding=_encoding(sys.stdin.buffer), errors="windows-1252")
        return contextlib.nullcontext(sys.stdin)
    try:
        binary = Path(name).open("rb")  # noqa: SIM115 - closed by the text file around it
    except IsADirectoryError:
        raise UnreadableInput(f"{name} is a folder: name one CSV file in it") from None
    except OSError as error:
        raise UnreadableInput(f"{name} cannot be read: {error.strerror}") from None
    return io.TextIOWrapper(binary, encoding=_encoding(binary), errors="windows-1252", newline="")


def _encoding(binary: BinaryIO) -> str:
    """By the first bytes; waits for them."""
    start = binary.peek(4)[:4] if isinstance(binary, io.BufferedReader) else b""
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    if len(start) == 4 and start[1] == start[3] == 0 and start[0] and start[2]:
        return "utf-16-le"
    if len(start) == 4 and start[0] == start[2] == 0 and start[1] and start[3]:
        return "utf-16-be"
    return "utf-8-sig"


def _windows(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError) or not error.encoding.startswith("utf-8"):
        return "\ufffd", getattr(error, "end", 0)
    return error.object[error.start : error.end].decode("windows-1252", errors="replace"), error.end


@dataclass
class Table:
    """``header`` are the names of its columns, ``rows`` each further line that is not empty, with its number and its cells.

    ``first`` is the first of these rows, which ``rows`` has as well (``None``: there is none). ``comments`` counts the lines
    so far that began with ``#``, had empty cells alone, or stood above the header; ``torn`` are the
    numbers of those with a quote that is not closed, the first :data:`TORN`.
    """

    header: list[str]
    line: int
    separator: str
    first: list[str] | None
    rows: Iterator[tuple[int, list[str]]]
    skipped: list[int] = field(default_factory=lambda: [0])
    torn: set[int] = field(default_factory=set)

    @property
    def comments(self) -> int:
        return self.skipped[0]


def table(file: TextIO) -> Table | None:
    """The table in ``file``, ``None`` where it is empty. Waits for the first row. Raises :class:`UnreadableInput`.

    A line is a row, whatever its quotes say: one that is not closed would swallow all that follows, and a stream for ever. The
    header alone may go on over some lines.
    """
    csv.field_size_limit(LONGEST)
    lines: Iterator[tuple[int, str]] = ((number, line) for number, line in enumerate(file, start=1) if line.strip("\r\n\x1a"))
    skipped, separator, comment = [0], "", None
    for number, line in lines:
        text = line.strip("\r\n")
        if text.lower().startswith("sep=") and len(text) == 5:
            separator = text[4]
        elif text.startswith(COMMENT):
            skipped[0] += 1
            comment = (number, text)
        else:
            break
    else:
        return None
    _refuse(text)
    number, text, lines = _without_title(number, text, lines, skipped)
    _refuse(text)
    if text.count('"') % 2:
        for _, more in zip(range(HEADER_LINES - 1), lines, strict=False):
            text += " " + more[1].strip("\r\n")
            if text.count('"') % 2 == 0:
                break
    if not separator and comment and _is_data(text) and not _is_data(comment[1]):
        # the names are in a comment: `# time value`
        lines = chain([(number, text)], lines)
        number, text = comment[0], comment[1].lstrip(COMMENT).strip()
        skipped[0] -= 1
    start: list[tuple[int, str]] = []
    for at, line in lines:
        if not (line.startswith(COMMENT) or RULER.fullmatch(line)):
            start.append((at, line))
            break
        skipped[0] += 1
    separator = separator or _separator(text, start[0][1] if start else "")
    header = [name.strip() for name in _cells(number, text, separator)]
    while len(header) > 1 and not header[-1]:
        header.pop()
    torn: set[int] = set()
    rows = _rows(chain(start, lines), separator, skipped, torn)
    first = next(rows, None)
    return Table(header, number, separator, first[1] if first else None, chain([first] if first else [], rows), skipped, torn)


def _without_title(
    number: int, text: str, lines: Iterator[tuple[int, str]], skipped: list[int]
) -> tuple[int, str, Iterator[tuple[int, str]]]:
    """The header's line and those after it, where lines of one cell stand above: the title of a report."""
    read: list[tuple[int, str]] = [(number, text)]
    while _single(read[-1][1]) and len(read) <= TITLE_LINES:
        following = next(lines, None)
        if following is None:
            break
        read.append(following)
    if _single(read[-1][1]):
        return number, text, chain(read[1:], lines)
    skipped[0] += len(read) - 1
    return read[-1][0], read[-1][1].strip("\r\n"), lines


def _single(line: str) -> bool:
    return not any(separator in line for separator in SEPARATORS)


def _rows(
    lines: Iterator[tuple[int, str]], separator: str, skipped: list[int], torn: set[int]
) -> Iterator[tuple[int, list[str]]]:
    for number, line in lines:
        if line.startswith(COMMENT) or RULER.fullmatch(line):
            skipped[0] += 1
            continue
        row = _cells(number, line, separator)
        if line.count('"') % 2 and len(torn) < TORN:
            torn.add(number)
        if any(row):
            yield number, row
        else:
            skipped[0] += 1


def _cells(number: int, line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader((line.strip("\r\n"),), delimiter=separator), [])
    except csv.Error as error:
        raise UnreadableInput(f"line {number} is no CSV: {error}") from None


def _separator(header: str, first: str) -> str:
    """What splits both lines into as many cells; else what splits the header."""
    counts = {separator: (len(_cells(0, header, separator)), len(_cells(0, first, separator))) for separator in SEPARATORS}
    fitting = [separator for separator, (names, cells) in counts.items() if names > 1 and names == cells]
    fitting += [separator for separator, (names, cells) in counts.items() if names > 1 and (cells > 1 or not first.strip())]
    return fitting[0] if fitting else next((separator for separator, (names, _) in counts.items() if names > 1), ",")


def _is_data(text: str) -> bool:
    """Whether a line is rather data than names: it has more digits than letters."""
    return sum(c.isdigit() for c in text) > sum(c.isalpha() for c in text)


def _refuse(text: str) -> None:
    if text.lstrip()[:1] in ("{", "<") or text.lstrip()[:2] in ("[{", "[["):
        raise UnreadableInput(
            "this looks like JSON or HTML: save it as CSV (of JSON lines: jq -r '[.timestamp, .value] | @csv')"
        )
    if any(character < " " and character not in "\t\r\n" for character in text) or "\ufffd" in text[:4]:
        raise UnreadableInput("this is no text but binary data (a spreadsheet? compressed?): save it as CSV in UTF-8")


def shown(text: str) -> str:
    """``text`` as an error shows it."""
    return repr(text[:SHOWN])


def cell(text: str) -> str:
    """``text`` as a cell to be written: quoted where it must be."""
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n\r') else text
