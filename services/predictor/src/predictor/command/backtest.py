"""``backtest``: the forecasts that would have been made, and how they compare with the naive ones.

An origin is a number of rows of the file. So rows are taken as evenly spaced and in the order of the file, unlike in
``forecast``, which fills gaps and puts rows in order; where their times say otherwise, standard error tells.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from predictor import plugins
from predictor.command import grid
from predictor.command.files import opened
from predictor.command.forecast import COLUMNS, lines, steps
from predictor.command.progress import Progress
from predictor.command.rows import Notes, read
from predictor.command.tally import Tally
from predictor.errors import UnreadableInput
from predictor.forecasters import rolling, seasons
from predictor.forecasters.interface import Forecast
from predictor.ring import Floats


def run(options: argparse.Namespace) -> int:
    forecaster = plugins.forecaster(options.forecaster)
    times, values, step_s = _series(options.file, Notes())
    horizon = steps(options.horizon, step_s, "--horizon")
    given = steps(options.season, step_s, "--season") if options.season else None
    origins = range(max(1, int(len(values) * options.start)), len(values) - horizon + 1, options.every)
    if not origins:
        raise UnreadableInput(
            f"{len(values)} rows are too few to forecast {horizon} steps after the first {options.start:.4g} of them: "
            "a smaller --horizon or --from may do"
        )
    tally = Tally(values, given or seasons.find([values[: origins[-1]]], step_s))
    drawn: list[tuple[int, Forecast]] = []
    progress = Progress("forecasts")
    sys.stdout.write(f"origin,{COLUMNS}\n")
    made = rolling.backtest(forecaster, values, origins, horizon=horizon, season=given, step_s=step_s)
    for count, (origin, forecast) in enumerate(made, start=1):
        for line in lines(forecast):
            sys.stdout.write(f"{origin},{line}\n")
        tally.add(origin, forecast)
        if options.plot and (not drawn or origin >= drawn[-1][0] + horizon):  # drawn are those that do not overlap
            drawn.append((origin, forecast))
        progress.step(count, len(origins))
    progress.close()
    sys.stderr.write(tally.summary())
    if options.plot:
        from predictor.command import plot

        plot.backtest(options.plot, options.file, values, times, drawn)
    return 0


def _series(name: str, notes: Notes) -> tuple[Floats, Floats, float]:
    """Times (seconds since 1970, NaN: unreadable), values (NaN: missing) and the usual spacing of the rows."""
    with opened(name) as file:
        rows = [(row.at, row.value) for row in read(file, notes)]
        if not rows:
            raise UnreadableInput("there is no row in it after the header")
        times, values = np.array(rows).T
        if not np.isfinite(values).any():
            raise UnreadableInput("none of its rows has a value")
    notes.close()
    step_s = grid.spacing(times)
    odd = grid.uneven(times, step_s)
    if odd:
        notes.say(
            f"{odd} of {len(times)} rows do not come {step_s:g} s after the one before (a gap, a repetition, another order): "
            "all are taken as they stand, one step apart"
        )
    return times, values, step_s
