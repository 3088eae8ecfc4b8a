"""What was learnt, to bytes and back: the state of a detector, and the models and marks of forecasts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from predictor.anomalies.engine import Engine
from predictor.artefacts.artefact import Arrays, Position, SavedModel, header, pack, saved_series, unpack
from predictor.errors import UnfitArtefact
from predictor.forecasters.interface import Model
from predictor.forecasting.forecasts import Forecasts, Pool, Record, Trained
from predictor.forecasting.horizons import HORIZONS
from predictor.seconds import detector
from predictor.series.history import LENGTHS
from predictor.series.table import LENGTH
from predictor.series.watch import SeriesKey

STATE = 3
"""Of detectors: changes with the meaning of any array of an engine's state. What was saved with another is learnt anew."""

LEARNT = "forecaster-2"
"""Of forecasts: changes with the meaning of any array of a model, and with what the forecasters look at."""

DETECTOR, FORECAST = "detector", "forecast"
"""What there is of each partition; :func:`name` has their names in the store."""


@dataclass(frozen=True)
class Snapshot:
    """A detector's state at ``position``; ``minutes`` names who judges those. Everything up to ``read_until`` (bus time,
    seconds) was looked at."""

    keys: list[SeriesKey]
    arrays: Arrays
    minutes: str
    position: Position
    read_until: float


@dataclass(frozen=True)
class Restored:
    """What :func:`decode_detector` made of a snapshot."""

    engine: Engine
    position: Position
    read_until: float


def name(kind: str, partition: int) -> str:
    """The artefact's name in the store."""
    return f"{kind}-{partition:02d}"


def snapshot(engine: Engine, position: Position, read_until: float) -> Snapshot:
    """A copy, so that the engine may go on while a thread packs it."""
    keys, arrays = engine.state()
    return Snapshot(keys, {name: array.copy() for name, array in arrays.items()}, engine.minutes.model, position, read_until)


def encode_detector(taken: Snapshot, saved_at: int) -> bytes:
    """For a thread: packing takes about a millisecond for every three series."""
    about = header(DETECTOR, detector.MODEL, _judged(taken.minutes), saved_at, [saved_series(key) for key in taken.keys])
    about.position, about.read_until = taken.position, taken.read_until
    return pack(about, taken.arrays)


def decode_detector(payload: bytes, new_engine: Callable[[], Engine]) -> Restored:
    """The engine as it was; raises :class:`UnfitArtefact`."""
    engine = new_engine()
    wanted = header(DETECTOR, detector.MODEL, _judged(engine.minutes.model))
    about, arrays = unpack(payload, wanted, unused=("scikit_learn",))
    try:
        engine.restore([series.key() for series in about.series], arrays)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise UnfitArtefact(f"the state does not fit: {error!r}") from error
    return Restored(engine, about.position, about.read_until)


@dataclass(frozen=True)
class Learnt:
    """What the forecasts of a partition are made of, at one moment; ``forecaster`` names who learnt it."""

    forecaster: str
    models: dict[Pool, Trained]
    records: list[Record]
    arrays: Arrays


def learnt(forecasts: Forecasts) -> Learnt:
    """A copy, so that forecasting may go on while a thread packs it."""
    records = forecasts.scores.records()
    return Learnt(forecasts.forecaster, dict(forecasts.models), records, forecasts.scores.state(records))


def encode_forecasts(taken: Learnt, saved_at: int) -> bytes:
    keys = dict.fromkeys([key for trained in taken.models.values() for key in trained.keys] + [key for key, _ in taken.records])
    place = {key: i for i, key in enumerate(keys)}
    about = header(FORECAST, LEARNT, _forecast(taken.forecaster), saved_at, [saved_series(key) for key in keys])
    arrays = {f"scores.{name}": array for name, array in taken.arrays.items()}
    for number, (pool, trained) in enumerate(taken.models.items()):
        about.models.append(_saved_model(pool, trained, [place[key] for key in trained.keys]))
        arrays |= {f"model.{number}.{name}": array for name, array in trained.model.arrays.items()}
    about.records = [(place[key], horizon) for key, horizon in taken.records]
    return pack(about, arrays)


def decode_forecasts(payload: bytes, new_forecasts: Callable[[], Forecasts]) -> Forecasts:
    """The forecasts as they were; raises :class:`UnfitArtefact`."""
    forecasts = new_forecasts()
    about, arrays = unpack(payload, header(FORECAST, LEARNT, _forecast(forecasts.forecaster)))
    keys = [series.key() for series in about.series]
    try:
        for number, saved in enumerate(about.models):
            forecasts.models[saved.pool] = _trained(
                saved, keys, {name: arrays[f"model.{number}.{name}"] for name in saved.arrays}
            )
        records = [(keys[place], horizon) for place, horizon in about.records]
        prefix = "scores."
        state = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        forecasts.scores.restore(records, state)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise UnfitArtefact(f"the models do not fit: {error!r}") from error
    return forecasts


def _saved_model(pool: Pool, trained: Trained, series: list[int]) -> SavedModel:
    model = trained.model
    return SavedModel(
        pool=pool,
        series=series,
        at=trained.at,
        forecaster=model.forecaster,
        horizon=model.horizon,
        season=model.season,
        features=list(model.features),
        window=model.rows.tolist(),
        score_names=list(model.score_names),
        scores=[[score if np.isfinite(score) else None for score in row] for row in model.scores.tolist()],
        arrays=sorted(model.arrays),
    )


def _trained(saved: SavedModel, keys: list[SeriesKey], arrays: Arrays) -> Trained:
    n = len(saved.series)
    scores = np.array([[np.nan if score is None else score for score in row] for row in saved.scores], np.float64)
    if len(saved.window) != n or any(len(array) != n or not np.isfinite(array).all() for array in arrays.values()):
        raise ValueError(f"the model of {'.'.join(saved.pool)} has not {n} series of finite numbers")
    model = Model(
        forecaster=saved.forecaster,
        horizon=saved.horizon,
        season=saved.season,
        rows=np.array(saved.window, np.int64),
        features=tuple(saved.features),
        score_names=tuple(saved.score_names),
        scores=scores.reshape(n, len(saved.score_names)),
        arrays=arrays,
    )
    return Trained(model, tuple(keys[place] for place in saved.series), saved.at)


def _judged(minutes: str) -> list[str]:
    """What the state of a detector is made of."""
    lengths = (f"{resolution}={length}" for resolution, length in LENGTHS.items())
    return [f"state={STATE}", f"seconds={LENGTH}", *lengths, f"minutes={minutes}"]


def _forecast(forecaster: str) -> list[str]:
    """What forecasts are made of. Marks of one forecaster say nothing of another, so its name belongs to it."""
    return [*(f"{horizon.name}={horizon.steps}x{horizon.step_s}s" for horizon in HORIZONS), f"forecaster={forecaster}"]
