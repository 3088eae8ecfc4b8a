"""``drishti export``: the rows of a tenant into a file, over HTTP from the gateway."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, TypeAlias, cast, get_args

import msgspec

from drishti.errors import DrishtiError
from drishti.exporting.pages import pages
from drishti.gateway_client import GatewayClient, Interrupted
from drishti.measures import query_cli
from drishti.messages.export import Exported
from drishti.plain_text import escaped

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

NOTICE_S = 2.0
STDOUT = "-"

HELP = """Writes the rows of the tenant as they are stored when it begins: NDJSON, also gzipped, or Parquet, as the name of the
file says. Parquet needs `pip install 'drishti[parquet]'`. The file is there when it is whole; until then it is FILE.part.

examples:
  drishti export events --output events.ndjson.gz
  drishti export events --from now-7d --type page_view --type feedback --output week.parquet
  drishti export requests --from 2026-11-01 --to 2026-11-02 | wc -l

The gateway and an administrator's key are DRISHTI_URL and DRISHTI_API_KEY, else those of client.env in DRISHTI_HOME. Exit
status: 0 all rows are written, 1 there is no file. docs/import-export.md says more.
"""


def add(topics: Subparsers) -> None:
    """Adds ``export`` to the command's topics."""
    text = "the rows of the tenant into a file"
    parser = topics.add_parser("export", help=text, description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.set_defaults(command=export)
    parser.add_argument("rows", choices=get_args(Exported), help="which rows")
    parser.add_argument("--from", dest="from_", metavar="INSTANT", help="now-1d, now-1d/d, ISO 8601 (everything)")
    parser.add_argument("--to", metavar="INSTANT", help="the same (everything)")
    parser.add_argument("--type", action="append", default=[], metavar="TYPE", help="only events of this type; may be repeated")
    parser.add_argument(
        "--output", default=STDOUT, metavar="FILE", help=".ndjson, .ndjson.gz or .parquet; - for NDJSON on standard output (-)"
    )


async def export(given: argparse.Namespace) -> int:
    """Exports; raises :class:`DrishtiError`."""
    stop = threading.Event()
    work = asyncio.ensure_future(asyncio.to_thread(_export, given, stop))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        stop.set()
        with contextlib.suppress(Interrupted):
            await work
        raise
    return 0


def _export(given: argparse.Namespace, stop: threading.Event) -> None:
    chosen = [("from", given.from_), ("to", given.to), *(("type", one) for one in given.type)]
    name = given.output
    is_parquet = name.endswith(".parquet")
    if name != STDOUT and not is_parquet and not name.removesuffix(".gz").endswith((".ndjson", ".jsonl")):
        raise DrishtiError(f"--output: {name!r} must end in .ndjson, .ndjson.gz or .parquet")
    client = GatewayClient(*query_cli.address(os.environ), stop, lambda problem: _say(f"waits: {problem}"))
    batches = _noticed(client, given.rows, [(name, value) for name, value in chosen if value], stop)
    if name == STDOUT:
        _write_lines(sys.stdout.buffer, batches)
        sys.stdout.buffer.flush()
        return
    part = Path(f"{name}.part")
    try:
        with part.open("wb") as file:
            if is_parquet:
                _write_parquet(file, given.rows, batches)
            elif name.endswith(".gz"):
                with gzip.open(file, "wb", compresslevel=6) as packed:
                    _write_lines(cast(BinaryIO, packed), batches)
            else:
                _write_lines(file, batches)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, name)
    except OSError as error:
        raise DrishtiError(f"{name}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def _write_lines(file: IO[bytes], batches: Iterator[list[msgspec.Raw]]) -> None:
    for batch in batches:
        file.write(b"".join(bytes(row) + b"\n" for row in batch))


def _write_parquet(file: IO[bytes], rows: str, batches: Iterator[list[msgspec.Raw]]) -> None:
    try:
        from drishti.exporting import parquet  # the extra is for those who ask for it
    except ImportError:
        raise DrishtiError("Parquet needs another package: pip install 'drishti[parquet]'") from None
    parquet.write(file, rows, batches)


def _noticed(
    client: GatewayClient, rows: str, chosen: list[tuple[str, str]], stop: threading.Event
) -> Iterator[list[msgspec.Raw]]:
    """The rows of each page; says on standard error how far it is."""
    began = said = time.monotonic()
    count = 0
    for page in pages(client, rows, chosen):
        if stop.is_set():
            raise Interrupted
        if page.rows:
            yield page.rows
        count += len(page.rows)
        now = time.monotonic()
        if now - said >= NOTICE_S and page.cursor:
            said, took_s = now, now - began
            left = f", {took_s * (1 - page.done) / page.done:,.0f} s left" if page.done else ""
            _say(f"{count:,} {rows}, {page.done:.0%} read{left}")
    took_s = max(1e-6, time.monotonic() - began)
    _say(f"{count:,} {rows}, {count / took_s:,.0f} a second")


def _say(text: str) -> None:
    sys.stderr.write(f"{escaped(text)}\n")
