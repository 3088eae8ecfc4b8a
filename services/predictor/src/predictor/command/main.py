"""Which command, with which arguments; and how each of them may end."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO, TypeAlias

from drishti.errors import DrishtiError
from predictor.command import INTERRUPTED, NAMES

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_FORMAT = """\
input: CSV (commas, UTF-8) whose first line names the columns; `timestamp` and `value` are used, else the first ones. A
timestamp is ISO 8601 (UTC where it names no zone) or, in digits alone, seconds, milli-, micro- or nanoseconds since 1970.
"""

_DETECT = f"""\
Says of each row how unusual it is, knowing the rows before it and nothing else.

{_FORMAT}
output: timestamp,value,anomaly_score,is_anomaly - a line for each row, written at once. `anomaly_score`, 0 to 1, says how rare
such a row is: in a series that goes on as before, no more than one in 1 / (1 - score) is as unusual, and in a smooth one far
fewer. `is_anomaly` is 1 where an incident begins; its other rows score 0.9 at most. One that lasts is told again after half a
day (at least 12 rows, at most 200). --details adds what sort of anomaly, the expected value and its 95 % band, and whether
the series is still learnt (nothing is an anomaly then).

A value that is empty, a word or not finite counts as missing. A row that is not later than the rows before it, and one
whose timestamp cannot be read, scores 0 and teaches nothing (but after 100 of them in a row, the clock was set back). Standard
error tells how many there were.

examples:
  python -m predictor detect cpu.csv > scored.csv
  python -m predictor detect cpu.csv --plot cpu.html
  tail -n +1 -f metrics.csv | python -m predictor detect - --details
"""

_FORECAST = f"""\
Says what comes after the last row, with the intervals that hold 80 and 95 % of what comes.

{_FORMAT}
Rows are put on an even grid: a gap is a gap, of rows at the same time the last one counts, the order does not matter.
--wide reads one series a row instead: its name, then its values, oldest first; rows may differ in length, and what the
series have in common is learnt from all of them. An empty cell between values, or NaN, is a missing value.

output: step,mean,lower80,upper80,lower95,upper95 (--wide: with the series first). Standard error says which model it was:
one that loses against the seasonal naive forecast on the series' own past is benched.

examples:
  python -m predictor forecast cpu.csv --horizon 6h
  python -m predictor forecast hourly.csv --horizon 48 --season 24 --plot next.html
  python -m predictor forecast train.csv --wide --horizon 48 > forecasts.csv
"""

_BACKTEST = f"""\
Forecasts again and again along a file, each time knowing only the rows before, and says how good that was.

{_FORMAT}
Rows are taken as they stand, one step apart: a gap or another order is told on standard error, and not mended.
The first forecast is made at --from (a share of the rows), the next --every rows later, as long as --horizon rows remain.

output: origin,step,mean,lower80,upper80,lower95,upper95; origin is how many rows were known, step k is row origin + k
(counted from 1). Standard error compares with the naive forecasts: the last value, and the same time a season ago.

example:
  python -m predictor backtest minutes.csv --horizon 60 --every 97 --from 0.5 > forecasts.csv
"""


def main(arguments: Sequence[str]) -> int:
    parser = _parser()
    _mend_streams()
    options = parser.parse_args(arguments)
    try:
        if options.plot:  # before the work, not after it
            importlib.import_module("predictor.command.plot").check(options.plot, options.file)
        status: int = importlib.import_module(f"predictor.command.{options.command}").run(options)
        sys.stdout.flush()
        return status
    except DrishtiError as error:
        sys.stderr.write(f"predictor {options.command}: {error}\n")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `python -m predictor detect cpu.csv | head`
        sys.stdout = _nowhere()
        return 0
    except OSError as error:  # a full disk, say
        sys.stdout = _nowhere()
        sys.stderr.write(f"predictor {options.command}: reading or writing failed: {error.strerror}\n")
        return 1


def _mend_streams() -> None:
    """Streams that the caller closed lead nowhere; names of any language can be written."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")


def _nowhere() -> TextIO:
    """In place of a standard output that cannot be written, which the interpreter would try once more at its exit."""
    return open(os.devnull, "w", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m predictor", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="|".join(NAMES))

    detect = _command(commands, "detect", "score the rows of a series one by one", _DETECT)
    detect.add_argument("--detector", metavar="NAME", help="another detector than the default one")
    detect.add_argument("--details", action="store_true", help="more columns: kind, direction, expected, band, state")

    forecast = _command(commands, "forecast", "say what comes next", _FORECAST)
    _horizon(forecast)
    forecast.add_argument("--wide", action="store_true", help="one series a row: name first, then its values")

    backtest = _command(commands, "backtest", "forecast along the past, and measure", _BACKTEST)
    _horizon(backtest)
    backtest.add_argument("--every", type=_positive, required=True, metavar="N", help="rows from one forecast to the next")
    backtest.add_argument(
        "--from", dest="start", type=_share, default=0.5, metavar="SHARE", help="share of the rows before the first one [0.5]"
    )
    return parser


def _command(commands: Subparsers, name: str, summary: str, about: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=summary, description=about, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("file", metavar="FILE", help="a CSV file, or - for standard input")
    parser.add_argument("--plot", type=Path, metavar="OUT.html", help="also draw it: a page that opens in any browser")
    return parser


def _horizon(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--horizon", required=True, type=_span, metavar="H", help="how far: a number of steps, or a time such as 15m, 6h, 7d"
    )
    parser.add_argument("--season", type=_span, metavar="S", help="length of the main season, likewise [found in the data]")
    parser.add_argument("--forecaster", metavar="NAME", help="another forecaster than the default one")


UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Span(float):
    """A number of steps, or of seconds where ``timed``."""

    timed: bool = False


def _span(text: str) -> Span:
    unit = UNITS_S.get(text[-1:].lower())
    try:
        span = Span(float(text[:-1]) * unit if unit else int(text))
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number of steps nor a time such as 15m, 6h or 7d") from None
    if not 0 < span < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: must be more than 0, and finite")
    span.timed = unit is not None
    return span


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return number


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share: 0 or more, below 1")
    return share
