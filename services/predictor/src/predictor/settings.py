"""What can be set, and the defaults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drishti.measures.built_in import FED
from drishti.measures.definitions import token_of
from drishti.service.http.limits import HttpLimits
from drishti.settings import BusSettings, group, run_id_setting, setting
from predictor import plugins
from predictor.errors import UnknownPlugin
from predictor.forecasting.forecasts import Limits
from predictor.series.budget import BUDGET
from predictor.series.table import CAPACITY
from predictor.series.watch import watches_of

SAVE_MOST_S = 60.0
"""Whoever takes over says again what was said since the last save: that, and the takeover, must be over before the bus
forgets what was said (:data:`predictor.handlers.REPEAT_S`)."""


@dataclass(frozen=True, kw_only=True)
class PredictorSettings:
    """Settings of the predictor; all have defaults that fit one machine."""

    host: str = setting("PREDICTOR_HEALTH_HOST", "address on which the predictor answers health checks", "127.0.0.1")
    port: int = setting("PREDICTOR_HEALTH_PORT", "port of the predictor's health checks", 8003)
    watch: tuple[str, ...] = setting(
        "PREDICTOR_WATCH",
        "what to watch, as `metric` or `metric.field`, separated by commas; empty: every metric whose definition says so",
        (),
    )
    series: int = setting(
        "PREDICTOR_SERIES",
        "how many series one replica watches, shared fairly between tenants and their metrics; each takes 11 to 13 KB, "
        "and 23 KB where it is forecast",
        BUDGET,
    )
    max_series: int = setting("PREDICTOR_MAX_SERIES", "how many series of each metric of a tenant are watched", CAPACITY)
    detector: str = setting(
        "PREDICTOR_DETECTOR", "which installed detector judges minutes (`drishti.detectors`)", plugins.DEFAULT_DETECTOR
    )
    forecaster: str = setting(
        "PREDICTOR_FORECASTER", "which installed forecaster learns (`drishti.forecasters`)", plugins.DEFAULT_FORECASTER
    )
    forecast_every_s: float = setting("PREDICTOR_FORECAST_EVERY_S", "seconds between two rounds of forecasts", 15.0)
    train_every_s: float = setting("PREDICTOR_TRAIN_EVERY_S", "seconds after which a forecast's model is trained anew", 900.0)
    train_share: float = setting("PREDICTOR_TRAIN_SHARE", "share of one core that training may take, 0.01 to 1", 0.1)
    thresholds: tuple[str, ...] = setting(
        "PREDICTOR_THRESHOLDS",
        "what must not be crossed, as `metric.field=value`, separated by commas: forecasts say when it will be",
        (),
    )
    replica_loads: tuple[str, ...] = setting(
        "PREDICTOR_REPLICA_LOADS",
        "what one replica carries, as `metric.field=value`, separated by commas: forecasts say how many are needed",
        (),
    )
    save_every_s: float = setting("PREDICTOR_SAVE_EVERY_S", "seconds between two saves of what was learnt, at most 60", 60.0)
    run_id: str = run_id_setting()
    bus: BusSettings = group(BusSettings)
    http: HttpLimits = group(HttpLimits, required=False)

    @property
    def limits(self) -> Limits:
        return Limits(
            _by_name("PREDICTOR_THRESHOLDS", self.thresholds), _by_name("PREDICTOR_REPLICA_LOADS", self.replica_loads)
        )

    def __post_init__(self) -> None:
        for name in self.watch:
            _check_name("PREDICTOR_WATCH", name)
        _installed("PREDICTOR_DETECTOR", self.detector, plugins.DETECTORS, plugins.detector)
        _installed("PREDICTOR_FORECASTER", self.forecaster, plugins.FORECASTERS, plugins.forecaster)
        if not all(load > 0 for load in self.limits.replica_loads.values()):
            raise ValueError("PREDICTOR_REPLICA_LOADS: what a replica carries must be more than 0")
        if not 0.01 <= self.train_share <= 1:
            raise ValueError("PREDICTOR_TRAIN_SHARE: must be from 0.01 to 1")
        for name, value in (("PREDICTOR_MAX_SERIES", self.max_series), ("PREDICTOR_SERIES", self.series)):
            if value < 1:
                raise ValueError(f"{name}: must be 1 or more")
        for name in ("forecast_every_s", "train_every_s", "save_every_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"PREDICTOR_{name.upper()}: must be more than 0")
        if self.save_every_s > SAVE_MOST_S:
            raise ValueError(f"PREDICTOR_SAVE_EVERY_S: must be at most {SAVE_MOST_S:g}")


def _installed(variable: str, name: str, group: str, make: Callable[[str], object]) -> None:
    if name not in (known := plugins.names(group)):
        raise ValueError(f"{variable}: {name!r} is not installed; choose from {', '.join(known)}")
    try:
        make(name)  # a package may be half installed: better to fail now than at the first message
    except UnknownPlugin as error:
        raise ValueError(f"{variable}: {error}") from error


def _by_name(variable: str, entries: tuple[str, ...]) -> dict[str, float]:
    """``metric.field=value`` as a table; raises ``ValueError`` that names the variable."""
    values = {}
    for entry in entries:
        name, _, text = entry.partition("=")
        try:
            values[name.strip()] = float(text)
        except ValueError:
            raise ValueError(f"{variable}: {entry!r} is not `metric.field=value`") from None
        _check_name(variable, name.strip(), forecast=True)
    return values


def _check_name(variable: str, name: str, *, forecast: bool = False) -> None:
    """Raises ``ValueError`` for what can be no ``metric`` or ``metric.field``. Of the built-in metrics it must be watched, or
    ``forecast``; what tenants will define is not known yet."""
    metric, _, field = name.partition(".")
    if not metric or metric != token_of(metric) or (forecast and not field):
        raise ValueError(f"{variable}: {name!r} is not `metric.field`, with the metric's token (a-z, 0-9, _ and -)")
    watches = [watch for definition in FED.values() for watch in watches_of(definition) if watch.forecast or not forecast]
    if metric in FED and not any(watch.metric == metric and field in ("", watch.field) for watch in watches):
        known = ", ".join(sorted(watch.name for watch in watches))
        raise ValueError(f"{variable}: {name} is not {'forecast' if forecast else 'watched'}; choose from {known}")
