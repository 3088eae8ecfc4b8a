"""What time it is for the bus, as far as this machine can know.

What was stored is judged by when the bus stored it, so "how long ago" is a question to the bus's clock and not to that of
the machine, which may be wrong: one that is ahead would find every alarm too old to be reported, one that is behind would
report the past as of the present. The bus says its time with every answer about a stream; in between, a clock goes on that
cannot be set. Half of the time that an answer took is how far this may be off.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime

import msgspec

from drishti.bus.connection import Bus
from drishti.errors import BusUnavailable, QueryError
from drishti.messages import subjects
from drishti.messages.catalogue import AGGREGATES
from drishti.rate_limited_log import RateLimitedLog
from drishti.waiting import until
from predictor.replicas.membership import elapsed

log = logging.getLogger(__name__)

READ_S = 30.0
"""Between two readings: in so long no clock goes wrong by more than a few milliseconds, unless somebody sets it."""

ANSWER_S = 2.0

APART_S = 5.0
"""A machine whose clock is further from the bus's is logged: its own windows would soon be too late, or in the future."""

TELL_S = 3600.0

Clock = Callable[[], float]


class _StreamInfo(msgspec.Struct):
    ts: datetime


class BusClock:
    """:meth:`now` is the time of the bus in seconds, after the first :meth:`look`; ``machine`` is the clock that may be wrong,
    ``clock`` the monotonic one."""

    def __init__(self, bus: Bus, *, machine: Clock = time.time, clock: Clock = elapsed) -> None:
        self._bus = bus
        self._machine = machine
        self._clock = clock
        self._ahead = machine() - clock()
        self._tell = RateLimitedLog(TELL_S, clock=clock)

    def now(self) -> float:
        return self._clock() + self._ahead

    async def look(self) -> None:
        """Asks the bus; raises :class:`BusUnavailable` where it does not answer."""
        began = self._clock()
        try:
            answer = await self._bus.request(subjects.stream_info(AGGREGATES), b"", timeout_s=ANSWER_S)
            bus_time = msgspec.json.decode(answer.data, type=_StreamInfo).ts.timestamp()
        except QueryError as error:
            raise BusUnavailable(str(error)) from error
        except msgspec.MsgspecError as error:
            raise BusUnavailable(f"the bus does not say what time it is: {error}") from error
        self._ahead = bus_time - (began + self._clock()) / 2
        apart = self._machine() - self.now()
        if abs(apart) > APART_S and self._tell.due():
            log.warning("this machine's clock and the bus's differ: the bus's counts", extra={"ahead_s": round(apart, 1)})

    async def run(self, stop: asyncio.Event) -> None:
        """Reads it from time to time until ``stop``."""
        while await until(stop, asyncio.sleep(READ_S, True)):
            try:
                await self.look()
            except BusUnavailable as error:
                log.warning("the bus was not asked what time it is, the last answer counts", extra={"reason": str(error)})
