"""``backtest``: the forecasts that would have been made, and how they compare with the naive ones."""

from __future__ import annotations

import argparse
import sys

import numpy as np

from predictor import plugins
from predictor.command import grid
from predictor.command.forecast import COLUMNS, lines, steps
from predictor.command.progress import Progress
from predictor.command.rows import Notes, opened, read
from predictor.errors import UnreadableInput
from predictor.forecasters import rolling, seasons
from predictor.forecasters.interface import COVERAGES, Forecast
from predictor.ring import Floats, Ints


def run(options: argparse.Namespace) -> int:
    notes = Notes()
    with opened(options.file) as file:
        rows = list(read(file, notes))
    notes.close()
    step_s = grid.lay(rows).step
    values = np.array([row.value for row in rows])
    horizon = steps(options.horizon, step_s, "--horizon")
    given = steps(options.season, step_s, "--season") if options.season else None
    origins = np.arange(max(1, int(len(values) * options.start)), len(values) - horizon + 1, options.every)
    if not len(origins):
        raise UnreadableInput(
            f"{len(values)} rows are too few: none is left to forecast {horizon} steps from {options.start:.0%} on"
        )
    found = []
    progress = Progress("forecasts")
    sys.stdout.write(f"origin,{COLUMNS}\n")
    made = rolling.backtest(
        plugins.forecaster(options.forecaster), values, origins.tolist(), horizon=horizon, season=given, step_s=step_s
    )
    for origin, forecast in made:
        found.append((origin, forecast))
        for line in lines(forecast):
            sys.stdout.write(f"{origin},{line}\n")
        progress.step(len(found), len(origins))
    progress.close()
    season = given or seasons.find([values[: int(origins[-1])]], step_s)
    sys.stderr.write(_summary(values, origins, [forecast for _, forecast in found], horizon, season))
    if options.plot:
        from predictor.command import plot

        plot.backtest(options.plot, options.file, values, np.array([row.at for row in rows]), found)
    return 0


def _summary(values: Floats, origins: Ints, found: list[Forecast], horizon: int, season: int) -> str:
    """Mean absolute errors over all origins and steps whose value is known, and the intervals' coverage."""
    at = origins[:, None] + np.arange(horizon)
    real = values[at]
    known = np.isfinite(real)
    if not known.any():
        return "None of the values that were forecast is known.\n"
    said = np.array([forecast.mean for forecast in found])
    ours = _error(said, real)
    text = [
        f"{len(origins)} forecasts of {horizon} steps, trained on what came before: mean absolute error {ours:.6g}, "
        f"bias {np.nanmean(said - real):+.3g}\n"
    ]
    rivals = {"the last value": _naive(values, origins, horizon, 1)}
    if season > 1:
        rivals[f"the value {season} steps before"] = _naive(values, origins, horizon, season)
    for name, guess in rivals.items():
        error = _error(guess, real)
        ratio = f"{ours / error:.3f} of it" if error > 0 else "no error at all"
        text.append(f"  naive, {name}: {error:.6g} ({ratio})\n")
    for place, coverage in enumerate(COVERAGES):
        lower = np.array([forecast.lower[place] for forecast in found])
        upper = np.array([forecast.upper[place] for forecast in found])
        held = ((real >= lower) & (real <= upper))[known].mean()
        text.append(f"  the {coverage:.0%} interval held {held:.1%}\n")
    models = [forecast.model for forecast in found]
    counts = ", ".join(f"{name} {models.count(name)}" for name in sorted(set(models)))
    return "".join(text) + f"  models: {counts}\n"


def _naive(values: Floats, origins: Ints, horizon: int, season: int) -> Floats:
    """The newest known value at or before the row a season before the target; the season's row may be before the first."""
    at = origins[:, None] + np.arange(horizon)
    back = at - season * -(-(at - origins[:, None] + 1) // season)
    known = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), 0))
    result: Floats = values[known[np.maximum(back, 0)]]
    return result


def _error(guess: Floats, real: Floats) -> float:
    return float(np.nanmean(np.abs(guess - real)))
