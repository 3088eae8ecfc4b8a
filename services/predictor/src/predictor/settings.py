"""What can be set, and the defaults."""

from __future__ import annotations

from dataclasses import dataclass

from drishti.settings import BusSettings, group, setting
from predictor.watch import select


@dataclass(frozen=True, kw_only=True)
class PredictorSettings:
    """Settings of the predictor; all have defaults that fit one machine."""

    host: str = setting("PREDICTOR_HEALTH_HOST", "address on which the predictor answers health checks", "127.0.0.1")
    port: int = setting("PREDICTOR_HEALTH_PORT", "port of the predictor's health checks", 8003)
    watch: tuple[str, ...] = setting(
        "PREDICTOR_WATCH",
        "what to watch, as `metric` or `metric.field`, separated by commas; empty: everything in the table",
        (),
    )
    max_series: int = setting("PREDICTOR_MAX_SERIES", "how many series of each metric are watched; others are refused", 512)
    forecast_every_s: float = setting("PREDICTOR_FORECAST_EVERY_S", "seconds between two forecasts of each series", 60.0)
    train_every_s: float = setting("PREDICTOR_TRAIN_EVERY_S", "seconds after which a forecast's model is trained anew", 300.0)
    save_every_s: float = setting("PREDICTOR_SAVE_EVERY_S", "seconds between two saves of what was learnt", 60.0)
    bus: BusSettings = group(BusSettings)

    def __post_init__(self) -> None:
        select(self.watch)
        if self.max_series < 1:
            raise ValueError("PREDICTOR_MAX_SERIES: must be 1 or more")
        for name in ("forecast_every_s", "train_every_s", "save_every_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"PREDICTOR_{name.upper()}: must be more than 0")
