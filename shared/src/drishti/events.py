"""The messages on the bus, as types.

Decoding a payload validates it: types, lengths and ranges are declared on the fields. Producers are strict (they build these
types), consumers are tolerant (unknown fields are ignored). Within ``v1`` only optional fields may be added.
"""

from __future__ import annotations

import enum
import re
from datetime import datetime, timedelta
from typing import Annotated, Any, Generic, Literal, TypeVar, cast

import msgspec
from msgspec import Meta, Struct

from drishti.errors import InvalidPayload
from drishti.messages import jsontext

# To Python, $ also stands before a last newline, which neither a subject nor a header may hold.
TOKEN = r"^[a-z0-9_-]{1,64}$(?!\n)"  # noqa: S105  (no password: a token of a subject)
TRACEPARENT = r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$(?!\n)"

Token = Annotated[str, Meta(pattern=TOKEN, description="one token of a subject: a-z, 0-9, _ and -")]
Identifier = Annotated[str, Meta(min_length=1, max_length=256)]
ServiceName = Annotated[
    str, Meta(max_length=256, description="`service` as it was given, for people; where it is another text")
]
ServiceNames = Annotated[dict[str, str], Meta(description="the names that services were given, by their tokens; where known")]
Traceparent = Annotated[str, Meta(pattern=TRACEPARENT, description="W3C trace context of the work that this message tells of")]
Instant = Annotated[datetime, Meta(tz=True, description="ISO 8601 with an offset")]
EpochMs = Annotated[int, Meta(description="milliseconds since 1970-01-01T00:00Z")]
Resolution = Literal["1s", "1m", "1h"]
Step = Literal[
    "1s", "10s", "15s", "30s", "1m", "5m", "10m", "15m", "30m", "1h", "3h", "6h", "12h", "1d", "1w"
]  # fmt: skip

MAX_ITEMS = 10_000
"""Items of one message on EVENTS, REQUESTS or METRICS; a message with more is refused whole."""

EVENT_BYTES = 128 * 1024
"""The largest event that the gateway and the SDK take: two of them fit into a message, also with what the gateway adds."""

OLDEST = timedelta(days=30)
NEWEST = timedelta(minutes=10)
"""An event's own time may lie that far from now: days for devices that were offline, minutes for clocks that are fast."""

TOO_OLD = f"more than {OLDEST.days} days before its arrival"
TOO_NEW = f"more than {NEWEST.seconds // 60} minutes after its arrival"

RESOLUTION_MS: dict[str, int] = {"1s": 1_000, "1m": 60_000, "1h": 3_600_000}


class AnalyticsEventType(enum.StrEnum):
    """The event types that Drishti itself draws metrics from. The set is open: any valid token is accepted."""

    DHARMA_QUERY = "dharma_query"
    WISDOM_GENERATED = "wisdom_generated"
    MEDITATION_SESSION = "meditation_session"
    FEEDBACK = "feedback"
    SESSION_START = "session_start"
    SESSION_END = "session_end"
    PAGE_VIEW = "page_view"
    LLM_CALL = "llm_call"
    CACHE_ACCESS = "cache_access"
    ERROR = "error"


class AnalyticsEvent(Struct, gc=False, omit_defaults=True, kw_only=True):
    """Something that a user or the application did.

    Sending the same ``event_id`` again changes nothing. Without ``timestamp`` the instant at which the bus stored the event
    counts. Metrics are drawn from these keys of ``data``, whatever the type: ``satisfaction`` (number), ``wisdom_score``
    (number), ``topic`` (text); of ``llm_call``: ``model``, ``input_tokens``, ``output_tokens``, ``duration_ms``,
    ``time_to_first_token_ms``, ``error``; of ``cache_access``: ``cache``, ``hit``.
    """

    event_id: Identifier
    event_type: Token
    user_id: Annotated[str, Meta(max_length=256)] | None = None
    data: dict[str, Any] = {}
    timestamp: Instant | None = None
    session_id: Annotated[str, Meta(max_length=256)] | None = None
    service: Token | None = None
    service_name: ServiceName | None = None
    version: Annotated[str, Meta(max_length=64)] | None = None
    traceparent: Traceparent | None = None


_Scalar = str | int | float | bool | None
Shallow = dict[str, _Scalar | list[_Scalar] | dict[str, _Scalar]]
"""The ``data`` of most events. What the decoder takes as this needs no search for deep nesting."""


