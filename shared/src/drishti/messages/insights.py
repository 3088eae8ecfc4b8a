"""What the predictor publishes: what models say, of one kind each. Pure.

An insight is a union by ``kind``. Anomalies and forecasts are about one series of a metric, which is in their subject;
incidents, recommendations and changes are about a tenant's system, and name series where they know some.

Readers may be older than writers. Enums that may grow are open (:func:`known_values`): a reader takes a message whose value it
does not know. A kind that it does not know raises :class:`UnknownKind`: such a message is counted and passed over, and is no
bad message.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct

from drishti.errors import UnknownKind
from drishti.messages.coding import UNDECODABLE, invalid_payload
from drishti.messages.field_types import EpochMs, Identifier, Token, known_values

Severity = Annotated[str, known_values("info", "warning", "critical")]
Phase = Annotated[str, known_values("opened", "ongoing", "resolved")]
State = Annotated[str, known_values("learning", "ready")]
Direction = Literal["up", "down"]
Labels = dict[str, str]


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
    """When a forecast crosses ``threshold`` (in the metric's unit), within its horizon.

    ``probability`` that it does within the horizon; ``at`` when the mean does, ``earliest`` and ``latest`` when the edges of
    the inner interval do; absent: not within the horizon.
    """

    threshold: float
    direction: Direction
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


class SeriesName(Struct, omit_defaults=True, kw_only=True):
    """A series by its name. Without ``field`` all of them are meant; without ``labels`` the total."""

    metric: Token
    field: str = ""
    labels: Labels = {}


class _Insight(Struct, omit_defaults=True, kw_only=True, tag_field="kind"):
    """What all kinds have. ``model``: the model or the rule that says it; ``at``: the instant that it speaks of."""

    insight_id: Identifier
    tenant: Token
    at: EpochMs
    model: str
    severity: Severity | None = None
    message: str | None = None


class _OfSeries(_Insight, kw_only=True):
    """``state`` is ``learning`` until the model has seen what it needs."""

    metric: Token
    field: str
    labels: Labels = {}
    state: State


class _OfSystem(_Insight, kw_only=True):
    """``services`` and ``about`` say what it concerns, as far as that is known."""

    services: list[Token] = []
    about: list[SeriesName] = []


class AnomalyInsight(_OfSeries, kw_only=True, tag="anomaly"):
    """That a series is unusual, or what is known of one that is watched (then there is no ``phase``).

    ``score`` in [0, 1]: how unusual, 1 most. ``state`` is ``learning`` until the model has seen what it needs; ``confidence``
    in [0, 1] says how much of that it has. ``phase`` is ``opened``, ``ongoing`` or ``resolved`` (an ``ongoing`` that is
    ``escalated`` says that the severity rose), ``anomaly`` what sort it is, ``value`` the observed and
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
    """

    kind: ClassVar[Literal["anomaly"]] = "anomaly"

    phase: Phase | None = None
    direction: Direction | None = None
    score: Annotated[float, Meta(ge=0, le=1)] | None = None
    value: float | None = None
    expected: float | None = None
    lower: float | None = None
    upper: float | None = None
    anomaly: Annotated[str, known_values("spike", "drop", "shift", "drift", "silence", "variance")] | None = None
    confidence: Annotated[float, Meta(ge=0, le=1)] | None = None
    escalated: bool = False
    adapted: bool = False
    statistic: Annotated[str, known_values("mean", "gap", "likelihood", "step", "level")] | None = None
    window_ms: Annotated[int, Meta(gt=0)] | None = None
    judged_at: EpochMs | None = None
    unit: str | None = None
    observed: float | None = None
    usual: float | None = None
    observations: Annotated[float, Meta(ge=0)] | None = None
    unjudged: str | None = None
    catching_up: bool = False


class ForecastInsight(_OfSeries, kw_only=True, tag="forecast"):
    """How a series goes on, as far as a model can tell.

    ``points`` holds ``[epoch_ms, mean, lower, upper]`` at ``interval`` coverage and, where there is an ``outer_interval``, its
    lower and upper bound behind them; ``horizon_ms`` is how far it reaches, ``standing`` how the forecasts before it came out
    (before that is known, ``scored_at`` says when it will be, at the earliest), ``benched`` the model that lost against the one
    that speaks. ``breach`` is there where a threshold is known, ``capacity`` where it is known what one replica carries.
    """

    kind: ClassVar[Literal["forecast"]] = "forecast"

    interval: float | None = None
    points: list[list[float]] | None = None
    outer_interval: float | None = None
    horizon_ms: Annotated[int, Meta(gt=0)] | None = None
    standing: ForecastScore | None = None
    scored_at: EpochMs | None = None
    benched: str | None = None
    breach: Breach | None = None
    capacity: Capacity | None = None


class IncidentInsight(_OfSystem, kw_only=True, tag="incident"):
    """That something is wrong with a system, from ``since`` on, whichever of its series show it."""

    kind: ClassVar[Literal["incident"]] = "incident"

    phase: Phase | None = None
    since: EpochMs | None = None


class RecommendationInsight(_OfSystem, kw_only=True, tag="recommendation"):
    """What somebody should do, in ``message``; ``because`` holds the ids of the insights from which it follows."""

    kind: ClassVar[Literal["recommendation"]] = "recommendation"

    because: list[Identifier] = []


class ChangeInsight(_OfSystem, kw_only=True, tag="change"):
    """That a system was changed: ``change`` says how, and ``version`` what runs from ``at`` on, where it has one."""

    kind: ClassVar[Literal["change"]] = "change"

    change: Annotated[str, known_values("deployment", "configuration", "scaling")] | None = None
    version: Annotated[str, Meta(max_length=64)] | None = None


SeriesInsight = AnomalyInsight | ForecastInsight
Insight = AnomalyInsight | ForecastInsight | IncidentInsight | RecommendationInsight | ChangeInsight

SERIES_KINDS = (AnomalyInsight.kind, ForecastInsight.kind)
SYSTEM_KINDS = (IncidentInsight.kind, RecommendationInsight.kind, ChangeInsight.kind)


class _Kind(Struct):
    kind: Token


class InsightDecoder:
    """Decodes insights of every kind that this version knows."""

    def __init__(self) -> None:
        self._insights: msgspec.json.Decoder[Insight] = msgspec.json.Decoder(Insight)
        self._kinds = msgspec.json.Decoder(_Kind)

    def decode(self, payload: bytes) -> Insight:
        """The insight; raises :class:`UnknownKind`, and :class:`~drishti.errors.InvalidPayload` for what is none."""
        try:
            return self._insights.decode(payload)
        except UNDECODABLE as error:
            wrong = invalid_payload(error)
        try:
            kind = self._kinds.decode(payload).kind
        except UNDECODABLE:
            raise wrong from None
        if kind in (*SERIES_KINDS, *SYSTEM_KINDS):
            raise wrong
        raise UnknownKind(kind)


def metric_of(insight: Insight) -> str | None:
    """The metric in its subject; ``None`` for the kinds that are not about one series."""
    return insight.metric if isinstance(insight, SeriesInsight) else None
