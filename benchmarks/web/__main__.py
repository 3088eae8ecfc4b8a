"""``python -m benchmarks.web``: what the page costs, and how soon it shows what came, in one table.

The demo runs on free ports in a temporary folder, and all is ended afterwards. The exit status is 0 when every row is as it
must be, 1 when one is not, 2 when one could not be measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace

from playwright.async_api import Browser

from benchmarks import live_fan_out, machine
from benchmarks.processes import BenchmarkFailed
from benchmarks.session import Options, Session, session
from benchmarks.stack import local, running
from benchmarks.table import Result, render
from benchmarks.web.browser import launched
from benchmarks.web.memory import WINDOW_S, memory
from benchmarks.web.month import month
from benchmarks.web.opening import opening
from benchmarks.web.restart import restart
from benchmarks.web.screen import screen
from benchmarks.web.waterfall import waterfall

ROWS = ("screen", "opening", "memory", "restart", "month", "waterfall", "viewers", "viewers-stalled")
DEMO_ROWS = {"screen", "opening", "memory", "restart"}
MINUTES, QUICK_MINUTES = 30.0, 5.0
HISTORY_S = 60.0
"""So long the demo runs before anything is measured: every chart has a line then."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.web", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", metavar="row", help=f"which rows; none: all of {', '.join(ROWS)}")
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"how long the page is live for `memory` ({MINUTES:g})")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_MINUTES:g} minutes instead, and shorter viewers' rows")
    parser.add_argument("--cores", type=int, default=2, help="cores for everything together (2; 0: all)")
    options = parser.parse_args(arguments)
    rows = list(dict.fromkeys(options.rows)) or list(ROWS)
    if unknown := [row for row in rows if row not in ROWS]:
        parser.error(f"there is no row {unknown[0]!r}; there are {', '.join(ROWS)}")
    minutes = min(options.minutes, QUICK_MINUTES) if options.quick else options.minutes
    sizes = replace(Options(), viewer_seconds=5.0) if options.quick else Options()
    load = os.getloadavg()
    cores = machine.pin(options.cores)
    try:
        results = asyncio.run(_measure(rows, minutes, sizes))
    except asyncio.CancelledError:
        sys.stderr.write("stopped\n")
        return 128 + signal.SIGINT
    except BenchmarkFailed as failed:
        sys.stderr.write(f"{failed}\n")
        return 2
    sys.stdout.write(render(results, machine.describe(cores, load, (*machine.DISTRIBUTIONS, "playwright"))))
    return 0 if all(result.met for result in results) else 1


async def _measure(rows: Sequence[str], minutes: float, options: Options) -> list[Result]:
    task = asyncio.current_task()
    assert task is not None
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, task.cancel)
    results: list[Result] = []
    with session(options) as run:
        async with launched() as browser:
            if DEMO_ROWS & set(rows):
                results += await _demo(run, browser, rows, minutes)
            if "month" in rows:
                results += said(run, [await month(run, browser)])
            if "waterfall" in rows:
                results += said(run, await waterfall(run, browser))
        if "viewers" in rows:
            results.append(await live_fan_out.viewers(run))
        if "viewers-stalled" in rows:
            results.append(await live_fan_out.stalled(run))
    return results


async def _demo(run: Session, browser: Browser, rows: Sequence[str], minutes: float) -> list[Result]:
    results: list[Result] = []
    async with running(local("demo"), run.folder("demo") / "home") as stack:
        url, key = f"http://127.0.0.1:{stack.ports['GATEWAY_PORT']}", stack.client_env()["DRISHTI_API_KEY"]
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await asyncio.sleep(HISTORY_S)
        if "screen" in rows:
            results += said(run, await screen(browser, url, key))
        if "opening" in rows:
            results += said(run, [await opening(browser, url)])
        if "memory" in rows:
            window_s = max(0.0, WINDOW_S - (loop.time() - begun)) if minutes > QUICK_MINUTES else 0.0
            results += said(run, [await memory(run, browser, url, minutes, window_s)])
        if "restart" in rows:
            results += said(run, [await restart(browser, url, stack)])
    return results


def said(run: Session, results: list[Result]) -> list[Result]:
    """``results``, told as they come: a run takes long."""
    for result in results:
        run.say(f"{result.name}: {result.ours}")
        for note in result.notes:
            run.say(f"  {note}")
    return results


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
