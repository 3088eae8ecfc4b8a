"""The messages on the bus, as types.

Decoding a payload validates it: types, lengths and ranges are declared on the fields. Producers are strict (they build these
types), consumers are tolerant (unknown fields are ignored). Within ``v1`` only optional fields may be added.

This is what is imported from; the types themselves are in :mod:`drishti.messages`, a module for each subject.
"""

from drishti.messages.aggregates import Aggregate, AggregateSeries
from drishti.messages.coding import UNDECODABLE, BatchDecoder, encode, invalid_payload
from drishti.messages.dead_letters import DeadLetter
from drishti.messages.event_times import MAX_NS, NEWEST, ArrivalNs, TimeWindow, arrival_ns, time_window, wrong_time
from drishti.messages.events import EVENT_BYTES, MAX_ITEMS, AnalyticsEvent, AnalyticsEventType, RequestEvent
from drishti.messages.field_types import (
    RESOLUTION_MS,
    TOKEN,
    TRACEPARENT,
    EpochMs,
    Identifier,
    Instant,
    Resolution,
    ServiceName,
    ServiceNames,
    Step,
    Token,
    Traceparent,
)
from drishti.messages.frames import Frame, FrameData
from drishti.messages.insights import (
    AnomalyInsight,
    Breach,
    Capacity,
    ChangeInsight,
    ForecastInsight,
    ForecastScore,
    IncidentInsight,
    Insight,
    InsightDecoder,
    RecommendationInsight,
    SeriesInsight,
    SeriesName,
    metric_of,
)
from drishti.messages.questions import (
    AnswerSeries,
    AnswerSet,
    LabelFilter,
    Query,
    QueryAnswer,
    QueryFailure,
    QuerySeries,
    Question,
    QuestionAnswer,
    QuestionSet,
)
from drishti.messages.seen_metrics import Backfill, CatalogueAnswer, CatalogueQuery, MetricSeen

__all__ = [
    "EVENT_BYTES",
    "MAX_ITEMS",
    "MAX_NS",
    "NEWEST",
    "RESOLUTION_MS",
    "TOKEN",
    "TRACEPARENT",
    "UNDECODABLE",
    "Aggregate",
    "AggregateSeries",
    "AnalyticsEvent",
    "AnalyticsEventType",
    "AnomalyInsight",
    "AnswerSeries",
    "AnswerSet",
    "ArrivalNs",
    "Backfill",
    "BatchDecoder",
    "Breach",
    "Capacity",
    "CatalogueAnswer",
    "CatalogueQuery",
    "ChangeInsight",
    "DeadLetter",
    "EpochMs",
    "ForecastInsight",
    "ForecastScore",
    "Frame",
    "FrameData",
    "Identifier",
    "IncidentInsight",
    "Insight",
    "InsightDecoder",
    "Instant",
    "LabelFilter",
    "MetricSeen",
    "Query",
    "QueryAnswer",
    "QueryFailure",
    "QuerySeries",
    "Question",
    "QuestionAnswer",
    "QuestionSet",
    "RecommendationInsight",
    "RequestEvent",
    "Resolution",
    "SeriesInsight",
    "SeriesName",
    "ServiceName",
    "ServiceNames",
    "Step",
    "TimeWindow",
    "Token",
    "Traceparent",
    "arrival_ns",
    "encode",
    "invalid_payload",
    "metric_of",
    "time_window",
    "wrong_time",
]
