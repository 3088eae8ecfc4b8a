"""Pages that show what a command said: the series, the band, anomalies and forecasts. One file, opened in any browser.

Drawn by plotly, which is no part of the service: ``pip install 'drishti-predictor[plot]'``. Times are UTC.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from predictor.command.input import files
from predictor.command.input.rows import Row
from predictor.command.results.digits import enough, written
from predictor.command.results.judged import Judged
from predictor.command.times.grid import Grid
from predictor.detectors.interface import Anomaly
from predictor.errors import UnreadableInput
from predictor.forecasters.interface import Forecast
from predictor.series.ring import Bools, Floats

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SERIES, MODEL, ALARM = "#2563eb", "#d97706", "#dc2626"
FAINT, FAINTER = "rgba(217, 119, 6, 0.28)", "rgba(217, 119, 6, 0.14)"
QUIET = "rgba(107, 114, 128, 0.12)"

SHOWN_HISTORY = 5
"""Of the past, how many horizons are shown beside a forecast."""

DIGITS = 6
"""Fewest digits of numbers under the pointer (plotly's own would be 19.942k); large ones that differ little have more."""

Places = NDArray[Any]
"""Along the horizontal axis: times, or numbers of rows."""


def check(out: Path, source: str) -> None:
    """Raises :class:`UnreadableInput` where a page could not be drawn, or would overwrite what is read."""
    _figure("")
    if str(out) == "-":
        raise UnreadableInput("--plot: a page cannot go to standard output, where the rows go: name a file")
    if out.is_dir():
        raise UnreadableInput(f"--plot: {out} is a folder: name a file in it")
    if not out.absolute().parent.is_dir():
        raise UnreadableInput(f"--plot: there is no folder {out.absolute().parent}")
    if source != "-" and out.resolve() == Path(source).resolve():
        raise UnreadableInput(f"--plot would overwrite {source}: name another file")


def anomalies(out: Path, source: str, drawn: Collection[tuple[Row, Judged]]) -> None:
    """The series, what was expected, and a mark where each incident began; shaded while learning."""
    timed = [(row, judged) for row, judged in drawn if row.at == row.at]
    times = _times(np.array([row.at for row, _ in timed]))
    value = np.array([row.value for row, _ in timed])
    expected, lower, upper = (np.array([getattr(j, name) for _, j in timed], float) for name in ("expected", "lower", "upper"))
    figure = _figure(source, "time, UTC")
    _band(figure, times, lower, upper, "95 % expected", FAINT)
    _line(figure, times, expected, "expected", MODEL, 1.0, lower, upper)
    _line(figure, times, value, "value", SERIES, 1.2)
    alarms = [place for place, (_, judged) in enumerate(timed) if judged.alarm]
    figure.add_scatter(
        x=times[alarms],
        y=_newest(value)[alarms],  # silence has no value
        text=[f"{_name(judged)}, score {judged.score:.6g}" for _, judged in timed if judged.alarm],
        hovertemplate="%{text}",
        name=f"anomaly ({len(alarms)})",
        mode="markers",
        marker={"color": ALARM, "size": 11, "symbol": "triangle-up"},
    )
    learning: Bools = np.array([judged.learning for _, judged in timed], bool)
    if learning.any():
        first, last = np.flatnonzero(learning)[[0, -1]]
        style = {"fillcolor": QUIET, "line_width": 0, "annotation_text": "learning", "annotation_position": "top left"}
        figure.add_vrect(x0=times[first], x1=times[last], **style)
    _write(figure, out, source)


def forecast(out: Path, source: str, grid: Grid, result: Forecast) -> None:
    """The newest part of the series, and what comes next."""
    horizon = len(result.mean)
    first = len(grid.values) - _shown(len(grid.values), horizon)
    figure = _figure(source, "time, UTC", result.model)
    _line(figure, _times(grid.times(first, len(grid.values) - first)), grid.values[first:], "value", SERIES, 1.2)
    _forecast(figure, _times(grid.times(len(grid.values), horizon)), result)
    _write(figure, out, source)


def wide(out: Path, source: str, histories: Sequence[Floats], forecasts: Sequence[Forecast], names: Sequence[str]) -> None:
    """One series at a time, chosen in a list: each choice brings its own numbers."""
    figure = _figure(source, "row")
    choices = []
    for name, history, one in zip(names, histories, forecasts, strict=True):
        each = _figure("")
        shown = _shown(len(history), len(one.mean))
        _line(each, np.arange(len(history) - shown, len(history)), history[-shown:], "value", SERIES, 1.2)
        _forecast(each, np.arange(len(history), len(history) + len(one.mean)), one)
        if not figure.data:
            figure.add_traces(each.data)
        data = {"x": [trace.x for trace in each.data], "y": [_plain(trace.y) for trace in each.data]}
        data["customdata"] = [None if trace.customdata is None else _plain(trace.customdata) for trace in each.data]
        data["hovertemplate"] = [trace.hovertemplate for trace in each.data]
        choices.append({"label": html.escape(f"{name}: {one.model}"), "method": "restyle", "args": [data]})
    figure.update_layout(updatemenus=[{"buttons": choices, "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}])
    _write(figure, out, source)


def backtest(out: Path, source: str, values: Floats, times: Floats, forecasts: Sequence[tuple[int, Forecast]]) -> None:
    """The series, and forecasts that do not overlap."""
    figure = _figure(source, "time, UTC")
    places = _times(times)
    at: list[Places] = []
    said: list[Floats] = []
    for origin, one in forecasts:
        ahead = places[origin : origin + len(one.mean)]
        at.append(np.append(ahead, ahead[-1]))  # the last one for a gap
        said.append(np.pad([one.mean, one.lower[1], one.upper[1]], ((0, 0), (0, 1)), constant_values=np.nan))
    x, (mean, lower, upper) = np.concatenate(at), np.concatenate(said, axis=1)
    _band(figure, x, lower, upper, "95 %", FAINT)
    _line(figure, places, values, "value", SERIES, 1.2)
    _line(figure, x, mean, "forecast", MODEL, 1.2, lower, upper)
    _write(figure, out, source)


def _forecast(figure: Figure, places: Places, forecast: Forecast) -> None:
    _band(figure, places, forecast.lower[1], forecast.upper[1], "95 %", FAINTER)
    _band(figure, places, forecast.lower[0], forecast.upper[0], "80 %", FAINT)
    _line(figure, places, forecast.mean, "forecast", MODEL, 1.6, forecast.lower[1], forecast.upper[1])


def _line(
    figure: Figure,
    x: Places,
    y: Floats,
    name: str,
    color: str,
    width: float,
    lower: Floats | None = None,
    upper: Floats | None = None,
) -> None:
    """A line; the pointer shows its 95 % interval too, where there is one."""
    number = _format([*y, *(() if lower is None else lower), *(() if upper is None else upper)])
    hover = f"%{{y:{number}}}"
    interval = None
    if lower is not None and upper is not None:
        interval = np.column_stack([lower, upper])
        hover += f" (95 %: %{{customdata[0]:{number}}} to %{{customdata[1]:{number}}})"
    alone = _alone(y)
    dots = {"mode": "lines+markers", "marker": {"size": np.where(alone, 4, 0)}} if alone.any() else {"mode": "lines"}
    line = {"color": color, "width": width}
    figure.add_scatter(x=x, y=y, customdata=interval, hovertemplate=hover, name=name, line=line, **dots)


def _alone(y: Floats) -> Bools:
    """Values between gaps, which make no line."""
    known = np.concatenate([[False], np.isfinite(y), [False]])
    result: Bools = known[1:-1] & ~known[:-2] & ~known[2:]
    return result


def _band(figure: Figure, places: Places, lower: Floats, upper: Floats, name: str, fill: str) -> None:
    """The area between two lines, as one closed shape for each part that has no gap."""
    x: list[Places] = [places[:0]]
    y: list[Floats] = [lower[:0]]
    known = np.concatenate([[False], np.isfinite(lower) & np.isfinite(upper), [False]]).astype(np.int8)
    change = np.diff(known)
    for start, end in zip(np.flatnonzero(change == 1).tolist(), np.flatnonzero(change == -1).tolist(), strict=True):
        part = places[start:end]
        x += [part, part[::-1], part[:1]]
        y += [lower[start:end], upper[start:end][::-1], np.array([np.nan])]
    shape = {"fill": "toself", "fillcolor": fill, "line": {"width": 0, "color": MODEL}, "mode": "lines"}
    figure.add_scatter(x=np.concatenate(x), y=np.concatenate(y), name=name, hoverinfo="skip", **shape)


def _figure(source: str, along: str = "", model: str = "") -> Figure:
    try:
        from plotly.graph_objects import Figure
    except ImportError:
        raise UnreadableInput("--plot needs plotly: pip install 'drishti-predictor[plot]'") from None
    title = _called(source) + (f" <span style='color:{MODEL}'>{model}</span>" if model else "")
    return Figure(
        layout={
            "title": {"text": title, "x": 0, "xref": "paper", "y": 0.97, "yanchor": "top"},
            "template": "plotly_white",
            "hovermode": "x unified",
            "xaxis": {"title": along},
            "legend": {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"},
            "margin": {"l": 60, "r": 20, "t": 90, "b": 60},
        }
    )


def _write(figure: Figure, out: Path, source: str) -> None:
    figure.update_layout(yaxis={"hoverformat": _format([y for trace in figure.data for y in trace.y])})
    page: str = figure.to_html(include_plotlyjs=True, config={"displaylogo": False, "responsive": True})
    try:
        out.write_text(page.replace("<head>", f"<head><title>{_called(source)}</title>", 1), encoding="utf-8")
    except OSError as error:
        raise UnreadableInput(f"--plot: {out} cannot be written: {error.strerror}") from None


def _called(source: str) -> str:
    """What the page calls the file."""
    return html.escape(Path(files.title(source)).name)


def _shown(rows: int, horizon: int) -> int:
    return min(rows, max(SHOWN_HISTORY * horizon, 2))


def _times(seconds: Floats) -> Places:
    """To the millisecond; NaN is no time (NaT)."""
    known = np.isfinite(seconds)
    at = np.where(known, seconds * 1000.0, 0.0).astype("datetime64[ms]")
    at[~known] = np.datetime64("NaT")
    return at


def _newest(values: Floats) -> Floats:
    """Where a value is missing, the newest one before it."""
    known = np.where(np.isfinite(values), np.arange(len(values)), 0)
    result: Floats = values[np.maximum.accumulate(known)]
    return result


def _plain(numbers: Floats) -> list[Any]:
    """As lists, which choices of a page must hold, with as many digits as tell them apart."""
    digits = _digits(np.ravel(numbers).tolist())
    return [[_short(x, digits) for x in row] if isinstance(row, np.ndarray) else _short(row, digits) for row in numbers]


def _short(number: float, digits: int) -> float:
    return float(f"{number:.{digits}g}")


def _digits(numbers: Sequence[float]) -> int:
    known = [x for x in numbers if x == x]
    return enough(min(known), max(known), DIGITS) if known else DIGITS


def _format(numbers: Sequence[float]) -> str:
    return f".{_digits(numbers)}~g"


def _name(judged: Judged) -> str:
    kind = "anomaly" if judged.kind is Anomaly.NONE else judged.kind.name.lower()
    name = kind + {1: ", up", -1: ", down"}.get(judged.direction, "")
    if (reason := judged.reason) is None:
        return name
    texts = written((reason.observed, reason.lower, reason.upper), DIGITS)
    return f"{name}: {reason.statistic} {texts[0]}, usually {texts[1]} to {texts[2]}"
