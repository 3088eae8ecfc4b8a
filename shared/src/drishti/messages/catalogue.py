"""The architecture on one screen: every message type with its subject, stream, producers and consumers.

Streams, NATS permissions, JSON Schemas, the AsyncAPI document, TypeScript types and ``docs/contracts.md`` derive from here.
"""

from __future__ import annotations

from types import UnionType

from msgspec import Struct

from drishti.messages.aggregates import Aggregate
from drishti.messages.bottlenecks import BottlenecksAnswer, BottlenecksQuery
from drishti.messages.dead_letters import DeadLetter
from drishti.messages.events import MAX_ITEMS, AnalyticsEvent, RequestEvent
from drishti.messages.insights import Insight
from drishti.messages.logs import LogList, LogSearch, TemplateList, TemplateSearch
from drishti.messages.questions import AnswerSet, Query, QueryAnswer, QuestionSet
from drishti.messages.queues import QueuesAnswer, QueuesQuery
from drishti.messages.root_causes import RootCauseAnswer, RootCauseQuery
from drishti.messages.seen_metrics import CatalogueAnswer, CatalogueQuery
from drishti.messages.service_maps import ServiceMapAnswer, ServiceMapQuery
from drishti.messages.span_errors import (
    ErrorAnswer,
    ErrorChange,
    ErrorGroup,
    ErrorList,
    ErrorQuery,
    ErrorSearch,
    SharedAnswer,
    SharedSearch,
)
from drishti.messages.subjects import family
from drishti.messages.traces import (
    AggregateAnswer,
    ComparisonAnswer,
    FacetAnswer,
    KeepTrace,
    KeepWindow,
    TraceAggregate,
    TraceAnswer,
    TraceComparison,
    TraceFacets,
    TraceKept,
    TraceList,
    TraceQuery,
    TraceSearch,
    WindowKept,
)

KIB, MIB = 1 << 10, 1 << 20
HOUR_S = 3600

GATEWAY, ANALYTICS, PREDICTOR, DASHBOARD = "gateway", "analytics", "predictor", "dashboard-stream"
PRODUCER, ADMIN = "producer", "admin"
SERVICES = (GATEWAY, ANALYTICS, PREDICTOR, DASHBOARD)
USERS = (*SERVICES, ADMIN, PRODUCER)

DUPLICATE_WINDOW_S = 120
"""How long a stream drops a repeated ``Nats-Msg-Id``. Beyond it analytics' own dedupe holds."""

OPEN_REVISION_TTL_S = 60
"""How long a revision of a window that is still open is kept; the final one stays as long as its stream keeps it."""

API_KEYS_BUCKET = "api_keys"
MODELS_BUCKET = "models"
PREDICTORS_BUCKET = "predictors"
METRIC_DEFINITIONS_BUCKET = "metric_definitions"


EVENTS, REQUESTS, SPANS, METRICS, LOGS = "EVENTS", "REQUESTS", "SPANS", "METRICS", "LOGS"
AGGREGATES, INSIGHTS, DEAD = "AGGREGATES", "INSIGHTS", "DEAD"
"""The streams."""


class Durable(Struct, frozen=True, kw_only=True):
    """A consumer whose position the bus keeps, shared by the replicas of ``owner``, the service that reads through it."""

    owner: str
    purpose: str
    ack_wait_s: int = 30
    max_ack_pending: int = 2000

    @property
    def name(self) -> str:
        return f"{self.owner}-{self.purpose}"


class MessageType(Struct, frozen=True, kw_only=True):
    """One kind of message. ``model`` is ``None`` where the payload is protobuf, named by ``media_type``.

    ``model`` is a union where there are several kinds by a tag. ``other_subjects`` are, by name, those of kinds with other
    parameters.
    ``readers`` follow the stream by themselves, each replica all of it; ``durables`` share it.
    """

    name: str
    subject: str
    stream: str
    max_age_s: int
    max_bytes: int
    producers: tuple[str, ...]
    description: str
    model: type[Struct] | UnionType | None = None
    other_subjects: dict[str, str] = {}
    media_type: str = "application/json"
    batches: bool = False
    ttl: bool = False
    durables: tuple[Durable, ...] = ()
    readers: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """What all its subjects begin with, ``events.v1``: the type of the message as CloudEvents has it."""
        return family(self.subject)

    @property
    def wildcard(self) -> str:
        """All its subjects, as the stream listens."""
        return f"{self.family}.>"


