"""Sums over minutes of spans for a range of time: those that are stored, and those of the newest minutes, counted as asked.

A minute is stored some time after its end, and so is an hour. Newer ones that have spans are counted for the question, of a
sample of their traces where they are many; so an answer is as new as what is stored.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime, timedelta
from typing import NamedTuple

from analytics.errors import StatementTimeout
from analytics.storage import rows
from analytics.storage.database import Session
from analytics.traces.hour_sums import Counted
from analytics.traces.minute_reading import count_minute_within, minute_of

log = logging.getLogger(__name__)

LIVE_MINUTES = 4
"""Minutes that are counted for a question, the newest; further ones that wait are left out, and the answer says so."""

LIVE_S = 0.8
"""How long they are counted, all of them: each has its share of the time, and what the ones before it left."""


class Minute(NamedTuple):
    """The encoded sums of the minute or hour that begins at ``start``. One of ``one_in`` traces is in them."""

    start: datetime
    traces: int
    one_in: int
    sums: bytes


class Minutes(NamedTuple):
    """Minutes of a range, and hours in the place of theirs. ``complete_to``: up to here none is missing, and none will change
    but for late spans. ``covered_s``: how long the time is in which these spans came, without what is before the first
    minute of the tenant, to come, or left out: a rate is by that."""

    minutes: list[Minute]
    complete_to: int
    covered_s: float

    def counted(self) -> list[Counted]:
        """How many traces stand for one, and the sums."""
        return [(minute.one_in, minute.sums) for minute in self.minutes]


async def read_minutes(
    session: Session, tenant: str, kind: str, from_ms: int, to_ms: int, *, live_s: float = LIVE_S
) -> Minutes:
    """The minutes that begin in ``[from_ms, to_ms)``, the earliest first; of the first one as a whole. Those that are not
    stored yet are counted for ``live_s`` seconds."""
    start, end = minute_of(from_ms), minute_of(to_ms + 59_999)
    now_ms = await session.value("clock")
    waiting = [record["minute"] for record in await session.fetch("waiting_minutes", tenant, start, end)]
    changing = {minute.replace(minute=0) for minute in waiting}
    hours = [record for record in await session.fetch("hours", tenant, kind, start, end) if record["hour"] not in changing]
    stored = await session.fetch("minutes_outside_hours", tenant, kind, start, end, [record["hour"] for record in hours])
    minutes = {
        record["minute"]: Minute(record["minute"], record["traces"], record["one_in"], record["sums"]) for record in stored
    }
    partly: list[datetime] = []
    began = time.monotonic()
    live = waiting[:LIVE_MINUTES]
    for number, minute in enumerate(live, 1):
        if time.monotonic() - began > live_s:
            break
        try:
            sums, traces, one_in, cut = await count_minute_within(
                session, tenant, minute, kind, until=began + live_s * number / len(live)
            )
        except StatementTimeout:
            log.info("a minute is left out of an answer: finding its traces takes too long", extra={"tenant": tenant})
            break
        minutes[minute] = Minute(minute, traces, one_in, (await asyncio.to_thread(sums.encoded))[kind])
        if cut:
            partly.append(minute)
    left_out = partly + [minute for minute in waiting if minute not in minutes]
    complete_to = min([rows.epoch_ms(minute) for minute in left_out] + [max(from_ms, min(to_ms, now_ms))])
    first = min([minute for minute in [await session.value("first_minute", tenant, kind), *waiting] if minute], default=end)
    until_ms = min([rows.epoch_ms(minute) for minute in left_out] + [rows.epoch_ms(end), now_ms])
    covered_s = max(0, until_ms - rows.epoch_ms(max(start, first))) / 1000
    whole_hours = [Minute(record["hour"], record["traces"], 1, record["sums"]) for record in hours]
    return Minutes(sorted([*whole_hours, *minutes.values()], key=lambda one: one.start), complete_to, covered_s)


def a_day_before(ms: int) -> int:
    return ms - int(timedelta(days=1).total_seconds() * 1000)
