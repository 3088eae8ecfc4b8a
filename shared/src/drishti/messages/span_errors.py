"""What the gateway asks analytics about errors of spans and about what bad traces share, and the answers. Pure.

Times are milliseconds since 1970.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from drishti.messages.field_types import MAX_ALTERNATIVES, EpochMs, ServiceNames, Token, WithoutService, known_values
from drishti.messages.traces import TraceId

Fingerprint = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{16}$(?!\n)", description="what is the same for equal errors: 16 hexadecimal digits")
]
ErrorStatus = Literal["open", "resolved", "ignored"]
Text = Annotated[str, Meta(max_length=256)]
Texts = Annotated[list[Text], Meta(max_length=MAX_ALTERNATIVES, description="several, of which any may be met")]
Service = Annotated[str, Meta(max_length=64)]
Services = Annotated[list[Service], Meta(max_length=MAX_ALTERNATIVES, description="several, of which any may be met")]


class ErrorSearch(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """Errors that were seen in a range of time and meet these conditions.

    ``text`` is looked for in titles and culprits; of it and ``texts`` any may be met, and so of services. Of a ``trace_id``
    all errors are asked for, whatever the range. With ``steps``, each error has a count for each of so many equal parts of the
    range. ``cursor`` is that of the answer before.
    """

    tenant: Token
    from_ms: EpochMs
    to_ms: EpochMs
    service: Service = ""
    status: ErrorStatus | None = None
    type: Text = ""
    text: Text = ""
    trace_id: TraceId | None = None
    order: Literal["last_seen", "first_seen", "count"] = "last_seen"
    steps: Annotated[int, Meta(ge=0, le=120)] = 0
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=64)] = ""
    services: Services = []
    texts: Texts = []
    without_service: WithoutService = []


class ErrorGroup(Struct, omit_defaults=True, kw_only=True):
    """One kind of error. ``count`` is of all time, ``in_range`` of the range, up to 10,000. ``culprit`` is where it comes from:
    the innermost frame of the application, or the operation.

    ``regressions``: how often it came again after it was resolved, the last time at ``regressed_ms``. ``status_ms`` is when its
    status was last changed by a person. ``counts`` has one number for each step that a list was asked for, of the newest 10,000
    occurrences in the range, and ``versions`` those in which they came, 20 at most.
    """

    fingerprint: Fingerprint
    service: Annotated[str, Meta(max_length=64)]
    type: str
    title: str
    culprit: str
    count: int
    in_range: int
    first_seen_ms: EpochMs
    last_seen_ms: EpochMs
    status: ErrorStatus
    status_ms: EpochMs | None = None
    resolved_in: str | None = None
    regressions: int
    regressed_ms: EpochMs | None = None
    handled: bool
    trace_id: str | None = None
    counts: list[int] = []
    versions: list[str] = []


class ErrorList(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to an :class:`ErrorSearch`. ``cursor`` asks for what follows; empty: nothing does."""

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    errors: list[ErrorGroup]
    cursor: str = ""
    service_names: ServiceNames = {}


class ErrorQuery(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """One error, with what is known of it in a range of time."""

    tenant: Token
    fingerprint: Fingerprint
    from_ms: EpochMs
    to_ms: EpochMs


class ErrorFrame(Struct, omit_defaults=True, kw_only=True):
    """A call of a stack trace, without its line."""

    function: str
    where: str = ""
    in_app: bool = False


class ErrorsAt(Struct, kw_only=True):
    """How often an error came in the step that begins at ``time_ms``."""

    time_ms: EpochMs
    count: int


class ErrorsWith(Struct, kw_only=True):
    """How often an error came with this value, and from when to when."""

    value: str
    count: int
    first_seen_ms: EpochMs
    last_seen_ms: EpochMs


class ErrorTrace(Struct, omit_defaults=True, kw_only=True):
    """A span that had the error."""

    trace_id: str
    span_id: str
    time_ms: EpochMs
    route: str | None = None
    version: str | None = None
    user_id: str | None = None


class ErrorAnswer(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """One error. ``message`` is that of its first occurrence; ``frames`` have the innermost call first, and are of the root
    cause, which reached the operation as ``raised_as`` where that is another type.

    ``rate`` has the steps of ``step_s`` in which it came. ``users``, ``routes`` and ``versions`` are of the newest ``read``
    occurrences in the range; ``sampled``: there are more. Users of requests that name none are not counted.
    """

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    error: ErrorGroup
    operation: str = ""
    message: str = ""
    raised_as: str = ""
    frames: list[ErrorFrame] = []
    step_s: int
    rate: list[ErrorsAt]
    read: int
    sampled: bool = False
    users: int
    routes: list[ErrorsWith]
    versions: list[ErrorsWith]
    traces: list[ErrorTrace]
    service_names: ServiceNames = {}


class ErrorChange(Struct, omit_defaults=True, kw_only=True):
    """Resolves, ignores or opens an error. Resolved in a ``version``, those that were seen until then may still have it;
    without one, each later occurrence opens it again."""

    tenant: Token
    fingerprint: Fingerprint
    status: ErrorStatus
    version: Text = ""


class SharedSearch(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """What do the failing or slow traces of a range share, against the others? Among those of a ``service`` and ``operation``
    where these are given.

    Slow is what takes longer than ``min_duration_ms``, else than 95 % of the traces of the same operation. With the fingerprint
    of an ``error``, bad are the traces that have it.
    """

    tenant: Token
    from_ms: EpochMs
    to_ms: EpochMs
    bad: Literal["failing", "slow"] = "failing"
    service: Annotated[str, Meta(max_length=64)] = ""
    operation: Annotated[str, Meta(max_length=512)] = ""
    min_duration_ms: Annotated[float, Meta(ge=0, le=1e12)] | None = None
    error: Annotated[str, Meta(pattern=r"^([0-9a-f]{16})?$(?!\n)")] = ""
    limit: Annotated[int, Meta(ge=1, le=20)] = 5


SharedKind = Annotated[
    str,
    known_values("version", "attribute", "number", "event", "service", "operation", "missing_service", "missing_operation"),
]


class SharedProperty(Struct, omit_defaults=True, kw_only=True):
    """Something that traces have; ``text`` says it in words."""

    kind: SharedKind
    name: str
    value: str = ""
    text: str


class SharedFinding(Struct, omit_defaults=True, kw_only=True):
    """A property that bad traces have more often: ``bad_with`` of ``bad``, and ``rest_with`` of ``rest``.

    ``lift`` is how many times as frequent bad traces are among those that have it as among all; ``p_value`` is corrected for
    all properties that were tried. Nearly the same traces have the ``other_names``; ``related`` ones make no difference of
    their own.
    """

    property: SharedProperty
    text: str
    bad_with: int
    bad: int
    rest_with: int
    rest: int
    lift: float
    p_value: float
    other_names: list[SharedProperty] = []
    related: list[SharedProperty] = []
    traces: list[str]


class SharedAnswer(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to a :class:`SharedSearch`, the strongest finding first. ``reason``: why nothing can be said. ``sampled``: a
    sample of the traces was compared, spread over the range."""

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    bad: int
    rest: int
    tried: int
    sampled: bool = False
    reason: str = ""
    findings: list[SharedFinding]