class Bucket(Struct, frozen=True, kw_only=True):
    """A key-value bucket: who reads it and who writes it, and how much it holds.

    Entries that nobody renews for ``max_age_s`` are swept out; ``None``: they stay. ``history`` counts the revisions of a key
    that are kept. A full bucket takes nothing more. ``direct``: single entries are read by their key.
    """

    readers: tuple[str, ...]
    writers: tuple[str, ...] = ()
    history: int = 1
    max_bytes: int = 16 * MIB
    max_value_bytes: int | None = None
    max_age_s: int | None = None
    direct: bool | None = None


class QueryType(Struct, frozen=True, kw_only=True):
    """One question by request/reply.

    Where it has a ``path``, the gateway asks it for whoever gets that path: parameters of the path and of the query are the
    fields of ``model``. One that ``changes`` something is posted, with the fields as JSON, by an editor.
    """

    name: str
    subject: str
    model: type[Struct]
    answer: type[Struct]
    asker: str
    answerer: str
    description: str
    path: str = ""
    changes: bool = False


MESSAGES: tuple[MessageType, ...] = (
    MessageType(
        name="event",
        subject="events.v1.{tenant}.{event_type}",
        stream=EVENTS,
        max_age_s=72 * HOUR_S,
        max_bytes=2048 * MIB,
        model=AnalyticsEvent,
        batches=True,
        producers=(GATEWAY, PRODUCER),
        durables=(Durable(owner=ANALYTICS, purpose="events"),),
        description=f"What a user or the application did: one event, or an array of events of one type, {MAX_ITEMS:,} at most.",
    ),
    MessageType(
        name="request",
        subject="requests.v1.{tenant}.{service}",
        stream=REQUESTS,
        max_age_s=72 * HOUR_S,
        max_bytes=1024 * MIB,
        model=RequestEvent,
        batches=True,
        producers=(GATEWAY, PRODUCER),
        durables=(Durable(owner=ANALYTICS, purpose="requests"),),
        description=f"One served request, or an array of requests of one service, {MAX_ITEMS:,} at most.",
    ),
    MessageType(
        name="spans",
        subject="spans.v1.{tenant}.{service}",
        stream=SPANS,
        max_age_s=24 * HOUR_S,
        max_bytes=1024 * MIB,
        media_type="application/x-protobuf;messageType=opentelemetry.proto.trace.v1.ResourceSpans",
        producers=(GATEWAY,),
        durables=(Durable(owner=ANALYTICS, purpose="spans"),),
        description="Spans of one resource, as an OpenTelemetry SDK sent them.",
    ),
    MessageType(
        name="metrics",
        subject="metrics.v1.{tenant}.{service}",
        stream=METRICS,
        max_age_s=24 * HOUR_S,
        max_bytes=512 * MIB,
        media_type="application/x-protobuf;messageType=opentelemetry.proto.metrics.v1.ResourceMetrics",
        producers=(GATEWAY,),
        durables=(Durable(owner=ANALYTICS, purpose="metrics"),),
        description="Metrics of one resource, as an OpenTelemetry SDK sent them.",
    ),
    MessageType(
        name="logs",
        subject="logs.v1.{tenant}.{service}",
        stream=LOGS,
        max_age_s=24 * HOUR_S,
        max_bytes=512 * MIB,
        media_type="application/x-protobuf;messageType=opentelemetry.proto.logs.v1.ResourceLogs",
        producers=(GATEWAY,),
        durables=(Durable(owner=ANALYTICS, purpose="logs"),),
        description="Log records of one resource, as an OpenTelemetry SDK sent them.",
    ),
    MessageType(
        name="aggregate",
        subject="aggregates.v1.{tenant}.{resolution}.{metric}",
        stream=AGGREGATES,
        max_age_s=24 * HOUR_S,
        max_bytes=2048 * MIB,
        model=Aggregate,
        ttl=True,
        producers=(ANALYTICS,),
        readers=(PREDICTOR, DASHBOARD),
        description="All series of one metric in one window. A higher revision replaces a lower one.",
    ),
    MessageType(
        name="insight",
        subject="insights.v1.{tenant}.{kind}.{metric}",
        other_subjects={"system_insight": "insights.v1.{tenant}.{kind}"},
        stream=INSIGHTS,
        max_age_s=30 * 24 * HOUR_S,
        max_bytes=512 * MIB,
        model=Insight,
        producers=(PREDICTOR, ANALYTICS),
        readers=(DASHBOARD, ANALYTICS),
        description="What a model says: about a series of a metric (anomaly, forecast), or, on the subject without a metric, "
        "about a system (incident, recommendation, change). Readers pass over kinds that they do not know.",
    ),
    MessageType(
        name="dead_letter",
        subject="dead.v1.{subject}",
        stream=DEAD,
        max_age_s=14 * 24 * HOUR_S,
        max_bytes=256 * MIB,
        model=DeadLetter,
        producers=(ANALYTICS, PREDICTOR, DASHBOARD),
        description="A message that was refused, as it came, with the reason.",
    ),
)

