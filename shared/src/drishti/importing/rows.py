"""The rows of CSV and NDJSON files, as they stand there. Pure."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import IO, Any, NamedTuple, NoReturn

from drishti.errors import UsageError
from drishti.events import EVENT_BYTES

MOST_CHARACTERS = 8 * EVENT_BYTES
"""A longer line is read over: there is no event in it that the gateway takes."""

NOT_UTF8 = "is not UTF-8"

_BYTE_ORDER_MARKS = (  # the longer first: UTF-32's begins with that of UTF-16
    ((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE), "UTF-32"),
    ((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE), "UTF-16"),
)


class Row(NamedTuple):
    """One row: its ``number`` from 1, the ``line`` at which it begins, its ``text``, and its values by column, or what is
    wrong. ``cells``: the values are texts, as CSV has them, and an empty one is none."""

    number: int
    line: int
    text: str
    values: dict[str, Any] | None
    error: str = ""
    cells: bool = False


def of_csv(text: IO[str], delimiter: str, wanted: Iterable[str]) -> Iterator[Row]:
    """The rows below a header. Raises :class:`UsageError` where that is none, or lacks a ``wanted`` column."""
    reader = csv.reader(_bounded(text), strict=True, delimiter=delimiter)
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise UsageError(f"the header is no CSV: {error}") from None
    if not _is_utf8("".join(header)):
        raise UsageError(
            "the header is not UTF-8: convert the file first, as `iconv -f LATIN1 -t UTF-8` does where it is Latin-1"
        )
    if doubled := next((name for name in header if header.count(name) > 1), None):
        raise UsageError(f"two columns are called {doubled!r}")
    for name in wanted:
        if name not in header:
            raise UsageError(f"there is no column {name!r}; there are {', '.join(header) or 'none'}")
    number, line = 0, reader.line_num + 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            yield Row(number, line, "", None, f"is no CSV: {error}")
        else:
            if cells:
                number += 1
                yield _csv_row(number, line, cells, header)
        line = reader.line_num + 1


def _csv_row(number: int, line: int, cells: list[str], header: list[str]) -> Row:
    text = json.dumps(cells)
    if len(cells) != len(header):
        return Row(number, line, text, None, f"has {len(cells)} columns, and the header {len(header)}")
    if not _is_utf8("".join(cells)):
        return Row(number, line, text, None, NOT_UTF8)
    return Row(number, line, text, dict(zip(header, cells, strict=True)), cells=True)


def of_ndjson(text: IO[str]) -> Iterator[Row]:
    """A row for each line that is not empty."""
    number = 0
    for line, raw in enumerate(_bounded(text), 1):
        if not (stripped := raw.strip()):
            continue
        number += 1
        if len(raw) >= MOST_CHARACTERS:
            yield Row(number, line, stripped[:80], None, f"has more than {MOST_CHARACTERS} characters")
            continue
        try:
            values = json.loads(stripped, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            yield Row(number, line, _printable(stripped), None, f"is no JSON: {error}")
            continue
        wrong = NOT_UTF8 if not _is_utf8(stripped) else "" if isinstance(values, dict) else "is no JSON object"
        yield Row(number, line, _printable(stripped), None if wrong else values, wrong)


def _bounded(text: IO[str]) -> Iterator[str]:
    """The lines of ``text``, of which one that is too long is cut, so that memory is bounded."""
    while line := text.readline(MOST_CHARACTERS):
        yield line
        while len(line) == MOST_CHARACTERS and not line.endswith(("\n", "\r")):
            line = text.readline(MOST_CHARACTERS)


def _is_utf8(text: str) -> bool:
    """Bytes that are not were read as halves of surrogate pairs."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _printable(text: str) -> str:
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def check_encoding(start: bytes) -> None:
    """Raises :class:`UsageError` where a file that begins with ``start`` says that it is not UTF-8."""
    for marks, name in _BYTE_ORDER_MARKS:
        if start.startswith(marks):
            raise UsageError(f"is {name}, not UTF-8: convert it first, as `iconv -f {name} -t UTF-8` does")


def opened(raw: IO[bytes]) -> IO[str]:
    """The text of a file; bytes that are no UTF-8 are a fault of their row alone."""
    return io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="")
