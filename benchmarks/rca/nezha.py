"""The files of a recorded day, as the Nezha data set has them: spans, log lines and gauges by pod, and the injected faults.

A folder holds ``<date>-fault_list.json`` and the archives ``<date>-{faultfree,trace,log,metric}.tar.xz`` of CSV files by minute
(metrics: by pod), or these files themselves in folders ``trace``, ``log`` and ``metric`` at any depth. Only traces must be
there. What is known to be wrong with them is mended here:

* a trace that straddles two files is in both, whole, and log rows are repeated where files meet: each counts once;
* the fault-free archive repeats the metric files of the whole day;
* a few log rows have a ``TimeUnixNano`` that overflowed: their ``Timestamp`` is right;
* ``inject_timestamp`` is a minute off for some faults: ``inject_time`` is right, where there is one.
"""

from __future__ import annotations

import contextlib
import csv
import json
import lzma
import re
import tarfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from benchmarks.processes import BenchmarkFailed

T = TypeVar("T")

ARCHIVES = ("faultfree", "trace", "log", "metric")
_POD = re.compile(r"-[0-9a-f]{6,10}-[0-9a-z]{5}$")
_NUMBER = re.compile(r"[0-9]+")
_NO_GAUGES = ("Time", "TimeStamp", "PodName")
csv.field_size_limit(1 << 24)


class Fault(NamedTuple):
    """What was done to which service, from when on (seconds since 1970)."""

    at_s: int
    service: str
    kind: str


class SpanRow(NamedTuple):
    """Times in nanoseconds; ``parent_id`` is empty at the root."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    pod: str
    name: str
    start_ns: int
    end_ns: int


class LogRow(NamedTuple):
    time_ns: int
    pod: str
    trace_id: bytes
    span_id: bytes
    text: str


class GaugeRow(NamedTuple):
    """One sample of every gauge of a pod."""

    time_ns: int
    pod: str
    values: tuple[tuple[str, float], ...]


def service_of(pod: str) -> str:
    """The name of the deployment: the pod's without the hash of its replica set and its own suffix."""
    return _POD.sub("", pod)


