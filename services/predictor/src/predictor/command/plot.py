"""Pages that show what a command said: the series, the band, anomalies and forecasts. One file, opened in any browser.

Drawn by plotly, which is no part of the service: ``pip install 'drishti-predictor[plot]'``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from predictor.command.detect import Judged
from predictor.command.grid import Grid
from predictor.command.rows import Row
from predictor.detectors.interface import Anomaly
from predictor.errors import UnreadableInput
from predictor.forecasters.interface import Forecast
from predictor.ring import Floats

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SERIES, MODEL, ALARM = "#2563eb", "#d97706", "#dc2626"
FAINT, FAINTER = "rgba(217, 119, 6, 0.28)", "rgba(217, 119, 6, 0.14)"
QUIET = "rgba(107, 114, 128, 0.12)"

SHOWN_HISTORY = 5
"""Of the past, how many horizons are shown beside a forecast."""


def anomalies(out: Path, title: str, drawn: Sequence[tuple[Row, Judged]]) -> None:
    """The series, what was expected, and a mark where each incident began; shaded while learning."""
    timed = [(row, judged) for row, judged in drawn if row.at == row.at]
    times = _times(row.at for row, _ in timed)
    figure = _figure(title)
    lower, upper = (np.array([getattr(judged, name) for _, judged in timed], float) for name in ("lower", "upper"))
    _band(figure, times, lower, upper, "95 % expected", FAINT)
    figure.add_scatter(x=times, y=[j.expected for _, j in timed], name="expected", line={"color": MODEL, "width": 1})
    figure.add_scatter(x=times, y=[row.value for row, _ in timed], name="value", line={"color": SERIES, "width": 1.2})
    alarms = [(time, row, judged) for time, (row, judged) in zip(times, timed, strict=True) if judged.alarm]
    figure.add_scatter(
        x=[time for time, _, _ in alarms],
        y=[row.value for _, row, _ in alarms],
        text=[f"{_name(judged)}, score {judged.score:.6g}" for _, _, judged in alarms],
        name=f"anomaly ({len(alarms)})",
        mode="markers",
        marker={"color": ALARM, "size": 11, "symbol": "triangle-up"},
    )
    learning = [time for time, (_, judged) in zip(times, timed, strict=True) if judged.learning]
    if learning:
        figure.add_vrect(x0=learning[0], x1=learning[-1], fillcolor=QUIET, line_width=0, annotation_text="learning")
    _write(figure, out)


def forecast(out: Path, title: str, grid: Grid, found: Forecast) -> None:
    """The newest part of the series, and what comes next."""
    horizon = len(found.mean)
    shown = min(len(grid.values), max(SHOWN_HISTORY * horizon, 2))
    first = len(grid.values) - shown
    figure = _figure(f"{title}: {found.model}")
    past = _times(grid.times(first, shown))
    figure.add_scatter(x=past, y=grid.values[first:], name="value", line={"color": SERIES, "width": 1.2})
    _forecast(figure, _times(grid.times(len(grid.values), horizon)), found)
    _write(figure, out)


def wide(out: Path, title: str, histories: Sequence[Floats], found: Sequence[Forecast], names: Sequence[str]) -> None:
    """One series at a time, chosen in a list."""
    figure = _figure(title)
    each = 0
    for history, one in zip(histories, found, strict=True):
        before = len(figure.data)
        shown = min(len(history), SHOWN_HISTORY * len(one.mean))
        figure.add_scatter(
            x=np.arange(len(history) - shown, len(history)),
            y=history[-shown:],
            name="value",
            line={"color": SERIES, "width": 1.2},
        )
        _forecast(figure, list(range(len(history), len(history) + len(one.mean))), one)
        each = len(figure.data) - before
    for place, trace in enumerate(figure.data):
        trace.visible = place < each
    buttons = [
        {"label": name, "method": "update", "args": [{"visible": [p // each == i for p in range(each * len(found))]}]}
        for i, name in enumerate(names)
    ]
    figure.update_layout(updatemenus=[{"buttons": buttons, "x": 1, "xanchor": "right", "y": 1.13, "yanchor": "top"}])
    _write(figure, out)


def backtest(out: Path, title: str, values: Floats, times: Floats, found: Sequence[tuple[int, Forecast]]) -> None:
    """The series, and of the forecasts those that do not overlap."""
    figure = _figure(title)
    at: list[Any] = []
    mean: list[float] = []
    lower: list[float] = []
    upper: list[float] = []
    free = 0
    for origin, one in found:
        if origin < free:
            continue
        free = origin + len(one.mean)
        at += [*_times(times[origin:free]), None]
        mean += [*one.mean.tolist(), np.nan]
        lower += [*one.lower[1].tolist(), np.nan]
        upper += [*one.upper[1].tolist(), np.nan]
    _band(figure, at, np.array(lower), np.array(upper), "95 %", FAINT)
    figure.add_scatter(x=_times(times), y=values, name="value", line={"color": SERIES, "width": 1.2})
    figure.add_scatter(x=at, y=mean, name="forecast", line={"color": MODEL, "width": 1.6})
    _write(figure, out)


def _forecast(figure: Figure, times: Sequence[Any], found: Forecast) -> None:
    _band(figure, times, found.lower[1], found.upper[1], "95 %", FAINTER)
    _band(figure, times, found.lower[0], found.upper[0], "80 %", FAINT)
    figure.add_scatter(x=times, y=found.mean, name="forecast", line={"color": MODEL, "width": 1.6})


def _band(figure: Figure, times: Sequence[Any], lower: Floats, upper: Floats, name: str, fill: str) -> None:
    """The area between two lines, as one closed shape for each part that has no gap."""
    x: list[Any] = []
    y: list[float] = []
    known = np.concatenate([[False], np.isfinite(lower) & np.isfinite(upper), [False]]).astype(np.int8)
    change = np.diff(known)
    for start, end in zip(np.flatnonzero(change == 1).tolist(), np.flatnonzero(change == -1).tolist(), strict=True):
        x += [*times[start:end], *reversed(times[start:end]), None]
        y += [*lower[start:end].tolist(), *upper[start:end][::-1].tolist(), np.nan]
    figure.add_scatter(x=x, y=y, fill="toself", fillcolor=fill, line={"width": 0, "color": MODEL}, name=name, hoverinfo="skip")


def _figure(title: str) -> Figure:
    try:
        from plotly.graph_objects import Figure
    except ImportError:
        raise UnreadableInput("--plot needs plotly: pip install 'drishti-predictor[plot]'") from None
    return Figure(
        layout={
            "title": title.rsplit("/", 1)[-1],
            "template": "plotly_white",
            "hovermode": "x unified",
            "legend": {"orientation": "h", "y": -0.12},
            "margin": {"l": 60, "r": 20, "t": 70, "b": 40},
        }
    )


def _write(figure: Figure, out: Path) -> None:
    try:
        figure.write_html(out, include_plotlyjs=True, config={"displaylogo": False, "responsive": True})
    except OSError as error:
        raise UnreadableInput(f"{out} cannot be written: {error.strerror}") from None


def _times(seconds: Iterable[float]) -> list[datetime]:
    return [datetime.fromtimestamp(float(at), UTC) for at in seconds]


def _name(judged: Judged) -> str:
    kind = "anomaly" if judged.kind is Anomaly.NONE else judged.kind.name.lower()
    return kind + {1: ", up", -1: ", down"}.get(judged.direction, "")
