"""What the gateway asks analytics about messages that wait in queues, and the answer. Pure."""

from __future__ import annotations

from msgspec import Struct

from drishti.messages.field_types import EpochMs, ServiceNames, Token


class QueuesQuery(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """A question to analytics: messages that were worked on in the minutes that begin in ``[from, to)``; with ``service``, by
    that service."""

    tenant: Token
    from_ms: EpochMs
    to_ms: EpochMs
    service: str = ""


class Times(Struct, omit_defaults=True, kw_only=True):
    """How long ``count`` of something took. Milliseconds, percentiles within 1 %; ``None`` where there are none."""

    count: int = 0
    mean_ms: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


class QueueTraffic(Struct, omit_defaults=True, kw_only=True):
    """Messages of a ``destination`` (queue, topic or subject) of a messaging ``system`` that a ``service`` worked on.

    ``wait`` is from the end of sending to the start of the work, of the messages whose sending is known; ``work`` is the time
    of the spans that do it, of which ``errors`` failed. ``wait_share`` of the time from sending to the end of the work is
    waiting, on average; ``None`` where no wait is known.
    """

    system: str
    destination: str
    service: str
    messages: int
    rate: float
    errors: int
    wait: Times
    work: Times
    wait_share: float | None = None


class QueuesAnswer(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to a :class:`QueuesQuery`, the longest waits in all first. ``complete_to``: minutes from there on are not
    counted yet. Rates are by ``covered_s`` seconds, which is the range without the time before the first span and that after
    ``complete_to``."""

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    complete_to: EpochMs
    covered_s: float = 0.0
    queues: list[QueueTraffic]
    service_names: ServiceNames = {}