class RequestEvent(Struct, gc=False, omit_defaults=True, kw_only=True):
    """One served request. ``route`` is the template (``/items/{id}``), never the path with its values.

    ``timestamp`` is when the answer ended: a slow request counts where it is known how slow it was, not in a closed window.
    """

    event_id: Identifier
    service: Token
    method: Annotated[str, Meta(max_length=16)]
    route: Annotated[str, Meta(max_length=256)]
    status: Annotated[int, Meta(ge=0, le=999)]
    duration_ms: Annotated[float, Meta(ge=0)]
    timestamp: Instant | None = None
    error: Annotated[str, Meta(max_length=256)] | None = None
    user_id: Annotated[str, Meta(max_length=256)] | None = None
    session_id: Annotated[str, Meta(max_length=256)] | None = None
    model: Annotated[str, Meta(max_length=128)] | None = None
    traceparent: Traceparent | None = None
    service_name: ServiceName | None = None


class AggregateSeries(Struct, gc=False, omit_defaults=True, kw_only=True):
    """One series of one window. A field is absent where the metric's kind does not have it.

    ``count`` observations, of them ``errors`` failed; ``sum``, ``min``, ``max`` in the metric's unit; ``p50``, ``p95``,
    ``p99`` within 1 % of the true value; ``uniques`` a HyperLogLog estimate (1.6 % standard error).
    """

    labels: dict[str, str] = {}
    count: int = 0
    errors: int | None = None
    sum: float | None = None
    min: float | None = None
    max: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    uniques: float | None = None

    def quantile(self, part: float) -> float | None:
        """The percentile that was published for ``part``, where there is one."""
        return {0.5: self.p50, 0.95: self.p95, 0.99: self.p99}.get(part)

    def distinct(self) -> float | None:
        return self.uniques


class Aggregate(Struct, omit_defaults=True, kw_only=True):
    """All series of one metric in one window, whole: a later ``revision`` of the same window replaces this one.

    ``window_start`` inclusive; the window is ``resolution`` long. ``final`` says that no more is expected; a late event still
    yields a later final revision. ``published_at`` is when analytics read the numbers. A series that was active a moment
    ago and is silent now is present with ``count`` 0 (counters only). The series with empty labels is the total.

    A message is never a part: it fits the bus by itself. Of each set of labels it names the series that were active lately and
    then those that count most, up to a limit (``ANALYTICS_PUBLISHED_SERIES``, fewer where the message would be too large); what
    is beyond is one series whose labels are all ``other``. So each set of labels adds up to the total.
    """

    tenant: Token
    metric: Token
    unit: str
    resolution: Resolution
    window_start: EpochMs
    revision: int
    final: bool = False
    published_at: EpochMs
    series: list[AggregateSeries]
    service_names: ServiceNames = {}


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


class DeadLetter(Struct, omit_defaults=True, kw_only=True):
    """A message that was refused, as it came. ``payload`` is base64 in JSON; ``headers`` holds what came with it.

    A ``truncated`` letter holds the beginning only, since the bus carries no more: the whole is at ``sequence`` of ``stream``.
    """

    subject: str
    stream: str
    sequence: int
    reason: str
    refused_by: str
    at: EpochMs
    payload: bytes
    headers: dict[str, str] = {}
    truncated: bool = False


