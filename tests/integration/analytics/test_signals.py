"""A signal that this test adds is decoded, stored and rolled up, and nothing else knows of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from analytics.ingest.handlers import Handlers
from analytics.ingest.items import Decoded, Item, Refusal, key_of, key_space
from analytics.ingest.registration import Registration
from analytics.ingest.signal import Exemplars, Signal, Signals
from analytics.ingest.tenants import Tenants
from analytics.ingest.writer import Writer
from analytics.overflow import Overflows
from analytics.rollup.observations import Observations, Series
from analytics.storage.database import Database
from analytics.storage.store import Store
from analytics.storage.stream_states import StreamStates
from analytics.storage.tables import Table
from drishti.measures.registry import MetricRegistry
from drishti.messages.catalogue import ANALYTICS, Durable, MessageType
from drishti.settings import Secret
from rigs.contract_examples import delivered


class Pulse(msgspec.Struct):
    """What a message of the new stream holds."""

    id: str
    service: str
    beats: float
    service_name: str | None = None


def decode(tenant: str, payload: bytes, arrived: datetime, _traceparent: str | None) -> Decoded:
    space = key_space("pulses", tenant)
    good, bad = [], []
    for part in msgspec.json.decode(payload, type=list[msgspec.Raw]):
        try:
            pulse = msgspec.json.decode(part, type=Pulse)
        except msgspec.ValidationError as error:
            bad.append(Refusal(str(error), bytes(part)))
        else:
            good.append(Item(key_of(space, pulse.id), tenant, arrived, int(arrived.timestamp()), pulse, None))
    return good, bad


def observe(items: Sequence[Item], _exemplars: Exemplars, observations: Observations, _states: StreamStates) -> None:
    for item in items:
        observations.values(Series(item.tenant, "cpu_utilization", (item.body.service,), item.second), [item.body.beats])


def rows(items: Sequence[Item]) -> list[tuple[Any, ...]]:
    return [(item.tenant, item.body.id, item.body.beats, item.time) for item in items]


PULSES = Signal(
    message=MessageType(
        name="pulse",
        subject="pulses.v1.{tenant}.{service}",
        stream="PULSES",
        max_age_s=60,
        max_bytes=1 << 20,
        producers=(),
        durables=(Durable(owner=ANALYTICS, purpose="pulses"),),
        description="How fast a heart beats.",
    ),
    decode=decode,
    dead_letters=lambda _payload, bad: [Refusal(bad[0][1], None)],
    observe=observe,
    tables={Table("pulses", ("tenant", "id", "beats", "time")): rows},
)


class Answers:
    """Notes what becomes of messages."""

    def __init__(self) -> None:
        self.stored_messages: list[Any] = []
        self.refusals: list[str] = []

    async def stored(self, msg: Any, refusals: Sequence[Refusal]) -> None:
        self.stored_messages.append(msg)
        self.refusals += [refusal.reason for refusal in refusals]

    async def redeliver(self, *_: Any) -> None:
        raise AssertionError("redelivered")

    refuse = fail = redeliver


async def test_a_new_signal_is_its_own_module_and_nothing_else(postgres_url: str) -> None:
    signals = Signals([PULSES])
    assert signals.consumers == (("PULSES", "analytics-pulses"),)
    assert [table.name for table in signals.tables] == ["pulses"]
    database = Database(Secret(postgres_url))
    await database.migrate()
    connection = await asyncpg.connect(postgres_url)
    answers: Any = Answers()
    store = Store(database, max_series=100, kept_days={"1s": 10_000, "1m": 10_000, "1h": 10_000})
    try:
        await connection.execute(
            "CREATE TABLE pulses (tenant text, id text, beats float8, time timestamptz) PARTITION BY RANGE (time)"
        )
        writer = Writer(store, answers, Overflows(), batch_items=100)
        handlers = Handlers(writer, answers, Overflows(), Tenants(10), Registration(MetricRegistry(), Overflows()))
        good = [{"id": "a", "service": "heart", "beats": 60}, {"id": "b", "service": "heart", "beats": 80}]
        for array in ([*good, {"id": 5}], good):
            await handlers.take(PULSES, [delivered("pulses.v1.acme.heart", msgspec.json.encode(array))])
        await writer.finish()
        await writer.run()
        assert len(answers.stored_messages) == 2
        assert len(answers.refusals) == 1
        assert (writer.stored, writer.duplicates) == (2, 2)
        kept = await connection.fetch("SELECT tenant, id, beats FROM pulses ORDER BY id")
        assert [tuple(row) for row in kept] == [("acme", "a", 60.0), ("acme", "b", 80.0)]
        rolled_up = await connection.fetch("SELECT resolution, metric, count, min, max FROM rollups ORDER BY resolution")
        assert [tuple(row) for row in rolled_up] == [(size, "cpu_utilization", 2, 60.0, 80.0) for size in ("1h", "1m", "1s")]
    finally:
        await store.close()
        await connection.close()
