"""What the engine has to say of a series. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from predictor.anomalies.incidents import JUDGED_BY
from predictor.anomalies.lifecycle import Change, Phase
from predictor.anomalies.minutes import Said
from predictor.seconds.detector import MODEL
from predictor.seconds.verdicts import Statistic, Verdicts
from predictor.series.history import STEPS_S
from predictor.series.table import SeriesTable
from predictor.series.watch import SeriesKey, Watch

UNWATCHED = "it is not watched any more"
REDEFINED = "it is measured or judged in another way from now on"
OVER_BUDGET = "not watched: budget"
"""Why a series is not judged any more, and its incident ended: by the definition of its metric, or for lack of room."""


@dataclass(frozen=True)
class Lack:
    """Why a series is not judged: its window of ``window_s`` seconds held ``held`` of ``needed`` observations (of a rate:
    expected events); or too little of its past is known, where it is not ``ready``."""

    held: float
    needed: float
    window_s: float
    ready: bool = True


@dataclass(frozen=True)
class Finding:
    """One thing to tell about a series: a change of an incident, or of what is known (``learning``, ``ready``, not judged).

    ``value``, ``expected``, ``lower`` and ``upper`` are of one ``statistic`` of ``window_s`` seconds, which ended with second
    ``judged_at`` (``None``: with ``at``) and held ``weight`` observations; NaN where there is none. ``observed`` and ``usual``
    are in the metric's unit. ``lack`` is there where the series is not judged now.
    """

    key: SeriesKey
    watch: Watch
    at: int
    change: Change | None
    ready: bool
    score: float
    value: float
    expected: float
    lower: float
    upper: float
    confidence: float = 1.0
    model: str = MODEL
    """Which detector says so: that of seconds, or that of minutes."""
    statistic: Statistic = Statistic.MEAN
    window_s: float = 0.0
    weight: float = 0.0
    observed: float = math.nan
    usual: float = math.nan
    judged_at: int | None = None
    lack: Lack | None = None
    judgement: bool | None = None
    """Of a series without a ``change``: that it is judged again, or is not judged now."""
    reason: str | None = None
    """Why the series is not watched any more, where that ended the incident."""


def ended(table: SeriesTable, change: Change, at: int, model: str, reason: str) -> Finding:
    """The end of an incident of a series that is not judged any more."""
    return Finding(
        key=table.keys[change.row], watch=table.watches[change.row], at=at, change=change, ready=True, score=0.0,
        value=math.nan, expected=math.nan, lower=math.nan, upper=math.nan, model=model, reason=reason,
    )  # fmt: skip


def of_minute(table: SeriesTable, change: Change, said: Said, end_s: int, model: str) -> Finding:
    """A change that the minute before ``end_s`` made."""
    index, watch = change.index, table.watches[change.row]
    judged = bool(said.judged[index])
    return Finding(
        key=table.keys[change.row],
        watch=watch,
        at=end_s,
        change=change,
        ready=not said.learning[index],
        score=float(said.score[index]),
        value=float(said.value[index]),
        expected=float(said.expected[index]),
        lower=float(said.lower[index]),
        upper=float(said.upper[index]),
        confidence=float(said.confidence[index]),
        model=model,
        statistic=Statistic(int(said.statistic[index])),
        window_s=float(said.window_s[index]),
        judged_at=int(said.judged_at[index]) + STEPS_S["1m"] - 1,
        lack=None if judged else Lack(0.0, 1.0, float(STEPS_S["1m"])),
    )


def of_second(
    table: SeriesTable,
    row: int,
    index: int,
    change: Change | None,
    verdicts: Verdicts,
    judged_by: Callable[[int], tuple[dict[str, float], int]],
    at: int,
) -> Finding:
    """A change, or what is known of a series, by the second: its verdict is the one at ``index``. Where it was not judged,
    ``judged_by`` says by what it was judged last."""
    judged, ready = bool(verdicts.judged[index]), bool(verdicts.ready[index])
    by, judged_at = {name: float(getattr(verdicts, name)[index]) for name in JUDGED_BY}, at
    lack = None
    if not judged:
        lack = Lack(by["weight"], float(verdicts.needed[index]), by["window_s"], ready)
        by, judged_at = judged_by(row)
        if change is None or change.phase is Phase.LAPSED:
            by = {**by, **dict.fromkeys(("value", "expected", "lower", "upper"), math.nan)}
    return Finding(
        key=table.keys[row],
        watch=table.watches[row],
        at=at,
        change=change,
        ready=ready,
        score=by["score"],
        value=by["value"],
        expected=by["expected"],
        lower=by["lower"],
        upper=by["upper"],
        confidence=float(verdicts.confidence[index]),
        statistic=Statistic(int(by["statistic"])),
        window_s=by["window_s"],
        weight=by["weight"],
        observed=by["observed"],
        usual=by["usual"],
        judged_at=judged_at,
        lack=lack,
    )
