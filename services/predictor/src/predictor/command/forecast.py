"""``forecast``: what comes after the last row, of one series or of every row of a wide file."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from typing import TextIO

import numpy as np

from predictor import plugins
from predictor.command import grid
from predictor.command.files import cell, cells, opened, shown
from predictor.command.main import Span
from predictor.command.progress import Progress
from predictor.command.rows import Notes, number, read
from predictor.errors import UnreadableInput
from predictor.forecasters.interface import Forecast, Forecaster, forecast
from predictor.forecasters.layout import SEEN
from predictor.ring import Floats

COLUMNS = "step,mean,lower80,upper80,lower95,upper95"

MOST_STEPS = 100_000
"""A horizon beyond this is a slip of the finger."""

MISSING = ("", "nan", "na", "n/a", "null", "none")
"""What stands for a value that is not there in a wide file, where any other word is refused."""


def run(options: argparse.Namespace) -> int:
    forecaster = plugins.forecaster(options.forecaster)
    if options.wide:
        _wide(options, forecaster)
    else:
        _single(options, forecaster)
    return 0


def steps(span: Span, step_s: float, option: str) -> int:
    """``span`` in steps of ``step_s`` seconds. Raises :class:`UnreadableInput` where it is none."""
    count = round(span / step_s) if span.timed else round(span)
    if span.timed and count and count * step_s != span:
        sys.stderr.write(f"{option}: {span:g} s are no whole number of steps of the file ({step_s:g} s), {count} are taken\n")
    if count < 1:
        raise UnreadableInput(f"{option}: {span:g} s is less than one step of the file ({step_s:g} s)")
    if count > MOST_STEPS:
        raise UnreadableInput(f"{option}: {count:,} steps are more than {MOST_STEPS:,}")
    return count


def lines(found: Forecast) -> Iterator[str]:
    """One line a step, in the order of :data:`COLUMNS`."""
    (low80, low95), (high80, high95) = found.lower, found.upper
    for step, row in enumerate(zip(found.mean, low80, high80, low95, high95, strict=True), start=1):
        yield f"{step}," + ",".join(f"{x:.10g}" for x in row)


def _single(options: argparse.Namespace, forecaster: Forecaster) -> None:
    notes = Notes()
    with opened(options.file) as file:
        series = grid.lay(read(file, notes))
    notes.close()
    horizon = steps(options.horizon, series.step, "--horizon")
    season = steps(options.season, series.step, "--season") if options.season else None
    if season is not None and season > 1 and len(series.values) < SEEN * season:
        notes.say(f"--season: {len(series.values)} rows hold less than {SEEN} seasons of {season}, so the model learns of none")
    progress = Progress("training")
    found = forecast(forecaster, [series.values], horizon=horizon, season=season, step_s=series.step, progress=progress.step)[0]
    progress.close()
    sys.stdout.write(COLUMNS + "\n")
    for line in lines(found):
        sys.stdout.write(line + "\n")
    sys.stderr.write(f"{found.model}: {found.comment}\n")
    if options.plot:
        from predictor.command import plot

        plot.forecast(options.plot, options.file, series, found)


def _wide(options: argparse.Namespace, forecaster: Forecaster) -> None:
    for option in (options.horizon, options.season):
        if option is not None and option.timed:
            raise UnreadableInput("a wide file has no times: --horizon and --season must be numbers of steps")
    with opened(options.file) as file:
        names, histories = _read_wide(file)
    horizon = steps(options.horizon, 1.0, "--horizon")
    season = steps(options.season, 1.0, "--season") if options.season else None
    progress = Progress("training")
    found = forecast(forecaster, histories, horizon=horizon, season=season, progress=progress.step)
    progress.close()
    sys.stdout.write(f"series,{COLUMNS}\n")
    for name, one in zip(names, found, strict=True):
        for line in lines(one):
            sys.stdout.write(f"{cell(name)},{line}\n")
    models = sorted({one.model for one in found})
    sys.stderr.write(f"{len(found)} series: {', '.join(f'{m} for {sum(o.model == m for o in found)}' for m in models)}\n")
    if options.plot:
        from predictor.command import plot

        plot.wide(options.plot, options.file, histories, found, names)


def _read_wide(file: TextIO) -> tuple[list[str], list[Floats]]:
    rows = cells(file)
    header = next(rows, None)
    if header is None:
        raise UnreadableInput("there is nothing in it: a header and one series a row were expected")
    if len(header[1]) > 1 and not math.isnan(number(header[1][1])):
        raise UnreadableInput("line 1 is no header but a series: put a line of names before it, such as `id,V1,V2`")
    if [name.strip().lower() for name in header[1]] == ["timestamp", "value"]:
        raise UnreadableInput("line 1 names `timestamp,value`, which is one series by time: leave out --wide")
    found: dict[str, Floats] = {}
    for line, row in rows:
        name, texts = row[0].strip(), [text.strip() for text in row[1:]]
        while texts and not texts[-1]:
            texts.pop()
        values = np.array([number(text) for text in texts])
        absent = (text for text, value in zip(texts, values, strict=True) if math.isnan(value))
        wrong = next((text for text in absent if text.lower() not in MISSING), None)
        if wrong is not None:
            raise UnreadableInput(f"line {line}, series {shown(name)}: {shown(wrong)} is no number")
        if not np.isfinite(values).any():
            raise UnreadableInput(f"line {line}, series {shown(name)}: it has no values")
        if name in found:
            raise UnreadableInput(f"line {line}: there is another series {shown(name)} before it")
        found[name] = values
    if not found:
        raise UnreadableInput("there is no series in it after the header")
    return list(found), list(found.values())
