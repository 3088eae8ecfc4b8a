"""Detectors and forecasters by name: those of this package and those that other packages bring, as entry points.

A package adds one by an entry point in the group ``drishti.detectors`` or ``drishti.forecasters`` that leads to something which
makes one when called without arguments. The interfaces are :class:`predictor.detectors.interface.Detector` and
:class:`predictor.forecasters.interface.Forecaster`; ``tests/unit/predictor/test_streams.py`` and
``test_forecasters.py`` beside it have the checks that each must pass; docs/predictor.md has an example.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from drishti.errors import DrishtiError
from predictor.detectors.interface import Detector, Explaining, Ground, Verdicts
from predictor.errors import FailedPlugin, UnknownPlugin
from predictor.forecasters.interface import COVERAGES, Forecast, Forecaster, Model
from predictor.series.ring import Floats, Ints

DETECTORS, FORECASTERS = "drishti.detectors", "drishti.forecasters"
DEFAULT_DETECTOR, DEFAULT_FORECASTER = "stream", "blend"


def detector(name: str | None = None) -> Detector:
    """A new detector; raises :class:`UnknownPlugin`. What it says is checked where it is not our own."""
    made = cast(Detector, _make(DETECTORS, name or DEFAULT_DETECTOR))
    if name in (None, DEFAULT_DETECTOR):
        return made
    return CheckedExplainingDetector(made, made) if isinstance(made, Explaining) else CheckedDetector(made)


def forecaster(name: str | None = None) -> Forecaster:
    """A new forecaster; raises :class:`UnknownPlugin`. What it says is checked where it is not our own."""
    made = cast(Forecaster, _make(FORECASTERS, name or DEFAULT_FORECASTER))
    return made if name in (None, DEFAULT_FORECASTER) else CheckedForecaster(made)


def names(group: str) -> list[str]:
    """The names that are installed in ``group``."""
    return sorted(entry_points(group=group).names)


def _make(group: str, name: str) -> object:
    for point in entry_points(group=group, name=name):
        try:
            return point.load()()
        except (ImportError, AttributeError) as error:  # a package half installed, or a name that it has no more
            raise UnknownPlugin(f"{point.name!r} ({point.value}) cannot be loaded: {error}") from error
    raise UnknownPlugin(f"there is no {group.split('.')[1][:-1]} {name!r}; there are {', '.join(names(group)) or 'none'}")


class CheckedForecaster:
    """Another forecaster, whose failures and impossible answers are :class:`FailedPlugin`."""

    def __init__(self, forecaster: Forecaster) -> None:
        self._forecaster = forecaster
        self.name = forecaster.name

    def train(self, histories: Sequence[Floats], **settings: Any) -> Model:
        with _failures_of(f"forecaster {self.name!r}"):
            return self._forecaster.train(histories, **settings)

    def predict(self, model: Model, histories: Sequence[Floats]) -> list[Forecast]:
        with _failures_of(f"forecaster {self.name!r}"):
            forecasts = self._forecaster.predict(model, histories)
            if len(forecasts) != len(histories):
                raise FailedPlugin(f"it made {len(forecasts)} forecasts of {len(histories)} series")
            for one in forecasts:
                _check(one, model.horizon)
            return forecasts


class CheckedDetector:
    """Another detector, whose failures and impossible verdicts are :class:`FailedPlugin`."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.name = detector.name

    def reserve(self, rows: int) -> None:
        self._detector.reserve(rows)

    def clear(self, rows: Ints) -> None:
        self._detector.clear(rows)

    def update(self, rows: Ints, at: Floats, values: Floats) -> Verdicts:
        with _failures_of(f"detector {self.name!r}"):
            verdicts = self._detector.update(rows, at, values)
            for name in ("score", "confidence"):
                numbers = np.asarray(getattr(verdicts, name))
                if numbers.shape != rows.shape or not ((numbers >= 0.0) & (numbers <= 1.0)).all():
                    raise FailedPlugin(f"its {name} is not a number from 0 to 1 for each of {len(rows)} rows")
            return verdicts

    def accept(self, rows: Ints, by: Floats) -> None:
        self._detector.accept(rows, by)

    def state(self, rows: int) -> dict[str, NDArray[Any]]:
        return self._detector.state(rows)

    def restore(self, rows: int, state: Mapping[str, NDArray[Any]]) -> None:
        self._detector.restore(rows, state)


class CheckedExplainingDetector(CheckedDetector):
    """The same of one that gives its grounds: ``explaining`` is the detector too."""

    def __init__(self, detector: Detector, explaining: Explaining) -> None:
        super().__init__(detector)
        self._explaining = explaining

    def grounds(self, row: int) -> Sequence[Ground]:
        with _failures_of(f"detector {self.name!r}"):
            return self._explaining.grounds(row)

    def pass_over(self, rows: Ints, at: Floats) -> None:
        with _failures_of(f"detector {self.name!r}"):
            self._explaining.pass_over(rows, at)


def _check(forecast: Forecast, horizon: int) -> None:
    """Raises :class:`FailedPlugin` for a forecast that is none."""
    intervals = (len(COVERAGES), horizon)
    shapes = [np.shape(part) for part in (forecast.mean, forecast.lower, forecast.upper)]
    if shapes != [(horizon,), intervals, intervals]:
        raise FailedPlugin(f"mean, lower and upper have the shapes {shapes} and not {[(horizon,), intervals, intervals]}")
    lines = np.vstack([forecast.lower[1], forecast.lower[0], forecast.mean, forecast.upper[0], forecast.upper[1]])
    if not np.isfinite(lines).all():
        raise FailedPlugin("its forecast is not finite")
    if (np.diff(lines, axis=0) < -1e-9 * np.abs(lines).max()).any():
        raise FailedPlugin("its intervals do not lie around the mean, the wider around the narrower")


@contextlib.contextmanager
def _failures_of(who: str) -> Iterator[None]:
    try:
        yield
    except FailedPlugin as error:
        raise FailedPlugin(f"{who}: {error}") from None
    except DrishtiError:
        raise
    except Exception as error:  # it is not ours: whatever it raises is reported as its own
        raise FailedPlugin(f"{who} failed: {type(error).__name__}: {error}") from error
