"""``forecast``: what comes after the last row, of one series, of each series of a long file, or of every row of a wide one."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from typing import TextIO

import numpy as np

from predictor import plugins
from predictor.command.horizon import steps
from predictor.command.input import keys
from predictor.command.input.account import REPEATED, Account
from predictor.command.input.columns import Reading
from predictor.command.input.files import cell, opened, shown, table
from predictor.command.input.rows import Reader, Row
from predictor.command.reading import read_series
from predictor.command.results.lines import COLUMNS, lines
from predictor.command.results.progress import Progress
from predictor.command.times import grid
from predictor.command.times.grid import Grid
from predictor.command.times.steps import Step, span, words
from predictor.command.values.quantities import Numbers, Unreadable
from predictor.errors import UnreadableInput
from predictor.forecasters import seasons
from predictor.forecasters.interface import Forecast, Forecaster, forecast
from predictor.forecasters.layout import SEEN
from predictor.series.ring import Floats

LONG_ONLY = ("time", "value", "by", "date_format", "merge", "unusable")
"""Options that say nothing of a wide file."""

MOST_DRAWN = 100
"""Series of one page, which are chosen in a list."""


def run(options: argparse.Namespace) -> int:
    forecaster = plugins.forecaster(options.forecaster)
    if options.wide:
        _wide(options, forecaster)
    else:
        _long(options, forecaster)
    return 0


def _long(options: argparse.Namespace, forecaster: Forecaster) -> None:
    reader, series, account = read_series(options, _laid)
    results: list[tuple[tuple[str, ...], Grid, Forecast]] = []
    progress = Progress("training" if len(series) == 1 else "series forecast")
    for done, (key, one) in enumerate(series.items(), start=1):
        results.append((key, one, _forecast(options, forecaster, key, one, account, progress if len(series) == 1 else None)))
        if len(series) > 1:
            progress.step(done, len(series))
    progress.close()
    names = "".join(f"{cell(reader.table.header[column])}," for column in reader.columns.by)
    sys.stdout.write(f"{names}{COLUMNS},timestamp\n")
    for key, one, made in results:
        ahead = one.times(len(one.values), len(made.mean))
        begin = "".join(f"{cell(part)}," for part in key)
        for line, wall in zip(lines(made), ahead, strict=True):
            sys.stdout.write(f"{begin}{line},{cell(reader.stamps.write(float(wall), one.offset))}\n")
    for key, _, made in results:
        name = f"{' '.join(key)}: " if key else ""
        sys.stderr.write(f"{name}{made.model}: {made.comment}\n")
    account.close(reader.table.comments)
    if options.plot:
        from predictor.command.results import plot

        if len(results) == 1:
            plot.forecast(options.plot, options.file, results[0][1], results[0][2])
        else:
            drawn = results[:MOST_DRAWN]
            histories, forecasts = [series.values for _, series, _ in drawn], [made for *_, made in drawn]
            plot.wide(options.plot, options.file, histories, forecasts, [" ".join(key) for key, *_ in drawn])


def _laid(reader: Reader, rows: Sequence[Row], reading: Reading, account: Account) -> Grid:
    """One series on its grid. Raises :class:`UnreadableInput` where its rows are of several."""
    for row in rows:
        if row.at == row.at and row.value == row.value:
            account.use(row.value, row.key)
    laid = grid.lay(rows, reading.merge or "last", reader.stamps.usual)
    lost = laid.shared + laid.near
    if reading.merge is None and reading.by != ("none",):
        known = [row for row in rows if row.at == row.at and row.value == row.value]
        why = (
            "share their time with another row"
            if laid.shared >= laid.near
            else f"are closer to another than half a step of {laid.grid.step}"
        )
        names = [reader.table.header[column] for column in reader.columns.others]
        repeated = laid.repeated if laid.shared else 0  # exact repetitions alone are harmless
        refused = keys.refusal(known, names, lost + repeated, why)
        if refused is not None:
            raise UnreadableInput(refused)
    if laid.repeated:
        account.drop(REPEATED, laid.repeated)
    if lost:
        account.merge(
            lost,
            f"--merge {reading.merge}" if reading.merge else "at one time the last counts; --merge mean|sum|... says otherwise",
        )
    if laid.disordered:
        account.say(f"{laid.disordered} rows come after a later one: they were put in order")
    return laid.grid


def _forecast(
    options: argparse.Namespace,
    forecaster: Forecaster,
    key: Sequence[str],
    series: Grid,
    account: Account,
    progress: Progress | None,
) -> Forecast:
    horizon = steps(options.horizon, series.step, "--horizon")
    season = steps(options.season, series.step, "--season") if options.season else None
    rows = len(series.values)
    if season is not None and season > 1 and rows < SEEN * season:
        account.say(
            f"--season: {rows} rows hold less than {SEEN} seasons of {span(season, series.step)}, so the model learns of none"
        )
    season = season or seasons.find([series.values], series.step.seconds)
    gaps = int((~np.isfinite(series.values)).sum())
    account.say(
        (f"{' '.join(key)}: " if key else "")
        + f"{rows} steps of {series.step}"
        + (f", {gaps} of them without a value" if gaps else "")
        + (f"; season: {span(season, series.step)}" if season > 1 else "; no season")
        + f"; forecast: {words(horizon, series.step)}"
    )
    step = progress.step if progress else None
    return forecast(forecaster, [series.values], horizon=horizon, season=season, step_s=series.step.seconds, progress=step)[0]


def _wide(options: argparse.Namespace, forecaster: Forecaster) -> None:
    given = [f"--{name.replace('_', '-')}" for name in LONG_ONLY if getattr(options, name)]
    if given:
        raise UnreadableInput(f"a wide file has one series a row: {', '.join(given)} cannot be given with it")
    for option in (options.horizon, options.season):
        if option is not None and option.timed:
            raise UnreadableInput("a wide file has no times: --horizon and --season must be numbers of steps")
    with opened(options.file) as file:
        names, histories, account = _read_wide(file, options.decimal)
    step = Step(1.0)
    horizon = steps(options.horizon, step, "--horizon")
    season = steps(options.season, step, "--season") if options.season else seasons.find(histories)
    progress = Progress("training")
    forecasts = forecast(forecaster, histories, horizon=horizon, season=season, progress=progress.step)
    progress.close()
    sys.stdout.write(f"series,{COLUMNS}\n")
    for name, one in zip(names, forecasts, strict=True):
        for line in lines(one):
            sys.stdout.write(f"{cell(name)},{line}\n")
    models = sorted({one.model for one in forecasts})
    said = ", ".join(f"{m} for {sum(o.model == m for o in forecasts)}" for m in models)
    sys.stderr.write(
        f"{len(forecasts)} series: {said}; {'season: ' + span(season, None) if season > 1 else 'no season'}\n{account}\n"
    )
    if options.plot:
        from predictor.command.results import plot

        plot.wide(options.plot, options.file, histories, forecasts, names)


def _read_wide(file: TextIO, decimal: str | None) -> tuple[list[str], list[Floats], str]:
    """Names, values (NaN: missing), and what became of the cells."""
    source = table(file)
    if source is None:
        raise UnreadableInput("there is nothing in it: a header and one series a row were expected")
    if len(source.header) > 1 and isinstance(value := Numbers(decimal or ".").read(source.header[1]), float) and value == value:
        raise UnreadableInput(
            f"line {source.line} is no header but a series: put a line of names before it, such as `id,V1,V2`"
        )
    if [name.lower() for name in source.header] == ["timestamp", "value"]:
        raise UnreadableInput(f"line {source.line} names `timestamp,value`, which is one series by time: leave out --wide")
    series: dict[str, tuple[int, list[str]]] = {}
    numbers = Numbers(decimal, separator=source.separator)
    for line, row in source.rows:
        name, texts = row[0].strip(), [text.strip() for text in row[1:]]
        while texts and not texts[-1]:
            texts.pop()
        if name in series:
            raise UnreadableInput(f"line {line}: there is another series {shown(name)} before it")
        series[name] = line, texts
        for text in texts:
            numbers.observe(text)
    if not series:
        raise UnreadableInput("there is no series in it after the header")
    numbers.settle()
    histories = [_history(numbers, name, line, texts) for name, (line, texts) in series.items()]
    used = sum(int(np.isfinite(values).sum()) for values in histories)
    read = sum(map(len, histories))
    said = f"values: {read} read = {used} used + {read - used} missing; those after the last value of a series are not counted"
    return list(series), histories, "\n".join([*numbers.remarks(), said])


def _history(numbers: Numbers, name: str, line: int, texts: Sequence[str]) -> Floats:
    values = []
    for place, text in enumerate(texts, start=2):
        value = numbers.read(text)
        if isinstance(value, Unreadable):
            raise UnreadableInput(f"line {line}, series {shown(name)}, cell {place}: {value.why}")
        values.append(value)
    if all(map(math.isnan, values)):
        raise UnreadableInput(f"line {line}, series {shown(name)}: it has no values")
    return np.array(values)
