"""What this replica holds of each partition it owns, and how that comes from and goes to the object store.

How this works
--------------
The state of a partition is what its messages made of nothing, in their order: the same messages give the same state in every
replica, down to the ids of the insights. So an artefact says up to which message it goes
(:class:`~predictor.artefacts.artefact.Position`), and whoever takes the partition up reads on from there, no matter who saved
it and when. An older artefact costs a longer reading and changes nothing.

What makes this true:

* A message that a partition has had is passed over, by its position.
* An artefact is put only when the bus has confirmed every alarm that led up to it, and never where one was thrown away. A
  replica that dies takes no alarm with it: what it had not said is said by whoever reads on.
* What it had said is said again under the same ids, and the bus drops it.

Where nothing was saved, the newest :data:`REPLAY_S` seconds are read, and before them the minutes and hours of the past. While
the store cannot be asked what was saved, nothing is taken up: to begin anew would replace what was learnt.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from drishti.errors import BusUnavailable
from drishti.rate_limited_log import RateLimitedLog
from drishti.waiting import pause
from predictor.anomalies.engine import Engine
from predictor.anomalies.minutes import Minutes
from predictor.artefacts import encoding
from predictor.artefacts.artefact import Position
from predictor.artefacts.store import ModelStore
from predictor.errors import UnfitArtefact
from predictor.forecasters.blend import Blend
from predictor.forecasting.forecasts import Forecasts, Limits
from predictor.plugins import DEFAULT_DETECTOR
from predictor.replicas.outbox import Outbox
from predictor.replicas.refusals import Refusals
from predictor.series.budget import BUDGET, Budget
from predictor.series.policies import WatchesOf
from predictor.series.table import LENGTH

log = logging.getLogger(__name__)

REPLAY_S = float(LENGTH)
OVERLAP_S = 2.0
"""So much is read again: the bus finds the beginning by time, and its clock may have been set back."""

RETRY_S = 1.0
DRAIN_S = 5.0
"""How long a save waits for the insights before it; the next one comes."""

TELL_S = 30.0
"""How often is said that the store is waited for."""

LOADS = 8
"""Artefacts on their way at once."""

Clock = Callable[[], float]


@dataclass
class Partition:
    """The series of one partition. ``restored``: somebody else, or an earlier process, may have published some of it already.
    ``unsaid``: it was given up for others to read again, and with it alarms that were not said."""

    number: int
    engine: Engine
    forecasts: Forecasts
    position: Position = field(default_factory=Position)
    restored: bool = False
    unsaid: bool = False
    read_until: float = 0.0
    """Up to when (bus time, seconds) it was read when it was given up; of those that are held, :class:`Partitions` knows it."""


class Partitions:
    """``give_up`` and ``take_up`` follow the share; ``find`` has the partition of a message.

    ``limit`` is the most series of each metric, ``budget`` of all that this replica holds. ``detector``
    names the installed one that judges minutes, ``forecaster`` is the name of the one that learns. ``now`` is the time of the
    bus. While the object store is waited for, ``waiting`` says why.
    """

    def __init__(
        self,
        store: ModelStore,
        outbox: Outbox,
        watches_of: WatchesOf,
        *,
        limit: int,
        limits: Limits,
        now: Clock,
        budget: int = BUDGET,
        detector: str = DEFAULT_DETECTOR,
        forecaster: str = Blend.name,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._watches_of = watches_of
        self._limit = limit
        self._limits = limits
        self._detector = detector
        self._forecaster = forecaster
        self._now = now
        self._held: dict[int, Partition] = {}
        self.budget = Budget(budget, most=limit, held=lambda: [partition.engine.table for partition in self._held.values()])
        self._read: dict[int, float] = {}
        """Of each owned partition: the time (of the bus, in seconds) up to which it was read."""
        self.anew: set[int] = set()
        """Those that have messages and no artefact: of them the minutes and hours before :meth:`begin` are to be read too."""
        self.waiting = ""
        self.refusals = Refusals(self.budget)
        self._saving = asyncio.Lock()
        self._tell = RateLimitedLog(TELL_S)

    @property
    def held(self) -> list[Partition]:
        """Those that have series."""
        return list(self._held.values())

    @property
    def owned(self) -> frozenset[int]:
        return frozenset(self._read)

    def find(self, number: int) -> Partition | None:
        """The partition, new where it had no message yet; ``None`` where it is another replica's."""
        partition = self._held.get(number)
        if partition is None and number in self._read:
            partition = self._held[number] = Partition(number, self._new_engine(), self._new_forecasts())
        return partition

    def begin(self) -> float:
        """Where reading must begin so that no owned partition lacks a message: seconds, in the time of the bus."""
        return max(self._now() - REPLAY_S, min(self._read.values(), default=self._now()) - OVERLAP_S)

    def read_until(self, at: float) -> None:
        """Notes that everything up to ``at`` was read, from :meth:`begin` on."""
        for number, before in self._read.items():
            if at > before:
                self._read[number] = at

    def give_up(self, share: frozenset[int]) -> list[Partition]:
        """Drops what is not in ``share``; returns what is worth handing over."""
        given_up = [self._held.pop(number) for number in self.owned - share if number in self._held]
        # what waits is said by who takes over, from an artefact that does not know of it
        unsaid = self._outbox.discard({partition.number for partition in given_up})
        for partition in given_up:
            partition.read_until = self._read[partition.number]
            partition.unsaid = partition.number in unsaid
        self._read = {number: at for number, at in self._read.items() if number in share}
        self.anew &= share
        return [partition for partition in given_up if not partition.unsaid]

    async def hand_over(self, given_up: list[Partition]) -> None:
        """Saves what others take up, so that they have little to read. They do not wait for it, nor do we for long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                for partition in given_up:
                    await self.save(partition)

    async def take_up(self, share: frozenset[int], present: frozenset[int], *, afresh: bool, stop: asyncio.Event) -> None:
        """Loads what is new in ``share``. Nothing is read meanwhile.

        ``present`` are the partitions that the stream has messages of. ``afresh``: others may have gone on with what is held
        here, and their state is better where it goes further.
        """
        gained = share - self.owned
        loads = asyncio.Semaphore(LOADS)

        async def load(number: int) -> None:
            async with loads:
                await self._load(number, number in present, stop)

        async with asyncio.TaskGroup() as tasks:
            for number in share if afresh else gained:
                tasks.create_task(load(number))
        if gained:
            series = sum(len(partition.engine.table) for partition in self._held.values())
            log.info("partitions taken up", extra={"gained": len(gained), "owned": len(share), "series": series})

    async def save(self, partition: Partition) -> None:
        """Puts the partition's artefacts, once its alarms are said. A failure is logged: the next one comes."""
        async with self._saving:
            snapshot = encoding.snapshot(
                partition.engine, partition.position, self._read.get(partition.number, partition.read_until)
            )
            learnt = encoding.learnt(partition.forecasts)
            saved_at = int(self._now())
            try:
                async with asyncio.timeout(DRAIN_S):
                    await self._outbox.wait_announced()
                if partition.unsaid:
                    return
                payload = await asyncio.to_thread(encoding.encode_detector, snapshot, saved_at)
                await self._store.save(encoding.name(encoding.DETECTOR, partition.number), payload)
                if learnt.models or learnt.records:
                    payload = await asyncio.to_thread(encoding.encode_forecasts, learnt, saved_at)
                    await self._store.save(encoding.name(encoding.FORECAST, partition.number), payload)
            except (BusUnavailable, TimeoutError) as error:
                reason = str(error) or "insights wait for the bus"
                log.warning(
                    "what was learnt is not saved, trying again later", extra={"partition": partition.number, "reason": reason}
                )

    def _new_engine(self) -> Engine:
        return Engine(self._watches_of, capacity=self._limit, minutes=Minutes.by(self._detector), budget=self.budget)

    def _new_forecasts(self) -> Forecasts:
        return Forecasts(self._limits, self._forecaster)

    async def _load(self, number: int, present: bool, stop: asyncio.Event) -> None:
        here = self._held.get(number)
        # a partition without messages has nothing to be read; else all of the history, until an artefact says better
        self._read.setdefault(number, self._now() - (REPLAY_S if present else OVERLAP_S))
        if present and here is None:
            self.anew.add(number)
        payload = await self._fetch(encoding.name(encoding.DETECTOR, number), stop)
        if payload is None:
            return
        try:
            restored = await asyncio.to_thread(encoding.decode_detector, payload, self._new_engine)
        except UnfitArtefact as error:
            log.warning("saved state is of no use, learning anew", extra={"partition": number, "reason": str(error)})
            return
        if here is not None and here.position.sequence >= restored.position.sequence:
            return
        if here is not None:
            here.unsaid = bool(self._outbox.discard({number}))
        self._held[number] = Partition(
            number, restored.engine, await self._forecasts(number, stop), restored.position, restored=True
        )
        self._read[number] = restored.read_until
        self.anew.discard(number)

    async def _forecasts(self, number: int, stop: asyncio.Event) -> Forecasts:
        payload = await self._fetch(encoding.name(encoding.FORECAST, number), stop)
        try:
            if payload is not None:
                return await asyncio.to_thread(encoding.decode_forecasts, payload, self._new_forecasts)
        except UnfitArtefact as error:
            log.warning("saved models are of no use, training anew", extra={"partition": number, "reason": str(error)})
        return self._new_forecasts()

    async def _fetch(self, name: str, stop: asyncio.Event) -> bytes | None:
        while not stop.is_set():
            try:
                payload = await self._store.load(name)
                self.waiting = ""
                return payload
            except UnfitArtefact as error:
                log.warning("artefact cannot be read, learning anew", extra={"artefact": name, "reason": str(error)})
                return None
            except BusUnavailable as error:
                self.waiting = str(error)
                if self._tell.due():
                    log.warning("waiting for the object store, nothing is taken up", extra={"reason": str(error)})
                await pause(stop, RETRY_S)
        return None
