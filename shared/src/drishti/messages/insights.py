"""What the predictor publishes: what models say about series. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from drishti.messages.field_types import EpochMs, Identifier, Token


class ForecastScore(Struct, omit_defaults=True, kw_only=True):
    """How a series' forecasts of one horizon came out, over the ``marked`` values whose hour has come.

    ``mae`` is the mean absolute error and ``naive_mae`` that of the naive forecast of the same values (the value of a season
    ago where one was seen, else the last one), in the metric's unit; ``bias`` the mean of forecast minus value. ``coverage``
    and ``outer_coverage`` are the shares of values that lay in the inner and outer interval.
    """

    marked: Annotated[int, Meta(ge=0)]
    mae: float
    naive_mae: float
    bias: float
    coverage: Annotated[float, Meta(ge=0, le=1)]
    outer_coverage: Annotated[float, Meta(ge=0, le=1)]


class Breach(Struct, omit_defaults=True, kw_only=True):
    """When a forecast crosses ``threshold`` (in the metric's unit), as far as it looks.

    ``probability`` that it does within the horizon; ``at`` when the mean does, ``earliest`` and ``latest`` when the edges of
    the inner interval do; absent: not within the horizon.
    """

    threshold: float
    direction: Literal["up", "down"]
    probability: Annotated[float, Meta(ge=0, le=1)]
    at: EpochMs | None = None
    earliest: EpochMs | None = None
    latest: EpochMs | None = None


class Capacity(Struct, omit_defaults=True, kw_only=True):
    """How many replicas of what serves a load it needs: ``now``, and ``needed`` at ``needed_at``, when the upper edge of the
    forecast's inner interval is highest; each carries ``per_replica`` (in the metric's unit)."""

    per_replica: Annotated[float, Meta(gt=0)]
    now: Annotated[int, Meta(ge=0)]
    needed: Annotated[int, Meta(ge=0)]
    needed_at: EpochMs


class Insight(Struct, omit_defaults=True, kw_only=True):
    """What a model says about one series: an anomaly or a forecast (later also incidents and recommendations).

    ``score`` in [0, 1]: how unusual, 1 most. ``state`` is ``learning`` until the model has seen what it needs; ``confidence``
    in [0, 1] says how much of that it has. For anomalies ``phase`` is ``opened``, ``ongoing`` or ``resolved`` (an ``ongoing``
    that is ``escalated`` says that the severity rose), ``anomaly`` what sort it is, ``value`` the observed and
    ``lower``/``expected``/``upper`` the band in the metric's unit, or in ``unit`` where that is given. All four are of the one
    ``statistic`` of the ``window_ms`` before ``judged_at`` (``at``, where it is missing) that decided, and where the phase is
    ``opened`` or ``ongoing`` the value is outside of the band, on the side of ``direction``. ``observed`` and ``usual`` are the
    window's mean and the expected one in the metric's unit, where ``value`` is something else. The window held so many
    ``observations`` (requests of a share or of durations, reports of a gauge).

    ``unjudged`` says why the series, or its incident, cannot be judged at ``at``: it is neither well nor unwell then. The value
    and the band of such an incident are those of its last judgement; a ``resolved`` one was closed without another, and nothing
    is known of how it ended. ``catching_up`` marks what a predictor says of the past, on its way to the present.

    A ``resolved`` that is ``adapted`` did not recover: the incident is closed because the detector takes ``value`` as the new
    normal from ``at`` on. It is a ``shift``, as severe as the incident ever was, and tells what was expected before; the
    band of then only where it is still known.

    For forecasts ``points`` holds ``[epoch_ms, mean, lower, upper]`` at ``interval`` coverage and, where there is an
    ``outer_interval``, its lower and upper bound behind them; ``horizon_ms`` is how far it looks, ``standing`` how the
    forecasts before it came out, ``benched`` the model that lost against the one that speaks. ``breach`` is there where a
    threshold is known, ``capacity`` where it is known what one replica carries.
    """

    insight_id: Identifier
    tenant: Token
    kind: Literal["anomaly", "forecast", "incident", "recommendation"]
    metric: Token
    field: str
    labels: dict[str, str] = {}
    state: Literal["learning", "ready"]
    at: EpochMs
    model: str
    phase: Literal["opened", "ongoing", "resolved"] | None = None
    direction: Literal["up", "down"] | None = None
    severity: Literal["info", "warning", "critical"] | None = None
    score: Annotated[float, Meta(ge=0, le=1)] | None = None
    value: float | None = None
    expected: float | None = None
    lower: float | None = None
    upper: float | None = None
    interval: float | None = None
    points: list[list[float]] | None = None
    message: str | None = None
    anomaly: Literal["spike", "drop", "shift", "drift", "silence", "variance"] | None = None
    confidence: Annotated[float, Meta(ge=0, le=1)] | None = None
    escalated: bool = False
    adapted: bool = False
    outer_interval: float | None = None
    horizon_ms: Annotated[int, Meta(gt=0)] | None = None
    standing: ForecastScore | None = None
    benched: str | None = None
    breach: Breach | None = None
    capacity: Capacity | None = None
    statistic: Literal["mean", "gap", "likelihood", "step", "level"] | None = None
    window_ms: Annotated[int, Meta(gt=0)] | None = None
    judged_at: EpochMs | None = None
    unit: str | None = None
    observed: float | None = None
    usual: float | None = None
    observations: Annotated[float, Meta(ge=0)] | None = None
    unjudged: str | None = None
    catching_up: bool = False