QUERIES: tuple[QueryType, ...] = (
    QueryType(
        name="metrics",
        subject="query.v1.metrics",
        model=Query,
        answer=QueryAnswer,
        asker=GATEWAY,
        answerer=ANALYTICS,
        description="One aggregate of one metric over a range of time.",
    ),
    QueryType(
        name="query",
        subject="query.v1.query",
        model=QuestionSet,
        answer=AnswerSet,
        asker=GATEWAY,
        answerer=ANALYTICS,
        description="Aggregates of metrics and expressions over them, filtered, grouped and compared, over one range of time.",
    ),
    QueryType(
        name="catalogue",
        subject="query.v1.catalogue",
        model=CatalogueQuery,
        answer=CatalogueAnswer,
        asker=GATEWAY,
        answerer=ANALYTICS,
        description="What was seen of a tenant's metrics: how many series, when last, and from which services.",
    ),
    QueryType(
        name="traces",
        subject="query.v1.traces",
        model=TraceSearch,
        answer=TraceList,
        asker=GATEWAY,
        answerer=ANALYTICS,
        path="/traces",
        description="Traces with a span that meets conditions, newest or slowest first.",
    ),
    QueryType(
        name="trace_facets",
        subject="query.v1.trace_facets",
        model=TraceFacets,
        answer=FacetAnswer,
        asker=GATEWAY,
        answerer=ANALYTICS,
        path="/traces/facets",
        description="What the spans are that meet conditions: counts by field and attribute, and how long they took.",
    ),
    QueryType(
        name="shared",
        subject="query.v1.shared",
        model=SharedSearch,
        answer=SharedAnswer,
        asker=GATEWAY,
        answerer=ANALYTICS,
        path="/traces/shared",
        description="What failing or slow traces share: over-represented attributes, versions, events and operations.",
    ),
    QueryType(
        name="trace_aggregate",
        subject="query.v1.trace_aggregate",
        model=TraceAggregate,
        answer=AggregateAnswer,
        asker=GATEWAY,
        answerer=ANALYTICS,
        path="/traces/aggregate",
        description="Many traces as one tree: calls, errors and times at each place.",
    ),
    QueryType(
        name="trace_comparison",
        subject="query.v1.trace_comparison",
        model=TraceComparison,
        answer=ComparisonAnswer,
        asker=GATEWAY,
        answerer=ANALYTICS,
        path="/traces/compare",
        description="Two traces side by side, as one tree.",
    ),
    QueryType(
        name="trace",
        subject="query.v1.trace",
        model=TraceQuery,
        answer=TraceAnswer,
        asker=GATEWAY,
        answerer=ANALYTICS,
        path="/traces/{trace_id}",
        description="One trace as a tree, with its critical path and what its user did.",
    ),
    QueryType(
        name="keep_trace",
        subject="query.v1.keep_trace",
        model=KeepTrace,
        answer=TraceKept,
        asker=GATEWAY,
        answerer=ANALYTICS,
        path="/traces/{trace_id}/keep",
        changes=True,
        description="Keep a trace for days, or no longer than others.",
    ),
    QueryType(
        name="keep_window",
        subject="query.v1.keep_window",
        model=KeepWindow,
        answer=WindowKept,
        asker=GATEWAY,
        answerer=ANALYTICS,
        path="/traces/keep",
        changes=True,
        description="Keep the failed and the slowest traces of a range of time for days.",
    ),
    QueryType(
        name="queues",
        subject="query.v1.queues",
        model=QueuesQuery,
        answer=QueuesAnswer,
        asker=GATEWAY,
        answerer=ANALYTICS,
        path="/queues",
        description="How long messages wait in queues, and how long the work on them takes, by destination and service.",
    ),
    QueryType(
        name="service_map",
        subject="query.v1.service_map",
        model=ServiceMapQuery,
        answer=ServiceMapAnswer,
        asker=GATEWAY,
        answerer=ANALYTICS,
        path="/service-map",
        description="Who calls whom: services, databases, brokers, models and other hosts, with rates, errors and durations.",
    ),
    QueryType(
        name="bottlenecks",
        subject="query.v1.bottlenecks",
        model=BottlenecksQuery,
        answer=BottlenecksAnswer,
        asker=GATEWAY,
        answerer=ANALYTICS,
        path="/bottlenecks",
        description="What requests waited for, by root operation: shares of the critical path, trends, possible gains.",
    ),
    QueryType(
        name="logs",
        subject="query.v1.logs",
        model=LogSearch,
        answer=LogList,
        asker=GATEWAY,
        answerer=ANALYTICS,
        path="/logs",
        description="Log records that meet conditions, newest first.",
    ),
    QueryType(
        name="log_templates",
        subject="query.v1.log_templates",
        model=TemplateSearch,
        answer=TemplateList,
        asker=GATEWAY,
        answerer=ANALYTICS,
        path="/logs/templates",
        description="What log records say over and over, with counts over time and an example of each.",
    ),
    QueryType(
        name="errors",
        subject="query.v1.errors",
        model=ErrorSearch,
        answer=ErrorList,
        asker=GATEWAY,
        answerer=ANALYTICS,
        path="/errors",
        description="Errors of spans by fingerprint: when seen, how often, and whether open, resolved or ignored.",
    ),
    QueryType(
        name="error",
        subject="query.v1.error",
        model=ErrorQuery,
        answer=ErrorAnswer,
        asker=GATEWAY,
        answerer=ANALYTICS,
        path="/errors/{fingerprint}",
        description="One error: its frames, rate, users, routes, versions and traces.",
    ),
    QueryType(
        name="change_error",
        subject="query.v1.change_error",
        model=ErrorChange,
        answer=ErrorGroup,
        asker=GATEWAY,
        answerer=ANALYTICS,
        path="/errors/{fingerprint}",
        changes=True,
        description="Resolves, ignores or opens an error.",
    ),
    QueryType(
        name="root_cause",
        subject="query.v1.root_cause",
        model=RootCauseQuery,
        answer=RootCauseAnswer,
        asker=GATEWAY,
        answerer=ANALYTICS,
        path="/root-cause",
        description="Which service is to blame for a trouble: suspects with evidence from spans, logs and metrics.",
    ),
)

