"""What the gateway asks analytics about where a trouble began, and the answer. Pure."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from drishti.messages.field_types import EpochMs, ServiceNames, Token, known_values

EvidenceKind = Annotated[str, known_values("own_time", "gap", "path", "log_lines", "errors", "gauge")]
Limit = Annotated[int, Meta(ge=1, le=20)]
Minutes = Annotated[
    int,
    Meta(
        ge=5,
        le=360,
        description="how many minutes before the trouble say what is usual; what was out of line in them is left out",
    ),
]


class RootCauseQuery(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """A question to analytics: which service is to blame for a trouble in the minutes of ``[from, to)``.

    ``from`` is when it began; the first three minutes say most. ``limit``: suspects in the answer. ``own``: Drishti's own
    services are suspects, too."""

    tenant: Token
    from_ms: EpochMs
    to_ms: EpochMs
    usual_minutes: Minutes = 60
    limit: Limit = 5
    own: bool = False


class CauseEvidence(Struct, omit_defaults=True, kw_only=True):
    """One reason to suspect a service, in words and numbers. ``weight`` is in nats: calls times the logarithm of how many times
    more than usual, less what chance makes of it. ``operation`` is empty where the service as a whole is meant."""

    kind: EvidenceKind
    operation: str = ""
    weight: float
    summary: str


class CauseSuspect(Struct, omit_defaults=True, kw_only=True):
    """A service with what speaks against it, the weightiest first. ``score`` is the weight of all evidence; ``operation`` and
    ``kind`` are of the weightiest. ``path`` leads from where requests enter to the service, along the most travelled calls; a
    database, broker or host that sends no spans may be the last of it."""

    service: str
    operation: str = ""
    kind: EvidenceKind
    score: float
    path: list[str]
    evidence: list[CauseEvidence]


class RootCauseAnswer(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to a :class:`RootCauseQuery`, the likeliest suspect first.

    Without ``clear`` not even the first has much against it, or there was nothing to compare with: ``note`` says which.
    ``traces`` are those of the window, ``usual_traces`` those of the minutes before it; ``sampled`` is the share of the
    window's traces of which the course was looked at. ``complete_to``: minutes from there on are not counted yet."""

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    complete_to: EpochMs
    usual_from: EpochMs
    clear: bool
    note: str = ""
    traces: int
    usual_traces: int
    sampled: float
    suspects: list[CauseSuspect]
    service_names: ServiceNames = {}
