"""``backtest``: the forecasts that would have been made, and how they compare with the naive ones.

An origin is a number of rows of the file, or of the series where there are several. So rows are taken as evenly spaced and in
the order of the file, unlike in ``forecast``, which fills gaps and puts rows in order; where their times say otherwise,
standard error tells.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from predictor import plugins
from predictor.command.horizon import steps
from predictor.command.input import keys
from predictor.command.input.account import SHARE, Account
from predictor.command.input.columns import Reading
from predictor.command.input.files import cell
from predictor.command.input.rows import Reader, Row
from predictor.command.reading import read_series
from predictor.command.results.lines import COLUMNS, lines
from predictor.command.results.progress import Progress
from predictor.command.results.tally import Tally
from predictor.command.times import grid
from predictor.command.times import steps as calendar
from predictor.command.times.steps import Step
from predictor.errors import UnreadableInput
from predictor.forecasters import rolling, seasons
from predictor.forecasters.interface import Forecast
from predictor.series.ring import Floats


@dataclass(frozen=True)
class Series:
    """Times (seconds since 1970, NaN: unreadable), values (NaN: missing), and the usual step of the rows."""

    times: Floats
    values: Floats
    step: Step


def run(options: argparse.Namespace) -> int:
    forecaster = plugins.forecaster(options.forecaster)
    reader, series, account = read_series(options, _series, merge=True)
    names = "".join(f"{cell(reader.table.header[column])}," for column in reader.columns.by)
    plans = {key: _plan(options, key, one) for key, one in series.items()}
    sys.stdout.write(f"{names}origin,{COLUMNS}\n")
    total, done = sum(len(origins) for _, origins in plans.values()), 0
    progress = Progress("forecasts")
    drawn: list[tuple[int, Forecast]] = []
    summaries = []
    for key, one in series.items():
        horizon, origins = plans[key]
        given = steps(options.season, one.step, "--season") if options.season else None
        tally = Tally(one.values, given or seasons.find([one.values[: origins[-1]]], one.step.seconds), one.step)
        made = rolling.backtest(forecaster, one.values, origins, horizon=horizon, season=given, step_s=one.step.seconds)
        begin = "".join(f"{cell(part)}," for part in key)
        for origin, forecast in made:
            for line in lines(forecast):
                sys.stdout.write(f"{begin}{origin},{line}\n")
            tally.add(origin, forecast)
            if options.plot and (not drawn or origin >= drawn[-1][0] + horizon):  # drawn are those that do not overlap
                drawn.append((origin, forecast))
            done += 1
            progress.step(done, total)
        summaries.append((f"{' '.join(key)}: " if key else "") + tally.summary())
    progress.close()
    sys.stderr.write("".join(summaries))
    account.close(reader.table.comments)
    if options.plot:
        from predictor.command.results import plot

        only = next(iter(series.values()))
        plot.backtest(options.plot, options.file, only.values, only.times, drawn)
    return 0


def _plan(options: argparse.Namespace, key: Sequence[str], series: Series) -> tuple[int, range]:
    """The horizon in steps, and the origins."""
    horizon, rows = steps(options.horizon, series.step, "--horizon"), len(series.values)
    origins = range(max(1, int(rows * options.start)), rows - horizon + 1, options.every)
    if not origins:
        name = f"series {' '.join(key)}: " if key else ""
        raise UnreadableInput(
            f"{name}{rows} rows are too few to forecast {horizon} steps after the first {options.start:.4g} of them: "
            "a smaller --horizon or --from may do"
        )
    if options.plot and key:
        raise UnreadableInput("--plot draws one series: leave out --by, or split the file")
    return horizon, origins


def _series(reader: Reader, rows: Sequence[Row], reading: Reading, account: Account) -> Series:
    """Of one series. Raises :class:`UnreadableInput` where its rows are of several, or in another order."""
    at, wall, values = np.array([(row.at, row.wall, row.value) for row in rows]).T
    if not np.isfinite(values).any():
        raise UnreadableInput("none of its rows has a value that can be used")
    for value in values[np.isfinite(values)].tolist():
        account.use(value, rows[0].key)
    step = grid.step_of(at, wall)
    timed = at[np.isfinite(at)]
    shared = len(timed) - len(np.unique(timed))
    names = [reader.table.header[column] for column in reader.columns.others]
    if reading.by != ("none",):
        refused = keys.refusal([row for row in rows if row.at == row.at], names, shared, "share their time with another row")
        if refused is not None:
            raise UnreadableInput(refused)
    back = int((np.diff(timed) < 0).sum())
    if back > SHARE * len(timed) and reading.unusable is None:
        newest = ": the newest come first, so turn the file round" if back == len(timed) - 1 else ": put them in order of time"
        raise UnreadableInput(f"{back} of {len(timed)} rows are earlier than the row before{newest}")
    if step.months:
        apart = np.diff(calendar.months(wall[np.isfinite(wall)]))
        odd = int((apart != step.months).sum()) + int((~np.isfinite(wall)).sum())
    else:
        odd = grid.uneven(at, step.seconds)
    if odd:
        account.say(
            f"{odd} of {len(at)} rows do not come {step} after the one before (a gap, a repetition, another order): "
            "all are taken as they stand, one step apart"
        )
    return Series(at, values, step)
