"""CSV files and pipes as people have them: opened, split into cells, and told apart from what is no such file.

What must be so: UTF-8 (or ASCII), cells separated by commas. Other encodings and separators are not guessed, since a wrong
guess makes wrong numbers; they are recognised, and the error says what to do.
"""

from __future__ import annotations

import contextlib
import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from predictor.errors import UnreadableInput

LONGEST = 16 << 20
"""Characters of one cell, more than a row of a wide file will ever have."""

SHOWN = 40
"""Characters of a cell that an error shows."""

SEPARATORS = ";\t|"
"""What stands between cells in files that are no CSV."""


def title(name: str) -> str:
    """What to call the file that the command line names so."""
    return "standard input" if name == "-" else name


@contextlib.contextmanager
def opened(name: str) -> Iterator[TextIO]:
    """The file ``name``, or standard input for ``-``, as text. Raises :class:`UnreadableInput`.

    One that is raised while the file is open is given the file's name.
    """
    with _file(name) as file:
        try:
            yield file
        except UnreadableInput as error:
            raise UnreadableInput(f"{title(name)}: {error}") from None


def _file(name: str) -> contextlib.AbstractContextManager[TextIO]:
    if name == "-":
        if sys.stdin is None:
            raise UnreadableInput("standard input is closed: name a file, or pipe one in")
        if isinstance(sys.stdin, io.TextIOWrapper):  # it is not where somebody put another reader there
            sys.stdin.reconfigure(encoding="utf-8-sig", errors="replace")
        return contextlib.nullcontext(sys.stdin)
    try:
        return Path(name).open(encoding="utf-8-sig", errors="replace", newline="")
    except IsADirectoryError:
        raise UnreadableInput(f"{name} is a folder: name one CSV file in it") from None
    except OSError as error:
        raise UnreadableInput(f"{name} cannot be read: {error.strerror}") from None


def cells(file: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Every line that is not empty, with its number. Raises :class:`UnreadableInput` where the first one shows no CSV.

    A line is a row, whatever its quotes say: one that is not closed would swallow all that follows, and a stream for ever.
    """
    csv.field_size_limit(LONGEST)
    first = True
    for number, line in enumerate(file, start=1):
        try:
            row = next(csv.reader((line,)), [])
        except csv.Error as error:
            raise UnreadableInput(f"line {number} is no CSV: {error}") from None
        if first:
            _refuse(row)
        if row:
            yield number, row
            first = False


def _refuse(row: list[str]) -> None:
    text = ",".join(row)
    if 3 * text.count("\0") > len(text):
        raise UnreadableInput("this looks like UTF-16, and must be UTF-8: iconv -f UTF-16 -t UTF-8 FILE")
    if any(character < " " and character not in "\t\r\n" for character in text):
        raise UnreadableInput("this is no text but binary data (a spreadsheet? compressed?), and must be CSV in UTF-8")
    if len(row) == 1:
        for separator in SEPARATORS:
            if separator in text:
                raise UnreadableInput(
                    f"line 1: the cells are separated by {separator!r}; it must be commas, with points in decimals"
                )


def shown(text: str) -> str:
    """``text`` as an error shows it."""
    return repr(text[:SHOWN]) + (" (a quote is not closed?)" if "," in text else "")


def cell(text: str) -> str:
    """``text`` as a cell to be written: quoted where it must be."""
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n\r') else text