class Query(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """A question to analytics: one aggregate of one metric over ``[from, to)``.

    ``filters`` maps a dimension to the value it must have; ``group_by`` lists the dimensions to keep apart.
    """

    tenant: Token
    metric: Token
    aggregate: str
    from_ms: EpochMs
    to_ms: EpochMs
    resolution: Resolution | None = None
    group_by: list[str] = []
    filters: dict[str, str] = {}


class QuerySeries(Struct, kw_only=True):
    """One line of an answer. ``total`` is the aggregate over the whole range, not a sum or mean of the points."""

    labels: dict[str, str]
    total: float | None
    points: list[tuple[int, float | None]]


class QueryAnswer(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to a :class:`Query`. ``as_of``: everything committed before this instant is in it."""

    metric: str
    aggregate: str
    unit: str
    from_ms: EpochMs
    to_ms: EpochMs
    resolution: Resolution
    source: str
    as_of: EpochMs
    series: list[QuerySeries]
    service_names: ServiceNames = {}


class LabelFilter(Struct, omit_defaults=True, kw_only=True):
    """A condition on a label: ``value`` of ``=``, ``!=`` and ``prefix``, ``values`` of ``in``; ``exists``: it is not empty."""

    label: str
    op: Literal["=", "!=", "in", "prefix", "exists"] = "="
    value: str = ""
    values: list[str] = []


class Question(Struct, omit_defaults=True, kw_only=True):
    """An ``aggregate`` of a ``metric`` or an ``expression`` over several; an answer repeats ``name``.

    ``filters`` must all be met, and so must ``where``, a condition as in an expression: both are for a metric. ``group_by``
    lists the labels to keep apart; with ``top``, only so many groups by their totals, and the rest together as ``other``.
    """

    name: str = ""
    metric: str = ""
    aggregate: str = ""
    expression: str = ""
    filters: list[LabelFilter] = []
    where: str = ""
    group_by: list[str] = []
    top: int | None = None


class QuestionSet(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """Some questions to analytics over one range ``[from, to)``, in steps of ``resolution`` (``None``: as fits the range).

    Days and weeks begin at midnight in ``time_zone``. ``compare``: the same over the range before, or a day or week earlier.
    """

    tenant: Token
    questions: list[Question]
    from_ms: EpochMs
    to_ms: EpochMs
    resolution: Step | None = None
    time_zone: str = "UTC"
    compare: Literal["previous", "1d", "1w"] | None = None


class AnswerSeries(Struct, omit_defaults=True, kw_only=True):
    """One line of an answer. ``total`` is the aggregate, or the expression, over the whole range, not a sum or mean of the
    points. ``compared`` are the points of the earlier range, at the instants of the steps that they are compared with."""

    labels: dict[str, str]
    total: float | None
    points: list[tuple[EpochMs, float | None]]
    compared_total: float | None = None
    compared: list[tuple[EpochMs, float | None]] = []


class QuestionAnswer(Struct, omit_defaults=True, kw_only=True):
    """The answer to one :class:`Question`. ``unit`` is empty where it is not known. ``merged``: so many groups are in the
    series ``other``."""

    name: str = ""
    metric: str = ""
    aggregate: str = ""
    expression: str = ""
    unit: str
    series: list[AnswerSeries]
    merged: int = 0


class AnswerSet(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answers to a :class:`QuestionSet`, in its order. ``from`` and ``to`` are widened to whole steps; ``source`` is the
    rollup that was read; ``as_of``: everything committed before this instant is in it. ``compared_from`` and ``compared_to``
    are the earlier range."""

    from_ms: EpochMs
    to_ms: EpochMs
    resolution: Step
    source: str
    as_of: EpochMs
    answers: list[QuestionAnswer]
    compared_from: EpochMs | None = None
    compared_to: EpochMs | None = None
    service_names: ServiceNames = {}


class QueryFailure(Struct, omit_defaults=True, kw_only=True):
    """Why a :class:`Query` or :class:`QuestionSet` has no answer; ``field`` names the wrong parameter where one is.

    In an expression, ``length`` characters from ``character`` on, from 0, are wrong. ``nearest``: names that may be meant.
    """

    code: Literal["invalid", "timeout", "unavailable"]
    error: str
    field: str = ""
    character: int | None = None
    length: int | None = None
    nearest: list[str] = []


class CatalogueQuery(Struct, omit_defaults=True, kw_only=True):
    """A question to analytics: what was seen of a tenant's metrics, of all or of those whose tokens are in ``metrics``."""

    tenant: Token
    metrics: list[str] = []


class MetricSeen(Struct, omit_defaults=True, kw_only=True):
    """What was seen of one metric: the start of the newest window that has data, the number of ``series`` in the newest hour
    that has any, and the ``services`` in their labels, by token."""

    metric: Token
    last_seen: EpochMs
    series: int
    services: list[str] = []


class Backfill(Struct, omit_defaults=True, kw_only=True):
    """How far the history of a metric that is drawn from events is filled: back ``until`` an instant, ``percent`` of the range
    for which events are kept. Of a KPI, that of what is least far."""

    metric: Token
    state: str
    until: EpochMs
    percent: float


class CatalogueAnswer(Struct, kw_only=True):
    """The answer to a :class:`CatalogueQuery`: metrics that were never seen are absent. ``as_of`` as in a
    :class:`QueryAnswer`."""

    as_of: EpochMs
    metrics: list[MetricSeen]
    backfills: list[Backfill] = []


class FrameData(Struct, kw_only=True):
    """``values`` is always complete; ``series`` holds points to append or, by equal time, replace; ``events`` are new ones.

    ``problems`` is complete too: sentences for people, why the numbers are not current or leave something out. So is
    ``service_names``.
    """

    values: dict[str, float | None]
    series: dict[str, list[tuple[int, float | None]]]
    events: list[dict[str, Any]]
    problems: list[str] = []
    service_names: ServiceNames = {}


class Frame(Struct, kw_only=True):
    """What a browser receives. The first frame is a ``snapshot``; ``seq`` counts frames within one ``epoch``."""

    type: Literal["snapshot", "update"]
    dashboard: str
    epoch: str
    seq: int
    ts: EpochMs
    data: FrameData


_PATTERNS = (
    (repr(TOKEN), "must be 1 to 64 of a-z, 0-9, _ and -"),
    (repr(TRACEPARENT), "must be a traceparent as W3C has it"),
)
_PATH = re.compile(r" - at `(?P<path>[^`]*)`$")
_MISSING = re.compile(r"^Object missing required field `(?P<name>[^`]*)`")


def invalid_payload(error: Exception) -> InvalidPayload:
    """The same fact as ``error``, one of :data:`UNDECODABLE`, with the field's path taken out of its text."""
    if isinstance(error, RecursionError):
        return InvalidPayload("nested too deeply")
    text = str(error)
    path = ""
    if match := _PATH.search(text):
        path = match["path"].removeprefix("$").removeprefix("[...]").removeprefix(".")
        text = text[: match.start()]
    if text.startswith("Expected `str` matching regex"):
        text = next((words for pattern, words in _PATTERNS if pattern in text), text)
    if missing := _MISSING.match(text):
        path = f"{path}.{missing['name']}" if path else missing["name"]
    return InvalidPayload(text, path)


_encoder = msgspec.json.Encoder()


def encode(message: Any) -> bytes:
    """JSON bytes of a contract type or a list of them."""
    return _encoder.encode(message)


T = TypeVar("T")


UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no such message; the last one for nesting of many hundred levels."""


class ArrayDecoder(Generic[T]):
    """Decodes arrays of ``model``, and says whether something in the text may be what no later step can take.

    The events may be of a subclass of ``model``: for whoever looks at their fields and forwards the text, and nobody else.
    """

    def __init__(self, model: type[T]) -> None:
        self._any: msgspec.json.Decoder[list[T]] = msgspec.json.Decoder(list[model])  # type: ignore[valid-type]
        self._shallow: msgspec.json.Decoder[list[T]] = msgspec.json.Decoder(list[_shallow(model)])  # type: ignore[misc]

    def decode(self, text: bytes) -> tuple[list[T], bool]:
        """The events, and whether :func:`jsontext.fault` must be asked about each; raises one of :data:`UNDECODABLE`."""
        try:
            events = self._shallow.decode(text)
        except UNDECODABLE:
            events = self._any.decode(text)
            return events, jsontext.may_hold_faults(text, len(events))
        return events, jsontext.may_hold_bad_characters(text)


def _shallow(model: type[T]) -> type[T]:
    """``model`` without unknown fields and with flat ``data``: where text is one of these, nothing is nested deeply."""
    data: tuple[str, Any, Any] = ("data", Shallow, msgspec.field(default_factory=dict))
    shallow: Any = msgspec.defstruct(
        model.__name__,
        [data] if "data" in getattr(model, "__struct_fields__", ()) else [],
        bases=(cast(type[Struct], model),),
        gc=False,
        kw_only=True,
        forbid_unknown_fields=True,
    )
    return cast(type[T], shallow)


class BatchDecoder(Generic[T]):
    """Decodes one event or an array of events of one type: the two forms a message on EVENTS or REQUESTS may have.

    What it takes can be stored; :mod:`drishti.messages.jsontext` says what JSON may carry that cannot. They are of exactly
    ``model``: consumers tell messages apart by their types.
    """

    def __init__(self, model: type[T]) -> None:
        self._one: msgspec.json.Decoder[T] = msgspec.json.Decoder(model)
        self._many: msgspec.json.Decoder[list[T]] = msgspec.json.Decoder(list[model])  # type: ignore[valid-type]

    def decode(self, payload: bytes) -> list[T]:
        """All events of ``payload``; raises :class:`InvalidPayload` where any of them is wrong."""
        text = jsontext.text_of(payload)
        if not jsontext.is_array(text):
            return [self.decode_item(text)]
        if jsontext.is_dense(text):
            return [self.decode_item(item) for item in jsontext.cut(text)]
        try:
            events = self._many.decode(text)
        except UNDECODABLE as error:
            raise invalid_payload(error) from None
        if jsontext.may_hold_faults(text, len(events)):
            for item in jsontext.cut(text):
                if (wrong := jsontext.fault(item)) is not None:
                    raise wrong
        return events

    def cut(self, payload: bytes) -> list[bytes]:
        """The items of ``payload`` as they came, for :meth:`decode_item`; one of them may be wrong without the others.

        Raises :class:`InvalidPayload` where it cannot be told what the items are.
        """
        text = jsontext.text_of(payload)
        return jsontext.cut(text) if jsontext.is_array(text) else [text]

    def decode_item(self, item: bytes) -> T:
        """The one event that ``item`` is; raises :class:`InvalidPayload` where it is none."""
        try:
            event = self._one.decode(item)
        except UNDECODABLE as error:
            wrong = invalid_payload(error)
            named = jsontext.fault(item) or jsontext.number_fault(item, out_of_range="out of range" in wrong.error)
            raise named or wrong from None
        if jsontext.may_hold_faults(item, 1) and (fault := jsontext.fault(item)) is not None:
            raise fault
        return event
