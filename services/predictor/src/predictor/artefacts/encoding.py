"""What was learnt, kept in the bus's object store: versioned artefacts of plain arrays, never pickles.

An artefact is a line of JSON (the header: what it is, the versions that made it, series, training window, scores, and up to
which message it goes) and an ``npz`` body. Whatever does not fit on load raises :class:`UnfitArtefact`, and the caller
learns anew.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from drishti.bus.connection import Bus
from drishti.bus.objects import Objects
from drishti.errors import BrokenObject
from drishti.messages.catalogue import MODELS_BUCKET
from predictor.anomalies.engine import Engine
from predictor.errors import UnfitArtefact
from predictor.forecasters.interface import Model
from predictor.forecasting.forecasts import Forecasts, Pool, Record, Trained
from predictor.forecasting.horizons import HORIZONS
from predictor.replicas.assignment import PARTITIONS
from predictor.seconds import detector
from predictor.series.history import LENGTHS
from predictor.series.table import LENGTH
from predictor.series.watch import SeriesKey

FORMAT = 3
STATE = 2
"""Of detectors: changes with the meaning of any array of an engine's state. What was saved with another is learnt anew."""

LEARNT = "forecaster-2"
"""Of forecasts: changes with the meaning of any array of a model, and with what the forecasters look at."""

DETECTOR, FORECAST = "detector", "forecast"
"""What there is of each partition; :func:`name` has their names in the store."""


class Position(msgspec.Struct, frozen=True):
    """The last message that a state knows of: its sequence in AGGREGATES and when the bus stored it (microseconds)."""

    sequence: int = 0
    stored_us: int = 0

    def includes(self, sequence: int, stored_us: int) -> bool:
        """Whether the state knows that message too. A stream that was made anew counts from 1 again, but later."""
        return sequence <= self.sequence and stored_us <= self.stored_us


