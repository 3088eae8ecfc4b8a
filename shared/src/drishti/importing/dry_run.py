"""What an import would send, and what is wrong with the rows, by the rules of the gateway; nothing is sent."""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime

from drishti.errors import InvalidPayload
from drishti.events import EVENT_BYTES, AnalyticsEvent, BatchDecoder, time_window
from drishti.gateway_client import Interrupted
from drishti.importing.file_import import encoded, where
from drishti.importing.mapping import Mapping, WrongRow
from drishti.importing.meter import Meter
from drishti.importing.rows import Row
from drishti.importing.source import Source

SHOWN = 5
"""Events that are printed."""

_events = BatchDecoder(AnalyticsEvent)


def dry_run(source: Source, mapping: Mapping, meter: Meter, stop: threading.Event) -> int:
    """How many rows are wrong. Prints the first events, and each kind of fault with its first line and how many have it."""
    faults: dict[tuple[str, str], list[int]] = {}
    read = right = 0
    with source.rows(mapping.columns) as rows:
        for row in rows:
            if stop.is_set():
                raise Interrupted
            read = row.number
            try:
                text = _checked(mapping, row)
            except WrongRow as wrong:
                faults.setdefault((wrong.column, wrong.error), [row.line, 0])[1] += 1
                continue
            if right < SHOWN:
                sys.stdout.write(text.decode() + "\n")
            right += 1
            meter.notice(read, {"right": right, "wrong": read - right})
    for (column, error), (line, count) in faults.items():
        others = f" (and {count - 1:,} rows more)" if count > 1 else ""
        meter.say(where(line, column) + error + others)
    meter.notice(read, {"right": right, "wrong": read - right}, last=True)
    return read - right


def _checked(mapping: Mapping, row: Row) -> bytes:
    text = encoded(mapping, row)
    if len(text) > EVENT_BYTES:
        raise WrongRow(f"an event may have at most {EVENT_BYTES} bytes")
    try:
        event = _events.decode_item(text)
    except InvalidPayload as wrong:
        raise WrongRow(wrong.error, mapping.column_of(wrong.field)) from None
    if event.timestamp is not None and (error := time_window(datetime.now(UTC)).wrong(event.timestamp)):
        raise WrongRow(error, mapping.column_of("timestamp"))
    return text
