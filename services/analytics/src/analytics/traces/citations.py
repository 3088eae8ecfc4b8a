"""Traces of what is unusual are kept: when an anomaly opens or an incident is reported, its window is cited at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from nats.aio.msg import Msg

from analytics.errors import DatabaseAway
from analytics.storage.database import Database
from analytics.traces.keeping import cite
from drishti.bus.connection import Bus
from drishti.errors import InvalidPayload, UnknownKind
from drishti.events import AnomalyInsight, IncidentInsight, InsightDecoder
from drishti.messages.catalogue import INSIGHTS

log = logging.getLogger(__name__)

SUBJECTS = ["insights.v1.*.anomaly.>", "insights.v1.*.incident"]

SINCE = timedelta(hours=1)
"""Insights of so long before the start are cited again: nobody knows whether they were."""

BEFORE = timedelta(minutes=5)
AFTER = timedelta(minutes=1)
"""The window that is cited, around the instant that an insight speaks of."""

SERVICE = "service"

STATEMENT_S = 120.0
"""An hour that goes may have to be waited for."""


Opened = Callable[[str, str, int, list[str]], None]
"""Called with each: tenant, id of the insight, the instant that it speaks of in epoch ms, services concerned."""


class Citations:
    """Follows what is said of anomalies and incidents until ``stop``; ``opened`` is called with them, too."""

    def __init__(self, bus: Bus, database: Database, opened: Opened) -> None:
        self._bus = bus
        self._database = database
        self._opened = opened
        self._decoder = InsightDecoder()
        self.cited = 0

    async def run(self, stop: asyncio.Event) -> None:
        await self._bus.replay(INSIGHTS, subjects=SUBJECTS, start=datetime.now(UTC) - SINCE, handler=self._take, stop=stop)

    async def _take(self, message: Msg) -> None:
        try:
            insight = self._decoder.decode(message.data)
        except (UnknownKind, InvalidPayload):
            return  # a reader that shows insights counts and logs it
        if isinstance(insight, AnomalyInsight):
            if insight.phase != "opened":
                return
            services = [insight.labels[SERVICE]] if insight.labels.get(SERVICE) else []
        elif isinstance(insight, IncidentInsight):
            if insight.phase not in (None, "opened"):
                return
            services = list(insight.services)
        else:
            return
        self._opened(insight.tenant, insight.insight_id, insight.at, services)
        at = datetime.fromtimestamp(insight.at / 1000, UTC)
        try:
            async with await self._database.connect(name="citations", statement_s=STATEMENT_S) as session:
                self.cited += (await cite(session, insight.tenant, services, at - BEFORE, at + AFTER)).traces
        except DatabaseAway as error:
            log.warning("the traces of an insight are not kept", extra={"insight": insight.insight_id, "reason": str(error)})