BUCKETS: dict[str, Bucket] = {
    API_KEYS_BUCKET: Bucket(readers=(GATEWAY,)),
    PREDICTORS_BUCKET: Bucket(readers=(PREDICTOR,), writers=(PREDICTOR,), max_age_s=60),
    METRIC_DEFINITIONS_BUCKET: Bucket(
        readers=(GATEWAY, ANALYTICS, PREDICTOR, DASHBOARD),
        writers=(GATEWAY, ANALYTICS),
        history=10,
        max_bytes=256 * MIB,
        max_value_bytes=32 * KIB,
        direct=True,
    ),
}
"""Key-value buckets (``admin`` may do everything)."""

OBJECT_STORES: dict[str, dict[str, tuple[str, ...]]] = {
    MODELS_BUCKET: {"read": (PREDICTOR,), "write": (PREDICTOR,)},
}


def message(name: str) -> MessageType:
    """The message type called ``name``; raises :class:`KeyError`."""
    for entry in MESSAGES:
        if entry.name == name:
            return entry
    raise KeyError(name)


def durable(name: str) -> Durable | None:
    """The durable called ``name``; ``None`` where the catalogue has none."""
    return next((durable for entry in MESSAGES for durable in entry.durables if durable.name == name), None)


def durables(user: str | None = None) -> list[tuple[str, Durable]]:
    """The durables of ``user``, or of all, with their streams."""
    return [
        (entry.stream, durable) for entry in MESSAGES for durable in entry.durables if user is None or durable.owner == user
    ]


def needed_streams(user: str) -> list[str]:
    """Every stream that ``user`` writes or reads by itself, those of its buckets among them."""
    streams = [entry.stream for entry in MESSAGES if user in (*entry.producers, *entry.readers)]
    streams += [bucket_stream(name) for name, bucket in BUCKETS.items() if user in (*bucket.readers, *bucket.writers)]
    streams += [object_stream(name) for name, roles in OBJECT_STORES.items() if user in (*roles["read"], *roles["write"])]
    return streams


def consumer(user: str, name: str) -> tuple[str, str]:
    """Stream and durable through which ``user`` reads the messages called ``name``; raises :class:`KeyError`."""
    entry = message(name)
    for durable in entry.durables:
        if durable.owner == user:
            return entry.stream, durable.name
    raise KeyError(f"{user} has no durable for {name}")


def bucket_stream(bucket: str) -> str:
    """The stream behind a key-value bucket."""
    return f"KV_{bucket}"


def object_stream(bucket: str) -> str:
    """The stream behind an object store."""
    return f"OBJ_{bucket}"


CONSUMPTION_WATCHERS = (GATEWAY, DASHBOARD)
"""Services that say whether what is accepted is also read: they may ask the bus about every durable, and nothing more."""
