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
from predictor.command.options import date_format, part, positive, share, span
from predictor.command.times.grid import MERGES

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_FORMAT = """\
input: a table in a text file, whose first line names the columns: separated by commas, semicolons, tabs or | (or as a line
`sep=;` says), in UTF-8, UTF-16 or Windows-1252. `timestamp` and `value` are used, else a column of times (date, ds, ...) and
the first one with numbers; --time and --value name others.

times: 2024-06-01 05:30:00, with Z, +02:00 or CEST, fractions, AM/PM; 2024-06-01 05; 2024-06-01; 1 Jun 2024; 2024-06; 2024-Q2;
2024-W22; 2024; or numbers, seconds (ms, us, ns) since 1970. UTC where they name no zone. 01/07/2024 is read where other rows
show which number is the day, or --date-format says it. Months, quarters and years are steps of the calendar.

numbers: 1024.5, 1,024.5, 1 024,5, 45%, 812 ms, 1.2 s, 3.4 MB, 1.2k, $5, (5), 1h 5m. Units of one column are converted to its
first. Where no row shows whether 1,024 is a thousand, the file is refused until --decimal says it. Empty, NaN, null, N/A and -
are missing values.

What became of every row is reported on standard error. Where more than 10 % of the rows cannot be used, or one that
cannot be read may be the highest or lowest of all, or three in succession cannot be read, the file is refused (exit status 1);
--unusable 30% goes on. Rows of several series are refused, or split: --by host. Rows that share a time are refused beyond
10 %, or made one: --merge mean.
"""

_DETECT = f"""\
Says of each row how unusual it is, knowing the rows before it and nothing else.

{_FORMAT}
output: timestamp,value,anomaly_score,is_anomaly - a line for each row, written at once (with --by, its columns first).
`anomaly_score`, 0 to 1, says how rare such a row is: in a series that goes on as before, no more than one in 1 / (1 - score)
is as unusual, and in a smooth one far fewer. `is_anomaly` is 1 where an incident begins; its other rows score 0.9 at most. One
that lasts is reported again after half a day (at least 12 rows, at most 200). --details adds what sort of anomaly, the expected
value and its 95 % band, and whether the series is still learnt (nothing is an anomaly then). Of an anomaly, `statistic` says
what decided: the row's value; the mean or scatter of the last ten; the distance of the last eight from the same hour of
yesterday or last week; or, of a silence, the count of values that came or the gap in seconds. Expected value and band are
those of it, and `observed`, its own value, is outside of the band.

A row that is not later than the rows before it, and one whose timestamp cannot be read, scores 0 and teaches nothing (but
after 100 of them in a row, the clock was set back). A pipe is answered row by row, with what the rows before show: what would
be refused in a file is reported, and the exit status is 1 at its end.

examples:
  python -m predictor detect cpu.csv > scored.csv
  python -m predictor detect cpu.csv --plot cpu.html
  python -m predictor detect fleet.csv --by host --value cpu
  python -m predictor detect report.csv --date-format day-first --decimal ,
  tail -n +1 -f metrics.csv | python -m predictor detect - --details
"""

_FORECAST = f"""\
Says what comes after the last row, with the intervals that hold 80 and 95 % of what comes.

{_FORMAT}
Rows are put on an even grid: a gap is a gap, the order does not matter.
--wide reads one series a row instead: its name, then its values, oldest first; rows may differ in length, and what the
series have in common is learnt from all of them. An empty cell between values, or NaN, is a missing value.

output: step,mean,lower80,upper80,lower95,upper95,timestamp (with --by, its columns first; --wide: the series first, and no
timestamp). Standard error says which model it was, the step, and the season: a model that loses against the seasonal naive
forecast on the series' own past is benched.

examples:
  python -m predictor forecast cpu.csv --horizon 6h
  python -m predictor forecast sales.csv --horizon 12mo            (monthly rows: 2019-07)
  python -m predictor forecast hourly.csv --horizon 48 --season 24 --plot next.html
  python -m predictor forecast fleet.csv --by host --horizon 1d
  python -m predictor forecast raw.csv --merge mean --horizon 1h
  python -m predictor forecast train.csv --wide --horizon 48 > forecasts.csv
"""

_BACKTEST = f"""\
Forecasts again and again along a file, each time knowing only the rows before, and says how good that was.

{_FORMAT}
Rows are taken as they stand, one step apart: a gap or another order is reported on standard error, and not corrected.
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
            importlib.import_module("predictor.command.results.plot").check(options.plot, options.file)
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
    detect.add_argument(
        "--details", action="store_true", help="more columns: kind, direction, expected, band, state, what decided"
    )

    forecast = _command(commands, "forecast", "say what comes next", _FORECAST)
    _horizon(forecast)
    forecast.add_argument("--wide", action="store_true", help="one series a row: name first, then its values")

    backtest = _command(commands, "backtest", "forecast along the past, and measure", _BACKTEST)
    _horizon(backtest)
    backtest.add_argument("--every", type=positive, required=True, metavar="N", help="rows from one forecast to the next")
    backtest.add_argument(
        "--from", dest="start", type=share, default=0.5, metavar="SHARE", help="share of the rows before the first one [0.5]"
    )
    return parser


def _command(commands: Subparsers, name: str, summary: str, about: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=summary, description=about, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("file", metavar="FILE", help="a CSV file, or - for standard input")
    parser.add_argument("--time", metavar="COLUMN", help="the column of times: its name, or its number")
    parser.add_argument("--value", metavar="COLUMN", help="the column of values, likewise")
    parser.add_argument(
        "--by",
        action="append",
        default=[],
        metavar="COLUMN",
        help="a column that names the series of a row (may be given again)",
    )
    parser.add_argument(
        "--date-format", metavar="F", type=date_format, help="day-first, month-first, s, ms, us, ns or as %%d/%%m/%%Y"
    )
    parser.add_argument(
        "--decimal", choices=(".", ","), metavar="MARK", help="the decimal mark, . or , (the other is the thousands')"
    )
    parser.add_argument(
        "--merge", choices=tuple(MERGES), metavar="HOW", help=f"what becomes of rows at the same time: {', '.join(MERGES)}"
    )
    parser.add_argument("--unusable", type=part, metavar="SHARE", help="rows that may be lost, such as 30%% [10%%]")
    parser.add_argument("--plot", type=Path, metavar="OUT.html", help="also draw it: a page that opens in any browser")
    return parser


def _horizon(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--horizon",
        required=True,
        type=span,
        metavar="H",
        help="how far: a number of steps, or a time such as 15m, 6h, 7d, 3mo, 1y",
    )
    parser.add_argument("--season", type=span, metavar="S", help="length of the main season, likewise [found in the data]")
    parser.add_argument("--forecaster", metavar="NAME", help="another forecaster than the default one")
