"""How far forecasts look, from what, and how often. Pure.

Each horizon has its own history: a quarter of an hour is forecast from minutes, six hours from five minutes, a week from hours
(:mod:`predictor.series.history`).
A horizon is forecast as soon as a naive forecast means something; what it takes to learn more, the forecaster knows.
"""

from __future__ import annotations

from dataclasses import dataclass

from predictor.series.history import STEPS_S


@dataclass(frozen=True)
class Horizon:
    """``steps`` of the history's ``resolution``, published every ``every_s`` seconds once that has ``least`` of them. Every
    ``shown``-th step is published, and ``kept`` of each forecast are marked when their hour comes."""

    name: str
    resolution: str
    steps: int
    every_s: int
    least: int
    kept: int
    shown: int = 1

    @property
    def words(self) -> str:
        """As people say it: ``15 minutes``."""
        for unit, seconds in (("day", 86400), ("hour", 3600), ("minute", 60)):
            count, rest = divmod(self.length_s, seconds)
            if count and not rest:
                return f"{count} {unit}" + ("s" if count > 1 else "")
        return f"{self.length_s} s"

    @property
    def step_s(self) -> int:
        return STEPS_S[self.resolution]

    @property
    def length_s(self) -> int:
        return self.step_s * self.steps


HORIZONS = (
    Horizon("15m", "1m", steps=15, every_s=60, least=10, kept=4),
    Horizon("6h", "5m", steps=72, every_s=900, least=36, kept=4),
    Horizon("7d", "1h", steps=168, every_s=3000, least=48, kept=2, shown=2),
)
