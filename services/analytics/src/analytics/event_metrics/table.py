"""Which metrics are drawn from events: read from, and brought into, the table that all writers agree by.

How this works
--------------
Definitions reach the replicas of analytics one after the other; yet each event must be counted by each metric exactly once,
live or from its row. So what is counted is not decided by what a replica has heard of, but by a table:

* Every transaction of a writer holds a shared lock from before its first write to its end, and reads the epoch under it. Where
  that is not the epoch of the metrics it has in memory, it reads the table and computes its cells again.
* Whoever changes the table holds the same lock exclusively. While it does, no transaction of a writer runs; those before it
  have ended and have lower numbers, those after it begin later, have higher numbers and see the change. Its own transaction
  number is the metric's ``cut``: an event whose row was written by a transaction below the cut was not counted live, every
  other one was.

No clock and no order of arrival is part of this; an event of last week that comes after the cut is counted live like any other.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from analytics.event_metrics.extractors import Counted, EventMetrics
from analytics.storage.database import Session
from analytics.storage.rows import Record, stored_name
from drishti.measures.definitions import MetricDefinition
from drishti.measures.registry import MetricRegistry

log = logging.getLogger(__name__)

LOCK_TIMEOUT = "2s"
"""Writers wait behind a change that waits for one of them; a change that has to wait for longer is tried again."""

_definition = msgspec.json.Decoder(MetricDefinition)
_encode = msgspec.json.Encoder(order="sorted").encode

Wanted = Mapping[tuple[str, str], MetricDefinition]
"""What is to be counted, by tenant and token."""


class _There(NamedTuple):
    id: int
    definition: MetricDefinition | None
    """``None``: it is none that this version knows."""


def wanted_of(registry: MetricRegistry) -> Wanted:
    """The metrics of all tenants that are drawn from events and switched on, those that only KPIs need among them."""
    return {
        (tenant, token): counted_part(definition)
        for tenant in registry.tenants()
        for token, definition in (*registry.own(tenant).items(), *registry.view(tenant).hidden.items())
        if definition.source is not None and definition.enabled
    }


def counted_part(definition: MetricDefinition) -> MetricDefinition:
    """What decides the numbers of a metric and where they stand; a change of anything else changes nothing here."""
    return MetricDefinition(
        name=definition.name,
        kind=definition.kind,
        dimensions=definition.dimensions,
        source=definition.source,
        version=definition.version,
    )


async def load(session: Session, metrics: EventMetrics) -> int:
    """Brings ``metrics`` up to the table; returns the revision of definitions that this was made from."""
    records = await session.fetch("event_metrics")
    counted = [
        Counted(tenant, stored_name(token, one.id), one.definition)
        for (tenant, token), one in _there(records).items()
        if one.definition is not None
    ]
    for one, reason in metrics.replace(records[0]["epoch"], counted):
        log.error("a metric cannot be drawn from events", extra={"metric": one.stored, "reason": reason})
    return int(records[0]["revision"])


class Held:
    """``metrics`` as the store's transactions hold them."""

    def __init__(self, metrics: EventMetrics) -> None:
        self._metrics = metrics

    @property
    def epoch(self) -> int:
        return self._metrics.epoch

    async def load(self, session: Session) -> None:
        """Reads those of the epoch that ``session`` holds."""
        await load(session, self._metrics)


async def apply(session: Session, wanted: Wanted, revision: int) -> bool:
    """Makes the table as ``wanted``, which are the definitions as of ``revision``; whether anything changed.

    Nothing does where the table was made from a later revision: then another replica has heard more.
    """
    if not _differs(await session.fetch("event_metrics"), wanted, revision):
        return False
    async with session.transaction():
        await session.execute("limit_lock_wait", LOCK_TIMEOUT)
        await session.execute("change_event_metrics")
        records = await session.fetch("event_metrics")
        if not _differs(records, wanted, revision):
            return False
        there = _there(records)
        ends = [one.id for key, one in there.items() if wanted.get(key) != one.definition]
        begins = [key for key, definition in wanted.items() if key not in there or there[key].definition != definition]
        await session.execute("end_event_metrics", ends)
        columns = [tenant for tenant, _ in begins], [token for _, token in begins]
        await session.execute("begin_event_metrics", *columns, [_encode(wanted[key]).decode() for key in begins])
        await session.execute("next_event_metrics_epoch", revision)
    return True


def _differs(records: Sequence[Record], wanted: Wanted, revision: int) -> bool:
    there = {key: one.definition for key, one in _there(records).items()}
    return bool(records[0]["revision"] < revision and there != wanted)


def _there(records: Sequence[Record]) -> dict[tuple[str, str], _There]:
    return {
        (record["tenant"], record["token"]): _There(record["id"], _decoded(record["definition"]))
        for record in records
        if record["id"] is not None
    }


def _decoded(text: str) -> MetricDefinition | None:
    try:
        return _definition.decode(text)
    except msgspec.MsgspecError:
        return None
