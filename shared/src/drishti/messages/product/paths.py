"""What the gateway asks analytics about paths of users, and the answers. Pure."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from drishti.messages.field_types import EpochMs, Token
from drishti.messages.product.cohorts import CohortFilter
from drishti.messages.product.exclusion import ExcludedUsers
from drishti.messages.product.sessions import Campaign, Conditions, EventTypes, Gap, Midnight, Zone
from drishti.messages.product.users import UserLimit

Window = Annotated[int, Meta(ge=1, le=2_592_000, description="seconds that a path of a user takes; 30 days at most")]
MaxSteps = Annotated[int, Meta(ge=2, le=20, description="steps of a path, counted from its start or end")]
NodeName = Annotated[
    str, Meta(min_length=1, max_length=205, description="`event_type`, or the property whose values are nodes")
]
Latency = Annotated[str, Meta(max_length=205, description="the property with the latency of an event in ms; none if empty")]


class PathGroup(Struct, omit_defaults=True, kw_only=True):
    """Values that match ``pattern``, in which `*` stands for any characters, are one node, called ``name`` or as the
    pattern."""

    pattern: Annotated[str, Meta(min_length=1, max_length=200)]
    name: Annotated[str, Meta(max_length=200)] = ""


Nodes = Annotated[int, Meta(ge=1, le=50, description="nodes of each step; the rest together as `other`")]
Groups = Annotated[list[PathGroup], Meta(max_length=50)]


class PathAnchor(Struct, omit_defaults=True, kw_only=True):
    """An event of this type, or of any, that meets all conditions."""

    event_type: Annotated[str, Meta(max_length=256)] = ""
    where: Conditions = []


class PathsAsked(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """Which paths are meant: what all questions about paths have."""

    tenant: Token
    from_ms: EpochMs
    to_ms: EpochMs
    event_types: EventTypes = []
    where: Conditions = []
    node: NodeName = "event_type"
    group: Groups = []
    start: PathAnchor | None = None
    end: PathAnchor | None = None
    max_steps: MaxSteps = 5
    collapse_repeats: bool = True
    window_s: Window | None = None
    gap_s: Gap = 1_800
    midnight: Midnight = False
    campaign: Campaign = False
    tz: Zone = "UTC"
    cohort: CohortFilter = ""
    sample: bool = False


class PathsQuery(PathsAsked, omit_defaults=True, kw_only=True):
    """A question to analytics: what users do one thing after another, after ``start`` or before ``end``, in sessions that began
    in `[from, to)`, or by user where ``window_s`` is given.

    Steps are events of ``event_types`` that meet all of ``where``. ``limit``: nodes of each step; the rest together as
    `other`. ``sample``: of a sixteenth of the users only."""

    latency: Latency = "duration_ms"
    errors: Annotated[bool, Meta(description="whether each edge has the share of its events that failed")] = True
    limit: Nodes = 10


class PathNode(Struct, omit_defaults=True, kw_only=True):
    """``count`` paths have ``name`` as their ``step``: 0 is the start; before an end steps are negative, and the end is 0."""

    step: int
    name: str
    count: int
    other: Annotated[bool, Meta(description="all further names of the step together")] = False


class PathEdge(Struct, omit_defaults=True, kw_only=True):
    """``count`` paths of ``users`` go from one node to another, which are places in `nodes`. ``median_ms``: the time between
    the two events; ``latency_ms``: the median latency of the second one, of those that have it; ``error_rate``: the share of
    them that failed, from 0 to 1."""

    source: int
    target: int
    count: int
    users: int
    median_ms: int
    latency_ms: float | None = None
    error_rate: float | None = None


class PathCount(Struct, omit_defaults=True, kw_only=True):
    """Paths that are the same from end to end."""

    steps: list[str]
    count: int


class PathsAnswer(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to a :class:`PathsQuery`: ``paths`` of ``users``. ``missed``: by so many at most each of ``top_paths`` is more
    frequent than its count says; 0 unless there are very many different ones.

    ``sampled`` is the share of all users that was counted; numbers are of these users, not multiplied."""

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    sampled: float
    excluded_users: ExcludedUsers = 0
    paths: int
    users: int
    nodes: list[PathNode]
    edges: list[PathEdge]
    top_paths: list[PathCount] = []
    missed: int = 0


class PathsUsersQuery(PathsAsked, omit_defaults=True, kw_only=True):
    """A question to analytics: the users of paths as of a :class:`PathsQuery` that have ``name`` as their ``step``, and
    ``next_name`` as the one after it where that is given."""

    step: int
    name: Annotated[str, Meta(min_length=1, max_length=256)]
    next_name: Annotated[str, Meta(max_length=256)] = ""
    limit: UserLimit = 100
