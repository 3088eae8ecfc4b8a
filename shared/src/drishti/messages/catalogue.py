"""The architecture on one screen: every message type with its subject, stream, producers and consumers.

Streams, NATS permissions, JSON Schemas, the AsyncAPI document, TypeScript types and ``docs/contracts.md`` derive from here.
"""

from __future__ import annotations

from types import UnionType

from msgspec import Struct

from drishti.messages.aggregates import Aggregate
from drishti.messages.dead_letters import DeadLetter
from drishti.messages.events import MAX_ITEMS, AnalyticsEvent, RequestEvent
from drishti.messages.insights import Insight
from drishti.messages.subjects import family

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
DASHBOARDS_BUCKET = "dashboards"
NOTES_BUCKET = "notes"
COHORTS_BUCKET = "cohorts"
SAVED_FUNNELS_BUCKET = "saved_funnels"
FUNNEL_RESULTS_BUCKET = "funnel_results"


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

BUCKETS: dict[str, Bucket] = {
    API_KEYS_BUCKET: Bucket(readers=(GATEWAY,), writers=(GATEWAY,)),
    PREDICTORS_BUCKET: Bucket(readers=(PREDICTOR,), writers=(PREDICTOR,), max_age_s=60),
    METRIC_DEFINITIONS_BUCKET: Bucket(
        readers=(GATEWAY, ANALYTICS, PREDICTOR, DASHBOARD),
        writers=(GATEWAY, ANALYTICS),
        history=10,
        max_bytes=256 * MIB,
        max_value_bytes=32 * KIB,
        direct=True,
    ),
    DASHBOARDS_BUCKET: Bucket(
        readers=(DASHBOARD,),
        writers=(DASHBOARD,),
        history=10,
        max_bytes=256 * MIB,
        max_value_bytes=256 * KIB,
        direct=True,
    ),
    NOTES_BUCKET: Bucket(
        readers=(DASHBOARD,),
        writers=(DASHBOARD,),
        history=1,
        max_bytes=64 * MIB,
        max_value_bytes=16 * KIB,
        direct=True,
    ),
    COHORTS_BUCKET: Bucket(  # without a history: who is erased is in no earlier version
        readers=(ANALYTICS,),
        writers=(ANALYTICS,),
        history=1,
        max_bytes=64 * MIB,
        max_value_bytes=768 * KIB,
        direct=True,
    ),
    SAVED_FUNNELS_BUCKET: Bucket(
        readers=(ANALYTICS,),
        writers=(ANALYTICS,),
        history=1,
        max_bytes=64 * MIB,
        max_value_bytes=128 * KIB,
        direct=True,
    ),
    FUNNEL_RESULTS_BUCKET: Bucket(  # the newest result of each saved funnel
        readers=(ANALYTICS, DASHBOARD),
        writers=(ANALYTICS,),
        history=1,
        max_bytes=64 * MIB,
        max_value_bytes=768 * KIB,
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


ERASERS = (ANALYTICS,)
"""Services that read every stream and remove single messages: those that name a user who is erased."""

CONSUMPTION_WATCHERS = (GATEWAY, DASHBOARD)
"""Services that say whether what is accepted is also read: they may ask the bus about every durable, and nothing more."""
