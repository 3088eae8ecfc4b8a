"""The wiring of the predictor, and the order in which it starts and ends.

Start: health answers at once; then NATS is waited for, what was learnt is loaded, the aggregates since then (at most
:data:`REPLAY_S`) are replayed, and the live ones follow. End: the replay stops, the outbox drains, what was learnt is saved,
the connection closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from datetime import UTC, datetime

from starlette.applications import Starlette

from drishti import bus as drishti_bus
from drishti.bus import Bus
from drishti.catalogue import PREDICTOR
from drishti.errors import BusUnavailable
from drishti.health import Health
from drishti.service import serve_http
from drishti.waiting import pause, until
from predictor import models
from predictor.engine import Engine
from predictor.errors import UnfitArtefact
from predictor.forecast import Model
from predictor.forecasting import Forecaster
from predictor.handlers import Clock, Handlers, Outbox
from predictor.series import LENGTH
from predictor.settings import PredictorSettings
from predictor.watch import SeriesKey, Watch, select

log = logging.getLogger(__name__)

REPLAY_S = LENGTH
OVERLAP_S = 30
"""A metric may lag behind the others, and late events may have corrected what was saved: so much is read again."""

DRAIN_S = 5.0
"""How long the last insights and the last save may take when the service ends."""

RETRY_S = 1.0
FIRST_FORECAST_S = 20.0
"""Lets the other services start before scikit-learn is imported."""


class Predictor:
    """One predictor on one connection. ``run`` until ``stop``; ``ready`` is set when the history is read."""

    def __init__(self, settings: PredictorSettings, bus: Bus, *, now: Clock = time.time) -> None:
        self._settings = settings
        self._bus = bus
        self._now = now
        self._watches: tuple[Watch, ...] = select(settings.watch)
        self._store = models.ModelStore(bus)
        self._outbox = Outbox(bus)
        self.engine = self._new_engine()
        self._models: dict[SeriesKey, Model] = {}
        self.ready = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        await self._load(stop)
        forecaster = Forecaster(self.engine, self._models, train_every_s=self._settings.train_every_s)
        start = max(self._now() - REPLAY_S, float(self.engine.judged_until() - OVERLAP_S))
        handlers = Handlers(self._bus, self.engine, self._outbox, now=self._now)
        wanted = [f"aggregates.v1.*.1s.{metric}" for metric in sorted({w.metric for w in self._watches})]
        async with asyncio.TaskGroup() as tasks:
            outbox = tasks.create_task(self._outbox.run(), name="outbox")
            tasks.create_task(self._forecast(forecaster, stop), name="forecast")
            tasks.create_task(self._save(stop), name="save")
            await self._bus.replay(
                "AGGREGATES",
                subjects=wanted,
                start=datetime.fromtimestamp(start, UTC),
                handler=handlers.take_aggregate,
                stop=stop,
                ready=self.ready,
            )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_S):
                    await self._outbox.wait_empty()
            outbox.cancel()
        forecaster.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await self._save_once()

    def _new_engine(self) -> Engine:
        return Engine(self._watches, capacity=self._settings.max_series)

    async def _load(self, stop: asyncio.Event) -> None:
        """Takes up what an earlier run learnt; what does not fit is said and learnt anew, never twice tried."""
        if (payload := await self._fetch(models.DETECTOR, stop)) is not None:
            try:
                header = models.decode_detector(payload, self.engine)
                log.info("state loaded", extra={"series": len(header.series), "age_s": int(self._now() - header.saved_at)})
            except UnfitArtefact as error:
                log.warning("saved state is of no use, learning anew", extra={"reason": str(error)})
                self.engine = self._new_engine()
        if (payload := await self._fetch(models.FORECAST, stop)) is not None:
            try:
                self._models = models.decode_models(payload)
                log.info("models loaded", extra={"series": len(self._models)})
            except UnfitArtefact as error:
                log.warning("saved models are of no use, training anew", extra={"reason": str(error)})

    async def _fetch(self, name: str, stop: asyncio.Event) -> bytes | None:
        while not stop.is_set():
            try:
                return await self._store.load(name)
            except UnfitArtefact as error:
                log.warning("saved models cannot be read, learning anew", extra={"artefact": name, "reason": str(error)})
                return None
            except BusUnavailable as error:
                log.warning("waiting for the saved models", extra={"artefact": name, "reason": str(error)})
                await pause(stop, RETRY_S)
        return None

    async def _forecast(self, forecaster: Forecaster, stop: asyncio.Event) -> None:
        await until(stop, self.ready.wait())
        await pause(stop, min(FIRST_FORECAST_S, self._settings.forecast_every_s))
        while not stop.is_set():
            began = time.monotonic()
            for insight in await forecaster.run_once():
                self._outbox.put_nowait(insight)
            await pause(stop, self._settings.forecast_every_s - (time.monotonic() - began))

    async def _save(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await pause(stop, self._settings.save_every_s)
            if not stop.is_set():
                await self._save_once()

    async def _save_once(self) -> None:
        """Saves what was learnt. Nothing is saved before the history is read: it would replace more with less."""
        if not self.ready.is_set():
            return
        saved_at = int(self._now())
        try:
            await self._store.save(models.DETECTOR, models.encode_detector(self.engine, saved_at))
            if self._models:
                await self._store.save(models.FORECAST, models.encode_models(self._models, saved_at))
        except BusUnavailable as error:
            log.warning("what was learnt could not be saved, trying again later", extra={"reason": str(error)})


async def serve(settings: PredictorSettings, stop: asyncio.Event) -> None:
    """The whole service until ``stop``."""
    health = Health()
    connected: list[Bus] = []

    async def ping_nats() -> None:
        if not connected:
            raise BusUnavailable("not connected to NATS yet")
        await connected[0].ping()

    health.add("nats", ping_nats)
    app = Starlette(routes=health.routes())
    async with asyncio.TaskGroup() as tasks:
        serving = serve_http(app, host=settings.host, port=settings.port, stop=stop, websockets=False)
        tasks.create_task(serving, name="health")
        bus = await until(stop, drishti_bus.connect(settings.bus, name=PREDICTOR))
        if bus is None:
            return
        connected.append(bus)
        try:
            await Predictor(settings, bus).run(stop)
        finally:
            await bus.close()
