"""``python -m benchmarks.rca [FOLDER]``: which service is to blame, for every fault of a recorded day.

In this process alone, or with ``--product`` through gateway, bus, analytics and PostgreSQL."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine
from benchmarks.processes import BenchmarkFailed
from benchmarks.rca import converter, hard, product
from benchmarks.rca.direct import Buckets, read_logs
from benchmarks.rca.nezha import Day
from benchmarks.rca.quiet import Quiet
from benchmarks.rca.scoring import Judged, judge, share
from benchmarks.rca.synthetic import EXCEPTION, RETURN
from benchmarks.session import Options, Session, session


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rca", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="a day as Nezha has it; by default that of DRISHTI_DATA/nezha")
    parser.add_argument("--why", action="store_true", help="print the evidence against the first three suspects")
    parser.add_argument("--synthetic", type=int, default=24, metavar="N", help="that many synthetic faults of each kind (24)")
    parser.add_argument("--hard", type=int, default=0, metavar="N", help="that many hard faults of each kind, too (0)")
    parser.add_argument("--seed", type=int, default=1, help="of the synthetic faults")
    parser.add_argument(
        "--product", action="store_true", help="send the day to the whole product, and ask that (a few minutes)"
    )
    options = parser.parse_args(arguments)
    folder = product.folder_of(options.folder)
    if options.product:
        return through_product(folder)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            results = run(Day(folder, Path(scratch)), options)
    except BenchmarkFailed as failed:
        sys.stderr.write(f"{failed}\n")
        return 2
    say(f"top-1 {share(results, 1):.1f} %")
    say(f"top-3 {share(results, 3):.1f} %")
    return 0


def through_product(folder: Path) -> int:
    """The exit status is 1 where the figures are not as they must be."""
    load_before = os.getloadavg()

    async def ranked(run: Session) -> product.Run:
        task = asyncio.current_task()
        assert task is not None
        for signum in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(signum, task.cancel)
        return await product.ranked(run, folder, lambda one: say(product.line(one)))

    try:
        with session(Options()) as run:
            found = asyncio.run(ranked(run))
    except asyncio.CancelledError:
        sys.stderr.write("stopped\n")
        return 128 + signal.SIGINT
    except BenchmarkFailed as failed:
        sys.stderr.write(f"{failed}\n")
        return 2
    result = product.result(found)
    say(f"{result.sizes}; {'; '.join(result.notes)}")
    say(f"{result.ours}; must be {result.must_be}: {'met' if result.met else 'missed'}")
    for text in machine.describe(machine.pin(0), load_before):
        say(text)
    say(f"top-1 {share(found.ranked, 1):.1f} %")
    say(f"top-3 {share(found.ranked, 3):.1f} %")
    return 0 if result.met else 1


def run(day: Day, options: argparse.Namespace) -> list[Judged]:
    """Prints what becomes of each fault, of the recorded and then of the synthetic ones. Returns the recorded ones."""
    began = time.process_time()
    buckets = load(day)
    read = f"{buckets.spans} spans read in {time.process_time() - began:.1f} s of CPU"
    say(f"{day.name}: {read}, {day.unreadable} rows are unreadable")
    for kind in day.missing():
        say(f"there are no files of {kind}s: ranked without them")
    for reason, count in buckets.refused.items():
        say(f"{count} spans are refused for their {reason}")
    results = []
    kinds = defaultdict(list)
    for result in judge(buckets, day.faults()):
        show(result, options.why)
        results.append(result)
        kinds[result.fault.kind].append(result)
    for kind, group in sorted(kinds.items()):
        say(f"{kind:15} top-1 {sum(each.place == 1 for each in group)} of {len(group)}")
    say(f"{time.process_time() - began:.1f} s of CPU")
    del buckets
    if options.synthetic or options.hard:
        quiet = Quiet.of(day)
        for kind in (RETURN, EXCEPTION) if options.synthetic else ():
            group = list(quiet.judge(kind, options.synthetic, options.seed))
            for result in group if options.why else ():
                show(result, why=True)
            say(f"synthetic {kind:10} {len(group)} faults: top-1 {share(group, 1):.1f} %, top-3 {share(group, 3):.1f} %")
        if options.hard:
            show_hard(list(hard.faults(quiet, options.hard, options.seed)), options.why)
    return results


def show_hard(group: Sequence[hard.Hard], why: bool) -> None:
    """Prints the shares by everything that was drawn."""
    for each in group if why else ():
        show(each.result, why=True)
    for what, by in hard.GROUPS.items():
        parts: dict[str, list[hard.Hard]] = defaultdict(list)
        for each in group:
            parts[by(each.setting)].append(each)
        for name, part in sorted(parts.items()):
            say(f"hard, {what} {name:15} {len(part):4} faults: top-1 {share(part, 1):.1f} %, top-3 {share(part, 3):.1f} %")


def load(day: Day) -> Buckets:
    buckets = Buckets()
    logs = read_logs(message for rows in day.logs() for message in converter.logs(rows))
    for rows in day.spans():
        buckets.add_spans(converter.spans(rows), logs)
    for gauges in day.gauges():
        buckets.add_gauges(converter.gauges(gauges))
    return buckets


def show(result: Judged, why: bool) -> None:
    fault, ranking = result.fault, result.ranking
    first = "  ".join(f"{suspect.service} {suspect.score:.0f}" for suspect in ranking.suspects[:3])
    at = datetime.fromtimestamp(fault.at_s, UTC)
    said = f"{at:%H:%M:%S}  {fault.kind:15}{fault.service:30}rank {result.place or '-':<3} {ranking.traces:6} traces"
    say(f"{said}   {first} {ranking.note}")
    if why and result.about:
        say(f"          {result.about}")
    for suspect in ranking.suspects[:3] if why else ():
        say(f"          {' → '.join(suspect.path)}")
        for reason in suspect.evidence:
            say(f"              {reason.weight:.0f} {suspect.service}: {reason.words}")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
