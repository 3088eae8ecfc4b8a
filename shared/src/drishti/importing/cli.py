"""``drishti import``: events out of CSV and NDJSON files, over HTTP to the gateway."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import threading
from pathlib import Path
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from drishti.errors import DrishtiError, UsageError
from drishti.gateway_client import GatewayClient, Interrupted
from drishti.importing.dry_run import dry_run
from drishti.importing.file_import import FileImport
from drishti.importing.mapping import Mapping
from drishti.importing.meter import Meter
from drishti.importing.progress_file import ProgressFile
from drishti.importing.rejects_file import RejectsFile
from drishti.importing.sending import Sender
from drishti.importing.source import Source
from drishti.measures import query_cli

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

WRONG_ROWS = 3

HELP = """Sends the rows of files as events. CSV has a header; NDJSON has an object in each line; both may be gzipped. What no
option names goes into the event's data; in CSV, numbers, true and false are what they look like. Without --event-type the lines
of NDJSON are events as `drishti export` writes them.

examples:
  drishti import visits.csv --event-type page_view --time at --user visitor --tz Europe/Berlin
  drishti import events.ndjson.gz --event-type name --time ts --user uid --dry-run
  zcat old.csv.gz | drishti import - --format csv --source old.csv --event-type order --text zip_code

An event's id is made of the file's name (or --source), the row's number and its text, so that a file that is imported again
counts nothing twice. Wrong rows are written to FILE.rejects.ndjson. FILE.import.json says how far the import is: an interrupted
one goes on there, and of a file that grew the new rows are sent.

The gateway and a producer's key are DRISHTI_URL and DRISHTI_API_KEY, else those of client.env in DRISHTI_HOME. Exit status: 0
all rows are accepted, 1 nothing more could be sent, 2 wrong usage, 3 some rows are wrong. docs/import-export.md says more.
"""


def add(topics: Subparsers) -> None:
    """Adds ``import`` to the command's topics."""
    text = "events out of CSV and NDJSON files"
    parser = topics.add_parser("import", help=text, description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.set_defaults(command=import_files)
    parser.add_argument("files", nargs="+", metavar="FILE", help="CSV or NDJSON, also gzipped; - for standard input")
    parser.add_argument("--format", choices=("csv", "ndjson"), help="of all files (without it as their names end)")
    parser.add_argument(
        "--delimiter", default=",", metavar="CHARACTER", help="between the cells of CSV (,); tab is written \\t"
    )
    parser.add_argument("--event-type", metavar="COLUMN|TYPE", help="the column with the type, or the type of all rows")
    parser.add_argument("--time", metavar="COLUMN", help="ISO 8601, or epoch in s, ms or µs (without it the time of arrival)")
    parser.add_argument("--user", metavar="COLUMN", help="the user's id")
    parser.add_argument("--session", metavar="COLUMN", help="the session's id")
    parser.add_argument("--event-id", metavar="COLUMN", help="the event's id (without it one is made)")
    parser.add_argument("--text", action="append", default=[], metavar="COLUMN", help="of CSV, stays a text; may be repeated")
    parser.add_argument("--tz", default="UTC", metavar="ZONE", help="zone of times that say none (UTC)")
    parser.add_argument("--source", metavar="NAME", help="part of the ids that are made, instead of the file's name")
    parser.add_argument("--restart", action="store_true", help="send all rows, also those that were sent before")
    parser.add_argument("--dry-run", action="store_true", help="send nothing; show the first events and each kind of fault")


async def import_files(given: argparse.Namespace) -> int:
    """Imports one file after the other; raises :class:`DrishtiError`."""
    stop = threading.Event()
    work = asyncio.ensure_future(asyncio.to_thread(_import_all, given, stop))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        stop.set()  # a batch that is on its way is waited for
        try:
            return await work
        except Interrupted:
            raise asyncio.CancelledError from None


def _import_all(given: argparse.Namespace, stop: threading.Event) -> int:
    delimiter = given.delimiter.replace("\\t", "\t")
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise UsageError("--delimiter: must be one character")
    sources = [Source(name, given.format, delimiter) for name in given.files]
    if given.event_type is None and any(source.is_csv for source in sources):
        raise UsageError("--event-type: rows of CSV need one, the name of a column or a type")
    address = None if given.dry_run else query_cli.address(os.environ)
    wrong = 0
    for source in sources:
        try:
            wrong += _import(given, source, address, stop)
        except UsageError as error:
            raise UsageError(f"{source.name}: {error}") from None
        except DrishtiError as error:
            raise DrishtiError(f"{source.name}: {error}") from None
    return WRONG_ROWS if wrong else 0


def _import(given: argparse.Namespace, source: Source, address: tuple[str, str] | None, stop: threading.Event) -> int:
    mapping, meter = _mapping(given, source), Meter(source)
    if address is None:
        return dry_run(source, mapping, meter, stop)
    sender = Sender(GatewayClient(*address, stop, meter.waits))
    rejects = RejectsFile(Path(f"{'stdin' if source.is_stdin else source.name}.rejects.ndjson"))
    return FileImport(source, mapping, sender, _progress(given, source, mapping, *address), rejects, meter, stop).run()


def _mapping(given: argparse.Namespace, source: Source) -> Mapping:
    try:
        zone = ZoneInfo(given.tz)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"--tz: {given.tz!r} is no time zone, such as Europe/Berlin") from None
    return Mapping(
        source=given.source or os.path.basename(source.name).removesuffix(".gz"),
        event_type=given.event_type,
        time=given.time,
        user=given.user,
        session=given.session,
        event_id=given.event_id,
        texts=tuple(given.text),
        zone=zone,
    )


def _progress(given: argparse.Namespace, source: Source, mapping: Mapping, url: str, key: str) -> ProgressFile | None:
    """Where what was sent is noted: with this key, to this gateway, as these events."""
    if source.is_stdin:
        return None
    by = hashlib.blake2b(key.encode(), digest_size=8).hexdigest()
    progress = ProgressFile(Path(f"{source.name}.import.json"), {"gateway": url, "key": by, "mapping": repr(mapping)})
    if given.restart:
        progress.path.unlink(missing_ok=True)
    return progress
