"""``python -m benchmarks``: all rows of the table, or those that are named."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import fields, replace

from benchmarks import (
    activity,
    backfill,
    compacting,
    erasing,
    explorer_floods,
    freshness,
    funnels,
    ingest,
    live_fan_out,
    machine,
    otlp,
    otlp_spans,
    paths,
    queries,
    retention,
    series,
    span_freshness,
    span_search,
    spans,
    stack,
    steady,
    storage,
    traced,
)
from benchmarks.processes import BenchmarkFailed
from benchmarks.rca import product
from benchmarks.session import Options, Session, session
from benchmarks.table import Result, render

ROWS: dict[str, tuple[Callable[[Session], Awaitable[Result]], str]] = {
    "batches": (ingest.batches, "gateway, arrays of 100 events, against a bare endpoint that publishes the body"),
    "single": (ingest.single, "gateway, one event a request, against the same"),
    "otlp-spans": (
        otlp_spans.by_http,
        "gateway, export requests of 100 spans by HTTP, against an endpoint that publishes the body",
    ),
    "otlp-spans-grpc": (otlp_spans.by_grpc, "the same by gRPC, against gRPC's own server that publishes the body"),
    "storage": (storage.storage, "a filled stream to committed rows and rollups, against COPY and INSERT alone"),
    "storage-defined": (storage.storage_defined, "the same with 20 metrics out of events and 10 KPIs defined"),
    "otlp-metrics": (otlp.metrics, "a filled stream of OTLP data points to committed rollups, against parsing the same bytes"),
    "spans": (spans.spans, "a filled stream of spans to committed rows and rollups, against parsing and grouping alone"),
    "span-search": (span_search.search, "searches among five million stored spans, and one trace of a thousand"),
    "explorer-floods": (
        explorer_floods.explorer_floods,
        "questions of the explorer to a tenant with traces of 10,000 and 100,000 spans, and stalls",
    ),
    "span-freshness": (span_freshness.freshness, "from sending a span to the API that shows it, at 2,000 spans/s"),
    "rca": (product.rca, "a recorded day of spans, logs and metrics through the product, and the root causes of its faults"),
    "freshness": (freshness.freshness, "from an event's 202 to the WebSocket frame that counts it, at 2,000 events/s"),
    "viewers": (
        live_fan_out.viewers,
        "a thousand viewers of one dashboard through the gateway, against `websockets`' broadcast",
    ),
    "viewers-stalled": (live_fan_out.stalled, "two thousand of them, with 50 that read nothing and with none"),
    "queries": (queries.queries, "twelve dashboard questions over 30 days of minutes, against the same over one day"),
    "funnel": (funnels.funnel, "a funnel over a month of events by user, against DuckDB over Parquet; and compaction"),
    "retention": (retention.retention, "weekly retention over the same month, against the same"),
    "activity": (activity.activity, "active users of each day, with a condition, over the same month, against the same"),
    "paths": (paths.paths, "paths of users within sessions over the same month, against the same"),
    "erase": (erasing.erase, "one user of the same month erased, from the order to the receipt"),
    "compacting": (compacting.compacting, "storing a backlog while as many events are compacted, against the same alone"),
    "series": (series.counted, "memory of analytics with 50,000 live series; the next one: of the predictor"),
    "series-watched": (series.watched, "memory of the predictor with 50,000 live series"),
    "steady": (steady.steady, "memory of analytics at 10,000 events/s; not among all rows, as it takes ten minutes"),
    "backfill": (
        backfill.backfill,
        "the history of a KPI out of stored events, against the plain GROUP BY; and live storing meanwhile",
    ),
    "traced-sampled": (traced.sampled, "`@trace_dharma_operation` on an async function, against OpenTelemetry's own decorator"),
    "traced-unsampled": (traced.unsampled, "the same where the sampler keeps no trace"),
    "memory": (stack.memory, "proportional set size of the whole demo"),
    "start": (stack.start, "`make run` to ready, with a new home and with an old one"),
}

BY_NAME = ("steady",)
"""Rows that are measured only where they are named."""

QUICK_SERIES_S = 90.0
QUICK_BACKFILL_EVENTS = 1_000_000

_ABOUT = """\
Measures what Drishti costs and prints one table in Markdown; progress goes to standard error.
Everything is started on free ports in a temporary folder and ended, also on Ctrl-C.

rows:
{rows}

examples:
  python -m benchmarks                       all rows, some half an hour; with --quick ten minutes
  python -m benchmarks single batches        two of them
  python -m benchmarks single --rounds 3     a quick look
  python -m benchmarks freshness --live-events 1 --live-rate 1000

The exit status is 0 when every row is as it must be, 1 when one is not, 2 when one could not be measured.
"""


def main(arguments: Sequence[str]) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    rows = list(dict.fromkeys(options.rows)) or [row for row in ROWS if row not in BY_NAME]
    if unknown := [row for row in rows if row not in ROWS]:
        parser.error(f"there is no row {unknown[0]!r}; there are {', '.join(ROWS)}")
    sizes = replace(Options(), **{name: getattr(options, name) for name in _size_names()})
    if options.quick:
        sizes = replace(
            sizes,
            series_seconds=min(sizes.series_seconds, QUICK_SERIES_S),
            backfill_events=min(sizes.backfill_events, QUICK_BACKFILL_EVENTS),
        )
    load = os.getloadavg()
    cores = machine.pin(options.cores)
    try:
        results = asyncio.run(_measure(rows, sizes))
    except asyncio.CancelledError:
        sys.stderr.write("stopped\n")
        return 128 + signal.SIGINT
    except BenchmarkFailed as failed:
        sys.stderr.write(f"{failed}\n")
        return 2
    sys.stdout.write(render(results, machine.describe(cores, load)))
    return 0 if all(result.met for result in results) else 1


async def _measure(rows: Sequence[str], options: Options) -> list[Result]:
    task = asyncio.current_task()
    assert task is not None
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, task.cancel)
    results = []
    with session(options) as run:
        for number, row in enumerate(rows, start=1):
            run.say(f"{row} ({number} of {len(rows)})")
            results.append(await ROWS[row][0](run))
            run.say(f"{row}: {results[-1].ours} {results[-1].ratio}")
    return results


def _size_names() -> list[str]:
    return [field.name for field in fields(Options)]


def _parser() -> argparse.ArgumentParser:
    rows = "\n".join(f"  {name:<11} {about}" for name, (_, about) in ROWS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=_ABOUT.format(rows=rows),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("rows", nargs="*", metavar="row", help="which rows; none: all")
    parser.add_argument("--cores", type=int, default=2, help="cores for everything together (2; 0: all)")
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"live series for {QUICK_SERIES_S:g} s instead of ten minutes, history of {QUICK_BACKFILL_EVENTS:,} events",
    )
    sizes = parser.add_argument_group("sizes")
    for field in fields(Options):
        kind = type(field.default)
        sizes.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default, help=f"({field.default})")
    return parser


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
