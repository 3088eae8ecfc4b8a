"""``python -m benchmarks.incidents``: plants incidents, listens, marks."""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks import machine
from benchmarks.incidents import live, plan, report, simulated, traffic, truth
from benchmarks.incidents.heard import Heard
from benchmarks.incidents.plan import Plan
from benchmarks.incidents.score import Score, score
from benchmarks.incidents.traffic import Traffic
from benchmarks.incidents.truth import Truth
from benchmarks.processes import BenchmarkFailed
from benchmarks.session import Options, Session, session

_ABOUT = """\
Plants incidents on top of recorded load, listens to what the predictor says, and prints what it found and how soon.
Progress goes to standard error. The truth is written before the traffic begins, one incident a line.

kinds:
{kinds}

examples:
  python -m benchmarks.incidents                                the live product, one of each kind, some 31 minutes
  python -m benchmarks.incidents --kinds error_burst,model_slow --quiet-minutes 1
                                                                two of them, 11 minutes
  python -m benchmarks.incidents --simulate --runs 5            five seeds without servers, some 2 minutes
  python -m benchmarks.incidents --simulate --kinds none --calm-minutes 120 --runs 5
                                                                ten quiet hours: false alarms only

Each incident is found by the first alarm of a series that its truth names; seconds run from the start of the first affected
window until the alarm is on the bus. Alarms more than a minute after an incident are false; so is every alarm outside of one.
DRISHTI_DATA names the folder of the recorded load; without it, load is drawn with the same statistics.

The exit status is 0 when enough was found in time and few alarms were false, 1 when not, 2 when nothing could be measured.
"""


def main(arguments: Sequence[str]) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    kinds = [] if options.kinds == "none" else [kind for kind in options.kinds.split(",") if kind]
    try:
        plans = [
            plan.draw(
                seed,
                kinds=kinds,
                repeat=options.repeat,
                warm_up_s=round(options.warm_up_minutes * 60),
                quiet_s=round(options.quiet_minutes * 60),
                calm_s=round(options.calm_minutes * 60),
            )
            for seed in range(options.seed, options.seed + options.runs)
        ]
    except ValueError as error:
        parser.error(str(error))
    load = os.getloadavg()
    cores = machine.pin(options.cores)
    path = options.truth or Path(tempfile.gettempdir()) / f"drishti-incidents-{options.seed}.jsonl"
    try:
        with session(Options()) as run:
            total = _run(plans, run, path, simulate=options.simulate)
    except (asyncio.CancelledError, KeyboardInterrupt):
        sys.stderr.write("stopped\n")
        return 128 + signal.SIGINT
    except (BenchmarkFailed, OSError) as failed:
        sys.stderr.write(f"{failed}\n")
        return 2
    sys.stdout.write(report.render(total) + "\n" + "\n".join(machine.describe(cores, load)) + "\n")
    if options.marks:
        options.marks.write_bytes(msgspec.json.format(msgspec.json.encode(total)) + b"\n")
    return 0 if report.met(total) else 1


class _Book:
    """What was planted, in the file at ``path``: the runs so far, and the one that began at ``start``."""

    def __init__(self, path: Path) -> None:
        self.start = 0
        self.truths: list[Truth] = []
        self._path = path
        self._before: list[Truth] = []

    def open(self, happened: Traffic, start: int) -> None:
        self._before += self.truths
        self.start = start
        self.truths = plan.truths(happened.plan, happened.first, start)
        truth.write(self._path, self._before + self.truths)


def _run(plans: Sequence[Plan], run: Session, path: Path, *, simulate: bool) -> Score:
    data = Path(os.environ.get("DRISHTI_DATA") or "../shared/data")
    book = _Book(path)
    total = Score()
    for number, planned in enumerate(plans, start=1):
        happened = traffic.happen(planned, data)
        run.say(f"run {number} of {len(plans)}, seed {planned.seed}: {planned.seconds / 60:.0f} minutes, truth in {path}")
        if simulate:
            heard = _simulated(happened, book, run)
        else:
            heard = asyncio.run(_live(happened, run.folder(f"run-{number}") / "home", book, run))
        marks = score(book.truths, heard, begin=book.start, end=book.start + planned.seconds)
        total += marks
        detected = sum(outcome.within(report.WITHIN_S) for outcome in marks.outcomes)
        run.say(f"{detected} of {len(marks.outcomes)} found within {report.WITHIN_S:g} s, {len(marks.false)} false alarms")
    return total


def _simulated(happened: Traffic, book: _Book, run: Session) -> Heard:
    book.open(happened, simulated.START)
    return simulated.listen(happened, progress=lambda second: run.say(f"{second / 60:.0f} minutes simulated"))


async def _live(happened: Traffic, home: Path, book: _Book, run: Session) -> Heard:
    task = asyncio.current_task()
    assert task is not None
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, task.cancel)
    return await live.listen(happened, home, started=lambda start: book.open(happened, start), say=run.say)


def _count(text: str) -> int:
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{value} is less than 1")
    return value


def _minutes(text: str) -> float:
    if not 0 <= (value := float(text)) < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no length of time")
    return value


def _parser() -> argparse.ArgumentParser:
    about = {kind: f"{low:g} to {high:g}" for kind, (low, high) in plan.SEVERITY.items()}
    kinds = "\n".join(f"  {kind:<16} {plan.MEANING[kind]}: {size}" for kind, size in about.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.incidents",
        description=_ABOUT.format(kinds=kinds),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--simulate", action="store_true", help="aggregates straight into the engine, without servers")
    parser.add_argument("--kinds", default=",".join(plan.KINDS), help="which, separated by commas; none: none (all)")
    parser.add_argument("--repeat", type=_count, default=1, help="incidents of each kind in a run (1)")
    parser.add_argument("--seed", type=int, default=1, help="decides order, targets, severities and traffic (1)")
    parser.add_argument("--runs", type=_count, default=1, help="runs, with seeds from --seed on (1)")
    parser.add_argument("--warm-up-minutes", type=_minutes, default=5.5, help="before the first incident (5.5)")
    parser.add_argument("--quiet-minutes", type=_minutes, default=1.75, help="after each incident (1.75)")
    parser.add_argument("--calm-minutes", type=_minutes, default=0.0, help="without incidents, at the end (0)")
    parser.add_argument("--truth", type=Path, help="file for what was planted (one in the temporary folder)")
    parser.add_argument("--marks", type=Path, help="file for outcomes and false alarms, as JSON (none)")
    parser.add_argument("--cores", type=int, default=2, help="cores for everything together (2; 0: all)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