class Day:
    """One recorded day. ``scratch`` is an empty folder in which the archives are unpacked;
    ``unreadable`` counts rows that were left out."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        """Raises :class:`BenchmarkFailed` for a folder that is not in this layout."""
        lists = sorted(folder.rglob("*fault_list.json"))
        if len(lists) != 1:
            raise BenchmarkFailed(f"{folder}: must hold one file <date>-fault_list.json, and holds {len(lists)}")
        self._list = lists[0]
        self.name = lists[0].name.removesuffix("fault_list.json").strip("-_") or folder.name
        self.unreadable = 0
        self._folders = [folder, scratch]
        for name in ARCHIVES:
            for archive in sorted(folder.rglob(f"*{name}.tar*")):
                with _named(archive), tarfile.open(archive) as tar:
                    tar.extractall(scratch / archive.name, filter="data")
        self._faults = self._read_faults()
        if not self._files("trace"):
            raise BenchmarkFailed(
                f"{folder}: has no traces: neither {self.name}-trace.tar.xz nor a folder trace with CSV files"
            )

    def faults(self) -> list[Fault]:
        """In order of time."""
        return self._faults

    def missing(self) -> list[str]:
        """What there is nothing of: the ranking does without it."""
        return [kind for kind in ("log", "metric") if not self._files(kind)]

    def _read_faults(self) -> list[Fault]:
        with _named(self._list):
            content = json.loads(self._list.read_text(encoding="utf-8"))
            hours = content.values() if isinstance(content, dict) else [content]
            faults = [
                Fault(_injected_s(fault), service_of(fault["inject_pod"]), fault["inject_type"])
                for hour in hours
                for fault in hour
            ]
        if not faults:
            raise BenchmarkFailed(f"{self._list}: names no fault")
        return sorted(faults)

    def ended_ns(self) -> int:
        """When the last minute of spans was over; 0 where there are none."""
        newest = deque(self._tables("trace"), maxlen=1)
        starts = [span.start_ns for rows in newest for span in self._read(_span, rows)]
        return (max(starts) // 10**9 // 60 + 1) * 60 * 10**9 if starts else 0

    def spans(self) -> Iterator[list[SpanRow]]:
        """By file, in order of time; every trace is whole in one of them."""
        seen: set[bytes] = set()
        for rows in self._tables("trace"):
            spans = [span for span in self._read(_span, rows) if span.trace_id not in seen]
            seen.update(span.trace_id for span in spans)
            yield spans

    def logs(self) -> Iterator[list[LogRow]]:
        """By file, in order of time."""
        before: set[LogRow] = set()
        for rows in self._tables("log"):
            lines = set(self._read(_line, rows))
            yield sorted(lines - before)
            before = lines

    def gauges(self) -> Iterator[list[GaugeRow]]:
        """By pod."""
        for rows in self._tables("metric"):
            found: dict[int, GaugeRow] = {}
            for row in rows:
                if "PodName" not in row:
                    break
                for sample in self._read(_sample, [row]):
                    found[sample.time_ns] = sample
            if found:
                yield [found[time_ns] for time_ns in sorted(found)]

    def _tables(self, kind: str) -> Iterator[list[dict[str, str]]]:
        """The rows of each CSV file of a kind, in order of the times that are their names. Of equal metric files one."""
        files = self._files(kind)
        if kind == "metric":
            files = list({path.name: path for path in files}.values())
        for path in files:
            with path.open(encoding="utf-8", errors="replace", newline="") as lines:
                yield list(csv.DictReader(lines))

    def _files(self, kind: str) -> list[Path]:
        files = {path for folder in self._folders for path in folder.rglob(f"{kind}/*.csv")}
        return sorted(files, key=lambda path: ([int(number) for number in _NUMBER.findall(path.name)], path.name, path))

    def _read(self, read: Callable[[dict[str, str]], T], rows: Iterable[dict[str, str]]) -> Iterator[T]:
        for row in rows:
            try:
                yield read(row)
            except (ValueError, KeyError, TypeError, AttributeError):
                self.unreadable += 1


def _span(row: dict[str, str]) -> SpanRow:
    return SpanRow(
        bytes.fromhex(row["TraceID"]),
        bytes.fromhex(row["SpanID"]),
        b"" if row["ParentID"] == "root" else bytes.fromhex(row["ParentID"]),
        row["PodName"],
        row["OperationName"],
        int(row["StartTimeUnixNano"]),
        int(row["EndTimeUnixNano"]),
    )


def _sample(row: dict[str, str]) -> GaugeRow:
    values = ((name, float(value)) for name, value in row.items() if name not in _NO_GAUGES and value not in ("", "NaN"))
    return GaugeRow(int(float(row["TimeStamp"])) * 10**9, row["PodName"], tuple(values))


def _injected_s(fault: dict[str, str]) -> int:
    if text := fault.get("inject_time"):
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    return int(float(fault["inject_timestamp"]))


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Says which file it is that cannot be read."""
    try:
        yield
    except (OSError, tarfile.TarError, lzma.LZMAError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BenchmarkFailed(f"{path}: cannot be read: {type(error).__name__}: {error}") from error


def _line(row: dict[str, str]) -> LogRow:
    return LogRow(_time_ns(row), row["PodName"], bytes.fromhex(row["TraceID"]), bytes.fromhex(row["SpanID"]), _text(row["Log"]))


def _time_ns(row: dict[str, str]) -> int:
    at = int(row["TimeUnixNano"])
    if at > 0:
        return at
    text = row["Timestamp"].removesuffix("Z")
    seconds, _, fraction = text.partition(".")
    whole = int(datetime.fromisoformat(seconds).replace(tzinfo=UTC).timestamp())
    return whole * 10**9 + int(fraction[:9].ljust(9, "0") or 0)


def _text(column: str) -> str:
    """What the program wrote, out of what the container's runtime made of it."""
    try:
        text = str(json.loads(column)["log"])
    except (ValueError, KeyError, TypeError):
        return column
    if text.startswith("{"):
        try:
            fields = json.loads(text)
            return f"{str(fields.get('severity', '')).upper()} {fields['message']}"
        except (ValueError, KeyError, TypeError):
            return text
    return text
