"""The import of one file.

How this works
--------------
Rows are read one by one and sent in batches; a batch that the gateway has is noted in the progress file, with a digest of the
texts of all rows up to there. The next import of the file reads these rows again without sending them; where their digest is
another one, the file is another one, too, and everything is sent. Whoever is killed between the answer and the note sends a
batch twice: its events have the same ids, so each counts once.
"""

from __future__ import annotations

import hashlib
import json
import threading

from drishti.errors import DrishtiError
from drishti.gateway_client import Interrupted
from drishti.importing.mapping import Mapping, WrongRow
from drishti.importing.meter import Meter
from drishti.importing.progress_file import Done, ProgressFile
from drishti.importing.rejects_file import RejectsFile
from drishti.importing.rows import Row
from drishti.importing.sending import Rejection, Sender
from drishti.importing.source import Source

BATCH, BATCH_BYTES = 5_000, 768 * 1024
"""Events and bytes of one request; by default the gateway takes 10,000 and 1 MiB."""

SHOWN = 5
"""Wrong rows that are named on standard error, besides their number."""


def encoded(mapping: Mapping, row: Row) -> bytes:
    """The JSON of the event that ``row`` is; raises :class:`WrongRow`."""
    try:
        return json.dumps(mapping.event(row), allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        raise WrongRow("has a number or a nesting that JSON cannot carry") from None


class FileImport:
    """``run`` once. ``progress`` is where it is noted how far the import is; a pipe cannot be read again and has none."""

    def __init__(
        self,
        source: Source,
        mapping: Mapping,
        sender: Sender,
        progress: ProgressFile | None,
        rejects: RejectsFile,
        meter: Meter,
        stop: threading.Event,
    ) -> None:
        self._source = source
        self._mapping = mapping
        self._sender = sender
        self._progress = progress
        self._rejects = rejects
        self._meter = meter
        self._stop = stop
        self._begin(Done())

    def _begin(self, done: Done) -> None:
        self._digest = hashlib.blake2b(digest_size=16)
        self._accepted, self._wrong, self._read = done.accepted, done.wrong, 0
        self._batch: list[Row] = []
        self._events: list[bytes] = []
        self._bytes = 0

    def run(self) -> int:
        """How many rows are wrong; raises :class:`DrishtiError`, and :class:`Interrupted` where ``stop`` was set."""
        done = self._progress.read() if self._progress is not None else Done()
        try:
            if not self._go_on_after(done):
                self._meter.say("rows that were sent before have changed: begins anew")
                self._go_on_after(Done())
        finally:
            self._rejects.close()
        self._notice(last=True)
        return self._wrong

    def _go_on_after(self, done: Done) -> bool:
        """Sends the rows after those that are ``done``; ``False`` where these have changed."""
        self._begin(done)
        with self._source.rows(self._mapping.columns) as rows:
            for row in rows:
                if self._stop.is_set():
                    raise Interrupted
                self._read = row.number
                self._digest.update(row.text.encode("utf-8", "surrogatepass") + b"\n")
                if row.number < done.rows:
                    continue
                if row.number == done.rows:
                    if self._digest.hexdigest() != done.digest:
                        return False
                    self._meter.skipped(done.rows)
                    continue
                if row.number == done.rows + 1:
                    self._rejects.keep(done.rejects_bytes)
                self._take(row)
                self._notice()
            if self._read < done.rows:
                return False
            self._flush()
        return True

    def _take(self, row: Row) -> None:
        try:
            event = encoded(self._mapping, row)
        except WrongRow as wrong:
            self._reject(row, wrong.error, wrong.column)
            return
        self._batch.append(row)
        self._events.append(event)
        self._bytes += len(event)
        if len(self._batch) >= BATCH or self._bytes >= BATCH_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._batch:
            rejections = self._send()
            self._accepted += len(self._batch) - len(rejections)
            for one in rejections:
                self._reject(self._batch[one.place], one.error, self._mapping.column_of(one.field))
            self._batch, self._events, self._bytes = [], [], 0
        if self._progress is not None:
            done = Done(
                rows=self._read,
                digest=self._digest.hexdigest(),
                accepted=self._accepted,
                wrong=self._wrong,
                rejects_bytes=self._rejects.written(),
            )
            self._progress.write(done)

    def _send(self) -> list[Rejection]:
        try:
            return self._sender.send(self._events)
        except DrishtiError as error:
            again = "" if self._progress is None else f"; the same command goes on after row {self._progress.read().rows:,}"
            raise DrishtiError(f"{error}{again}") from None

    def _reject(self, row: Row, error: str, column: str) -> None:
        self._wrong += 1
        if self._wrong <= SHOWN:
            self._meter.say(where(row.line, column) + error)
        self._rejects.add(row, error, column)

    def _notice(self, *, last: bool = False) -> None:
        self._meter.notice(self._read, {"accepted": self._accepted, "wrong": self._wrong}, last=last)


def where(line: int, column: str) -> str:
    return f"line {line}, column {column}: " if column else f"line {line}: "
