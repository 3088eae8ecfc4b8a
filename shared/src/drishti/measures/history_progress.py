"""How far the history of a metric is filled, for people who wait for it: asked of analytics, said on standard error."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime

import msgspec

from drishti.bus.connection import Bus
from drishti.errors import QueryError
from drishti.measures.definitions import MetricDefinition
from drishti.measures.effective import TenantMetrics
from drishti.messages import subjects
from drishti.messages.coding import encode
from drishti.messages.questions import QueryFailure
from drishti.messages.seen_metrics import Backfill, CatalogueAnswer, CatalogueQuery

ANSWER_S = 5.0
QUIET_S = 2.0
"""What is done by then is not worth a line."""

EVERY_S = 0.5
DONE = "done"

_answer = msgspec.json.Decoder(CatalogueAnswer)
_failure = msgspec.json.Decoder(QueryFailure)


def has_history(view: TenantMetrics, metric: MetricDefinition) -> bool:
    """Whether ``metric`` is drawn from events, or computed from such."""
    kpi = view.kpis.get(metric.token)
    return metric.source is not None or (kpi is not None and bool(kpi.hidden))


async def progress(bus: Bus, tenant: str, metric: MetricDefinition) -> Backfill | None:
    """How far it is; ``None`` before it has begun. Raises :class:`QueryError`."""
    question = encode(CatalogueQuery(tenant=tenant, metrics=[metric.token]))
    msg = await bus.request(subjects.query("catalogue"), question, timeout_s=ANSWER_S)
    if (msg.headers or {}).get("Drishti-Status") == "error":
        failure = _failure.decode(msg.data)
        raise QueryError(failure.error, code=failure.code)
    return next((one for one in _answer.decode(msg.data).backfills if one.metric == metric.token), None)


def text(backfill: Backfill | None) -> str:
    """In one line: ``41.2 % filled, back to 2026-01-31 12:00 UTC, from 812345 events``."""
    if backfill is None:
        return "about to be filled"
    events = f"from {backfill.rows} events"
    if backfill.state == DONE:
        return f"filled, {events}"
    back_to = datetime.fromtimestamp(backfill.until / 1000, UTC)
    return f"{backfill.percent:.1f} % filled, back to {back_to:%Y-%m-%d %H:%M} UTC, {events}"


async def follow(bus: Bus, tenant: str, metric: MetricDefinition) -> Backfill | None:
    """Waits until the history is filled, and says from the third second on how far it is: on one line of a terminal, else with
    a line every two seconds. Raises :class:`QueryError`."""
    began = said = time.monotonic()
    shown = False
    try:
        while True:
            backfill = await progress(bus, tenant, metric)
            if backfill is not None and backfill.state == DONE:
                return backfill
            now = time.monotonic()
            if sys.stderr.isatty() and now - began >= QUIET_S:
                shown = True
                sys.stderr.write(f"\r\x1b[Khistory: {text(backfill)}")
                sys.stderr.flush()
            elif now - said >= QUIET_S:
                said = now
                sys.stderr.write(f"history: {text(backfill)}\n")
            await asyncio.sleep(EVERY_S)
    finally:
        if shown:
            sys.stderr.write("\r\x1b[K")
