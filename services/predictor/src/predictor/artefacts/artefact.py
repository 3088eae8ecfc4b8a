"""What an artefact looks like: a line of JSON (the header) and an ``npz`` body of plain arrays, never pickles.

The header says what it is, the versions that made it, series, training window, scores, and up to which message it goes.
Whatever does not fit on load raises :class:`UnfitArtefact`, and the caller learns anew.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from importlib.metadata import version
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from predictor.errors import UnfitArtefact
from predictor.series.partition import PARTITIONS
from predictor.series.watch import SeriesKey

FORMAT = 3


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


def header(name: str, model: str, features: list[str], saved_at: int = 0, series: Sequence[SavedSeries] = ()) -> Header:
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


def saved_series(key: SeriesKey) -> SavedSeries:
    return SavedSeries(tenant=key.tenant, metric=key.metric, field=key.field, labels=dict(key.labels))


def pack(header: Header, arrays: Arrays) -> bytes:
    body = io.BytesIO()
    np.savez_compressed(body, **arrays)  # type: ignore[arg-type]  # numpy types the keywords as its own option
    return msgspec.json.encode(header) + b"\n" + body.getvalue()


def unpack(payload: bytes, wanted: Header, *, unused: Collection[str] = ()) -> tuple[Header, Arrays]:
    """Header and body, where they are such as ``wanted`` says, but for fields of what is ``unused``. Raises
    :class:`UnfitArtefact`."""
    line, _, body = payload.partition(b"\n")
    try:
        header = msgspec.json.decode(line, type=Header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnfitArtefact(f"the header cannot be read: {error}") from error
    for field in ("format", "name", "model", "scikit_learn", "features"):
        here, there = getattr(wanted, field), getattr(header, field)
        if here != there and field not in unused:
            raise UnfitArtefact(f"it was made with {field} {there!r}, here it is {here!r}")
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            return header, dict(arrays)
    except Exception as error:
        # zipfile, zlib and numpy have a dozen ways to say that a file is broken, and a start must survive each
        raise UnfitArtefact(f"the body cannot be read: {error!r}") from error
