"""A file of rows, or standard input; gzip is known by its first bytes."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import sys
import zlib
from collections.abc import Collection, Iterator
from typing import IO, BinaryIO, cast

from drishti.errors import DrishtiError, UsageError
from drishti.importing.rows import Row, check_encoding, of_csv, of_ndjson, opened

STDIN = "-"
_GZIP = b"\x1f\x8b"


class Source:
    """``kind`` is csv or ndjson; without it the name of the file says which."""

    def __init__(self, name: str, kind: str | None, delimiter: str) -> None:
        self.name = name
        self.is_stdin = name == STDIN
        self._is_csv = (kind or self._kind(name)) == "csv"
        self._delimiter = delimiter
        self._raw: io.BufferedReader | None = None

    @staticmethod
    def _kind(name: str) -> str:
        stem = name.removesuffix(".gz")
        for kind, endings in (("csv", (".csv", ".tsv")), ("ndjson", (".ndjson", ".jsonl", ".json"))):
            if stem.endswith(endings):
                return kind
        raise UsageError(f"{name}: is it CSV or NDJSON? Say --format csv or --format ndjson")

    @property
    def is_csv(self) -> bool:
        return self._is_csv

    @contextlib.contextmanager
    def rows(self, columns: Collection[str]) -> Iterator[Iterator[Row]]:
        """All rows, of CSV with these ``columns``; raises :class:`DrishtiError`, also where one is read."""
        with contextlib.ExitStack() as stack:
            try:
                raw = sys.stdin.buffer if self.is_stdin else stack.enter_context(open(self.name, "rb"))
                self._raw = cast(io.BufferedReader, raw)
                plain: IO[bytes] = raw
                if self._raw.peek(2)[:2] == _GZIP:
                    plain = cast(BinaryIO, stack.enter_context(gzip.open(raw)))
                yield self._read(cast(io.BufferedReader, plain), columns)
            except OSError as error:
                raise DrishtiError(str(error.strerror or error)) from None

    def _read(self, plain: io.BufferedReader, columns: Collection[str]) -> Iterator[Row]:
        try:
            check_encoding(plain.peek(4)[:4])
            text = opened(plain)
            yield from of_csv(text, self._delimiter, columns) if self._is_csv else of_ndjson(text)
        except (OSError, EOFError, ValueError, zlib.error) as error:  # a broken disk, a cut or damaged gzip
            raise DrishtiError(str(error)) from None

    def share_read(self) -> float | None:
        """How much of the file was read; ``None`` where it is not known how long it is."""
        if self.is_stdin or self._raw is None or self._raw.closed:
            return None
        size = os.stat(self.name).st_size
        return self._raw.tell() / size if size else 1.0
