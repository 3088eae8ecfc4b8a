"""Detectors and forecasters by name: those of this package and those that other packages bring, as entry points.

A package adds one by an entry point in the group ``drishti.detectors`` or ``drishti.forecasters`` that leads to something which
makes one when called without arguments. The interfaces are :class:`predictor.detectors.interface.Detector` and
:class:`predictor.forecasters.interface.Forecaster`; ``tests/unit/test_predictor_streams.py`` and
``test_predictor_forecasters.py`` have the checks that each must pass; docs/predictor.md has an example.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import cast

from predictor.detectors.interface import Detector
from predictor.errors import UnknownPlugin
from predictor.forecasters.interface import Forecaster

DETECTORS, FORECASTERS = "drishti.detectors", "drishti.forecasters"
DEFAULT_DETECTOR, DEFAULT_FORECASTER = "stream", "blend"


def detector(name: str | None = None) -> Detector:
    """A new detector; raises :class:`UnknownPlugin`."""
    return cast(Detector, _make(DETECTORS, name or DEFAULT_DETECTOR))


def forecaster(name: str | None = None) -> Forecaster:
    """A new forecaster; raises :class:`UnknownPlugin`."""
    return cast(Forecaster, _make(FORECASTERS, name or DEFAULT_FORECASTER))


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
