"""The wiring of the predictor, and the order in which it starts and ends.

Start: health answers at once; then NATS is waited for, the heartbeat begins, and as soon as this replica knows its share of the
partitions (alone: all of them) what was learnt of them is loaded, the aggregates since then are replayed, and the live ones
follow. Of what was never learnt the minutes and hours are read first.

One reading serves all partitions. When the share changes it ends, partitions are given up and taken up, and the next one
begins where the one that knows least must go on; the others pass over what they know.

Every time here is the bus's (``bus_clock.py``): the machine's own clock may be wrong.

End: the reading stops, the outbox drains, what was learnt is saved, the other replicas are notified, the connection closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from datetime import UTC, datetime
from functools import partial

from starlette.applications import Starlette

from drishti.bus.connection import Bus, connect
from drishti.bus.replay import MessageHandler
from drishti.bus.stream_health import StreamHealth
from drishti.errors import BusUnavailable
from drishti.measures.registry import MetricRegistry
from drishti.messages import subjects
from drishti.messages.catalogue import AGGREGATES, PREDICTOR, message, needed_streams
from drishti.service.health import Health
from drishti.service.http.limits import connections_within
from drishti.service.lifecycle import serve_http
from drishti.waiting import pause, until
from predictor import plugins
from predictor.artefacts.store import ModelStore
from predictor.forecasting import metering
from predictor.forecasting.schedule import Forecasting
from predictor.handlers import Clock, Handlers
from predictor.replicas import assignment
from predictor.replicas.bus_clock import BusClock
from predictor.replicas.membership import Membership, Share
from predictor.replicas.outbox import Outbox
from predictor.replicas.partitions import Partition, Partitions
from predictor.replicas.watched_metrics import WatchedMetrics
from predictor.series.history import GIVEN
from predictor.series.policies import Policies
from predictor.settings import PredictorSettings

log = logging.getLogger(__name__)

DRAIN_S = 5.0
"""How long the running save and the last insights may take when the service ends, and then the last save."""

SWEEP_S = 3600.0

RETRY_S = 1.0
FIRST_FORECAST_S = 20.0
"""Lets the other services start first."""


class Predictor:
    """One replica on one connection. ``run`` until ``stop``; ``ready`` is set when the history is read for the first time.
    ``now`` is the machine's clock."""

    def __init__(self, settings: PredictorSettings, bus: Bus, *, now: Clock = time.time) -> None:
        self._settings = settings
        self._bus = bus
        self._clock = BusClock(bus, machine=now)
        self._now = self._clock.now
        self._taken_up = False
        self.registry = MetricRegistry()
        self._policies = Policies(self.registry.of, settings.watch)
        self._watched = WatchedMetrics(self.registry, self._policies)
        self.membership = Membership(bus)
        self.streams = StreamHealth(bus, needs=needed_streams(PREDICTOR))
        self._speaks_for: Share | None = None
        self._forecaster = plugins.forecaster(settings.forecaster)
        self._outbox = Outbox(bus, allowed=lambda: self._speaks_for is not None and self._speaks_for == self.membership.share)
        self._store = ModelStore(bus)
        self.partitions = Partitions(
            self._store,
            self._outbox,
            self._policies.watches,
            limit=settings.max_series,
            limits=settings.limits,
            now=self._now,
            budget=settings.series,
            detector=settings.detector,
            forecaster=self._forecaster.name,
        )
        metering.measure(lambda: [partition.forecasts for partition in self.partitions.held])
        self.ready = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.membership.run(), name="membership")
            tasks.create_task(self._clock.run(stop), name="clock")
            tasks.create_task(self.registry.follow(self._bus, stop), name="metric definitions")
            tasks.create_task(self.streams.run(stop), name="streams")
            outbox = tasks.create_task(self._outbox.run(), name="outbox")
            forecasts = tasks.create_task(self._forecast(stop), name="forecast")
            saves = tasks.create_task(self._save(stop), name="save")
            sweeps = tasks.create_task(self._sweep(stop), name="sweep")
            await self._read(stop)
            forecasts.cancel()
            sweeps.cancel()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_S):
                    await asyncio.wait((saves,))
                    await self._outbox.wait_empty()
            outbox.cancel()
            saves.cancel()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_S):
                    for partition in self.partitions.held:
                        await self.partitions.save(partition)
            with contextlib.suppress(BusUnavailable):
                await self.membership.leave()

    def watched_metrics(self) -> frozenset[str]:
        """The tokens of the metrics that are read, of all tenants."""
        return self._watched.names

    async def ping(self) -> None:
        """Raises :class:`BusUnavailable` while the partitions of this replica are not taken up: it tells of nothing then."""
        if not self._taken_up:
            raise BusUnavailable(f"not taken up yet: {self.partitions.waiting or 'their share is not settled'}")

    async def _read(self, stop: asyncio.Event) -> None:
        """One reading after the other, each for one share and the metrics that are watched."""
        await until(stop, self._watched.wait_known())
        while not stop.is_set():
            self._taken_up = False
            share = await until(stop, self.membership.wait_share(other_than=None))
            if share is not None:
                await self._settle(share, stop)
                if not stop.is_set():  # what could not be loaded must not be replaced by what begins anew
                    self._taken_up = True
                    await self._read_share(share, stop)

    async def _settle(self, share: Share, stop: asyncio.Event) -> None:
        """Gives up what is no longer ours and takes up what is."""
        afresh = self._speaks_for is None or share.lease != self._speaks_for.lease
        given_up = self.partitions.give_up(share.partitions)
        present = await self._present(stop)
        async with asyncio.TaskGroup() as tasks:
            if not afresh:
                # nothing that waits can have been said by others: let it go, the artefacts wait for it
                self._speaks_for = share
                tasks.create_task(self.partitions.hand_over(given_up))
            await self.partitions.take_up(share.partitions, present, afresh=afresh, stop=stop)
        self._speaks_for = share
        self._handlers(share, asyncio.Event()).rewatch()

    async def _read_share(self, share: Share, stop: asyncio.Event) -> None:
        """Reads until the share or what is watched is another, the lease is lost, or the service ends."""
        metrics = self._watched.names
        begin = self.partitions.begin()
        if self.partitions.anew:
            over = asyncio.Event()
            take = partial(self._handlers(share, over).take_past, before=begin)
            past = self._now() - message("aggregate").max_age_s
            await self._replay(share, metrics, GIVEN, past, take, ended=over, ready=over, stop=stop)
            if self.membership.share == share:
                self.partitions.anew.clear()
        ended = asyncio.Event()
        live = self._handlers(share, ended).take_aggregate
        await self._replay(share, metrics, ("1s", *GIVEN), begin, live, ended=ended, ready=self.ready, stop=stop)

    async def _replay(
        self,
        share: Share,
        metrics: frozenset[str],
        resolutions: tuple[str, ...],
        start: float,
        take: MessageHandler,
        *,
        ended: asyncio.Event,
        ready: asyncio.Event,
        stop: asyncio.Event,
    ) -> None:
        async def end_when_moved() -> None:
            await until(stop, self.membership.wait_share(other_than=share))
            ended.set()

        async def follow_definitions() -> None:
            while await self._watched.wait_changed() == metrics:
                self._handlers(share, ended).rewatch()
            ended.set()

        async with asyncio.TaskGroup() as tasks:
            watching = [tasks.create_task(task, name="changes") for task in (end_when_moved(), follow_definitions())]
            await self._bus.replay(
                AGGREGATES,
                subjects=[
                    subjects.aggregates_filter(resolution, metric)
                    for resolution in resolutions
                    for metric in WatchedMetrics.filters(metrics)
                ],
                start=datetime.fromtimestamp(start, UTC),
                handler=take,
                stop=ended,
                ready=ready,
            )
            for task in watching:
                task.cancel()

    def _handlers(self, share: Share, ended: asyncio.Event) -> Handlers:
        return Handlers(
            self._bus,
            self.partitions,
            self._outbox,
            allowed=lambda: self.membership.share == share,
            ended=ended,
            now=self._now,
            policies=self._policies,
        )

    async def _present(self, stop: asyncio.Event) -> frozenset[int]:
        """The partitions that AGGREGATES has messages of. What time it is for the bus is known after that."""
        while not stop.is_set():
            try:
                stored = await self._bus.subjects_in(AGGREGATES, subjects.aggregates_filter("1s"))
                await self._clock.look()
                return frozenset(
                    assignment.partition(subject) for subject in stored if subject.rsplit(".", 1)[1] in self._watched.names
                )
            except (BusUnavailable, TimeoutError) as error:
                log.warning("waiting for AGGREGATES", extra={"reason": str(error) or type(error).__name__})
                await pause(stop, RETRY_S)
        return frozenset()

    async def _forecast(self, stop: asyncio.Event) -> None:
        settings = self._settings
        forecasting = Forecasting(
            self._forecaster,
            train_every_s=settings.train_every_s,
            train_share=settings.train_share,
            now=self._now,
        )
        await until(stop, self.ready.wait())
        await pause(stop, min(FIRST_FORECAST_S, self._settings.forecast_every_s))
        while not stop.is_set():
            began = time.monotonic()
            for partition in self.partitions.held:
                await self._forecast_one(forecasting, partition)
                if stop.is_set():
                    return
            await pause(stop, self._settings.forecast_every_s - (time.monotonic() - began))

    async def _forecast_one(self, forecasting: Forecasting, partition: Partition) -> None:
        forecasts = await forecasting.run_once(partition.engine, partition.forecasts)
        if partition in self.partitions.held:
            for insight in filter(self._policies.forecast, forecasts):
                self._outbox.put_nowait(partition.number, insight)

    async def _save(self, stop: asyncio.Event) -> None:
        """The first time as soon as there is something, so that whoever takes over reads on instead of learning anew."""
        await until(stop, self.ready.wait())
        while not stop.is_set():
            began = time.monotonic()
            for partition in self.partitions.held:
                if not stop.is_set():
                    await self.partitions.save(partition)
            await pause(stop, self._settings.save_every_s - (time.monotonic() - began))

    async def _sweep(self, stop: asyncio.Event) -> None:
        """The remains of killed replicas' saves would fill the store in the end."""
        await until(stop, self.ready.wait())
        while not stop.is_set():
            try:
                if swept := await self._store.sweep(self._now()):
                    log.info("artefacts that were never saved to their end are removed", extra={"artefacts": swept})
            except BusUnavailable as error:
                log.warning("the store is not swept, trying again later", extra={"reason": str(error)})
            await pause(stop, SWEEP_S)


async def serve(settings: PredictorSettings, stop: asyncio.Event) -> None:
    """The whole service until ``stop``."""
    health = Health(run_id=settings.run_id)
    connected: list[Bus] = []
    running: list[Predictor] = []

    async def ping_nats() -> None:
        if not connected:
            raise BusUnavailable("not connected to NATS yet")
        await connected[0].ping()

    async def ping_partitions() -> None:
        if not running:
            raise BusUnavailable("not taken up yet: not connected to NATS")
        await running[0].ping()

    async def ping_streams() -> None:
        if running:
            await running[0].streams.ping()

    health.add("nats", ping_nats)
    health.add("streams", ping_streams)
    health.add("partitions", ping_partitions)
    app = Starlette(routes=health.routes())
    async with asyncio.TaskGroup() as tasks:
        connections = connections_within(settings.http)
        serving = serve_http(app, host=settings.host, port=settings.port, stop=stop, websockets=False, connections=connections)
        tasks.create_task(serving, name="health")
        bus = await until(stop, connect(settings.bus, name=PREDICTOR))
        if bus is None:
            return
        connected.append(bus)
        try:
            running.append(Predictor(settings, bus))
            await running[0].run(stop)
        finally:
            await bus.close()