class SavedSeries(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One series of an artefact."""

    tenant: str
    metric: str
    field: str
    labels: dict[str, str] = {}

    def key(self) -> SeriesKey:
        return SeriesKey(self.tenant, self.metric, self.field, tuple(sorted(self.labels.items())))


class SavedModel(msgspec.Struct, kw_only=True):
    """One model: of which pool and series (their places), when it was trained, from how much of each, with which result."""

    pool: tuple[str, str, str, str]
    series: list[int]
    at: int
    forecaster: str
    horizon: int
    season: int
    features: list[str]
    window: list[int]
    score_names: list[str]
    scores: list[list[float | None]]
    arrays: list[str]


class Header(msgspec.Struct, kw_only=True):
    """Everything that must agree before the body is looked at, and what people want to know of it."""

    format: int
    name: str
    model: str
    scikit_learn: str
    numpy: str
    features: list[str]
    saved_at: int
    series: list[SavedSeries]
    position: Position = Position()
    read_until: float = 0.0
    models: list[SavedModel] = []
    records: list[tuple[int, str]] = []
    """Of forecasts: the series (its place) and horizon of each record."""


Arrays = dict[str, NDArray[Any]]


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
    header = _header(DETECTOR, detector.MODEL, _judged(taken.minutes), saved_at, [_saved(key) for key in taken.keys])
    header.position, header.read_until = taken.position, taken.read_until
    return _pack(header, taken.arrays)


def decode_detector(payload: bytes, new_engine: Callable[[], Engine]) -> Restored:
    """The engine as it was; raises :class:`UnfitArtefact`."""
    engine = new_engine()
    header, arrays = _unpack(payload, _header(DETECTOR, detector.MODEL, _judged(engine.minutes.model)))
    try:
        engine.restore([series.key() for series in header.series], arrays)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise UnfitArtefact(f"the state does not fit: {error!r}") from error
    return Restored(engine, header.position, header.read_until)


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
    header = _header(FORECAST, LEARNT, _forecast(taken.forecaster), saved_at, [_saved(key) for key in keys])
    arrays = {f"scores.{name}": array for name, array in taken.arrays.items()}
    for number, (pool, trained) in enumerate(taken.models.items()):
        header.models.append(_saved_model(pool, trained, [place[key] for key in trained.keys]))
        arrays |= {f"model.{number}.{name}": array for name, array in trained.model.arrays.items()}
    header.records = [(place[key], horizon) for key, horizon in taken.records]
    return _pack(header, arrays)


def decode_forecasts(payload: bytes, new_forecasts: Callable[[], Forecasts]) -> Forecasts:
    """The forecasts as they were; raises :class:`UnfitArtefact`."""
    found = new_forecasts()
    header, arrays = _unpack(payload, _header(FORECAST, LEARNT, _forecast(found.forecaster)))
    keys = [series.key() for series in header.series]
    try:
        for number, saved in enumerate(header.models):
            found.models[saved.pool] = _trained(saved, keys, {name: arrays[f"model.{number}.{name}"] for name in saved.arrays})
        records = [(keys[place], horizon) for place, horizon in header.records]
        prefix = "scores."
        state = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        found.scores.restore(records, state)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise UnfitArtefact(f"the models do not fit: {error!r}") from error
    return found


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


class ModelStore:
    """The object store's bucket ``models``. Every failure of the store itself is :class:`BusUnavailable`."""

    def __init__(self, bus: Bus) -> None:
        self._objects = Objects(bus, MODELS_BUCKET)

    async def load(self, name: str) -> bytes | None:
        """The newest artefact called ``name``; ``None`` where there is none. A broken one raises :class:`UnfitArtefact`."""
        try:
            return await self._objects.load(name)
        except BrokenObject as error:
            raise UnfitArtefact(str(error)) from error

    async def save(self, name: str, payload: bytes) -> None:
        """Replaces the artefact called ``name``."""
        await self._objects.save(name, payload, description=f"predictor {name}, format {FORMAT}")

    async def sweep(self, now: float) -> int:
        """Removes what is left of artefacts that were never saved to their end (:meth:`Objects.sweep`)."""
        return await self._objects.sweep(now)


def _header(name: str, model: str, features: list[str], saved_at: int = 0, series: Sequence[SavedSeries] = ()) -> Header:
    return Header(
        format=FORMAT,
        name=name,
        model=model,
        scikit_learn=version("scikit-learn"),
        numpy=np.__version__,
        features=[*features, f"partitions={PARTITIONS}"],
        saved_at=saved_at,
        series=list(series),
    )


def _judged(minutes: str) -> list[str]:
    """What the state of a detector is made of."""
    lengths = (f"{resolution}={length}" for resolution, length in LENGTHS.items())
    return [f"state={STATE}", f"seconds={LENGTH}", *lengths, f"minutes={minutes}"]


def _forecast(forecaster: str) -> list[str]:
    """What forecasts are made of. Marks of one forecaster say nothing of another, so its name belongs to it."""
    return [*(f"{horizon.name}={horizon.steps}x{horizon.step_s}s" for horizon in HORIZONS), f"forecaster={forecaster}"]


def _saved(key: SeriesKey) -> SavedSeries:
    return SavedSeries(tenant=key.tenant, metric=key.metric, field=key.field, labels=dict(key.labels))


def _pack(header: Header, arrays: Arrays) -> bytes:
    body = io.BytesIO()
    np.savez_compressed(body, **arrays)  # type: ignore[arg-type]  # numpy types the keywords as its own option
    return msgspec.json.encode(header) + b"\n" + body.getvalue()


def _unpack(payload: bytes, wanted: Header) -> tuple[Header, Arrays]:
    """Header and body, where they are such as ``wanted`` says."""
    line, _, body = payload.partition(b"\n")
    try:
        header = msgspec.json.decode(line, type=Header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnfitArtefact(f"the header cannot be read: {error}") from error
    for field in ("format", "name", "model", "scikit_learn", "features"):
        here, there = getattr(wanted, field), getattr(header, field)
        if wanted.name == DETECTOR and field == "scikit_learn":
            continue  # the detector uses none of it
        if here != there:
            raise UnfitArtefact(f"it was made with {field} {there!r}, here it is {here!r}")
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            return header, dict(arrays)
    except Exception as error:
        # zipfile, zlib and numpy have a dozen ways to say that a file is broken, and a start must survive each
        raise UnfitArtefact(f"the body cannot be read: {error!r}") from error
