"""The simulated users, and the events that are sent to Drishti about them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drishti.analytics import Analytics, AnalyticsEvent, AnalyticsEventType

IDLE_S = 300.0
"""A session that was silent for so long is over."""


@dataclass(frozen=True)
class Visitor:
    """One user in one session."""

    user_id: str
    session_id: str
    analytics: Analytics

    async def tell(self, event_type: AnalyticsEventType, **data: Any) -> None:
        """Tells Drishti a fact about this visitor."""
        await self.analytics.track_event(
            AnalyticsEvent(
                event_id=uuid.uuid4().hex,
                event_type=event_type,
                user_id=self.user_id,
                session_id=self.session_id,
                data=data,
            )
        )


class Sessions:
    """The sessions of the last minutes: tells their start when they are first seen and their end when they went silent."""

    def __init__(self, analytics: Analytics, clock: Callable[[], float] = time.monotonic) -> None:
        self._analytics = analytics
        self._clock = clock
        self._seen: dict[str, tuple[float, float, Visitor]] = {}

    async def visit(self, user_id: str, session_id: str) -> Visitor:
        """The visitor of a request."""
        now = self._clock()
        await self._end_silent(now)
        known = self._seen.pop(session_id, None)
        if known is None:
            visitor = Visitor(user_id, session_id, self._analytics)
            self._seen[session_id] = (now, now, visitor)
            await visitor.tell(AnalyticsEventType.SESSION_START)
            return visitor
        began, _, visitor = known
        self._seen[session_id] = (began, now, visitor)  # at the end: the order of keys is the order of silence
        return visitor

    async def _end_silent(self, now: float) -> None:
        while self._seen:
            session_id, (began, last, visitor) = next(iter(self._seen.items()))
            if last > now - IDLE_S:
                return
            del self._seen[session_id]
            await visitor.tell(AnalyticsEventType.SESSION_END, duration_s=round(last - began, 1))
