"""Who owns which partition, and that a partition is the same wherever its messages are read."""

from __future__ import annotations

import asyncio
import time
import zlib
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from drishti.errors import BusUnavailable, DuplicateMessage, SettingsError
from drishti.events import Aggregate, AggregateSeries, AnomalyInsight, Resolution, encode
from drishti.messages import subjects
from drishti.settings import load
from drishti.waiting import pause
from predictor.anomalies.engine import Engine
from predictor.app import Predictor
from predictor.artefacts import artefact, encoding
from predictor.artefacts.artefact import Position
from predictor.errors import UnfitArtefact
from predictor.forecasting.forecasts import Forecasts, Limits
from predictor.handlers import AHEAD_S, FRESH_S, REPEAT_S, Handlers
from predictor.replicas import assignment, outbox, partitions
from predictor.replicas.assignment import GONE_S, Roll
from predictor.replicas.membership import Membership, Share
from predictor.replicas.outbox import Outbox
from predictor.replicas.partitions import Partitions
from predictor.series.partition import PARTITIONS
from predictor.series.policies import Policies
from predictor.series.table import LENGTH
from predictor.settings import SAVE_MOST_S, PredictorSettings
from rigs.waiting import wait_until

START = 1_790_000_000
SUBJECT = subjects.aggregates("acme", "1s", "requests")
EVERYTHING = frozenset(range(PARTITIONS))


class Store:
    """The object store as a dictionary; ``up`` says whether it is there."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.up = True

    async def load(self, name: str) -> bytes | None:
        if not self.up:
            raise BusUnavailable("object store: no bucket")
        return self.objects.get(name)

    async def save(self, name: str, payload: bytes) -> None:
        self.objects[name] = payload


class Bus:
    """Keeps what is published by its id, as JetStream does; ``up`` says whether it confirms."""

    name = "predictor"

    def __init__(self) -> None:
        self.published: dict[str, bytes] = {}
        self.again = 0
        self.up = True

    async def publish(self, _subject: str, payload: bytes, *, msg_id: str, headers: object) -> int:
        if not self.up:
            raise BusUnavailable("down")
        if msg_id in self.published:
            self.again += 1
            raise DuplicateMessage(_subject, 1)
        self.published[msg_id] = payload
        return len(self.published)


class Replica:
    """One predictor without a bus of its own: partitions, handlers and outbox; it reads ``late_s`` after the bus stored."""

    def __init__(self, store: Store, bus: Bus, *, late_s: float = 0.0, forecaster: str = "blend", limit: int = 50) -> None:
        self._late_s = late_s
        self._at = float(START)
        anything: Any = bus
        anywhere: Any = store
        self.outbox = Outbox(anything)
        self.partitions = Partitions(
            anywhere, self.outbox, Policies().watches, limit=limit, limits=Limits(), now=self.now, forecaster=forecaster
        )
        self.ended = asyncio.Event()
        self.allowed = True
        self.handlers = Handlers(
            anything, self.partitions, self.outbox, allowed=lambda: self.allowed, ended=self.ended, now=self.now
        )

    def now(self) -> float:
        return self._at + 3 + self._late_s

    async def own(self, share: frozenset[int] = EVERYTHING, *, afresh: bool = False) -> None:
        await self.partitions.take_up(share, share, afresh=afresh, stop=asyncio.Event())

    async def read(self, messages: list[Any]) -> None:
        for message in messages:
            self._at = max(self._at, message.metadata.timestamp.timestamp() - 3)
            await self.handlers.take_aggregate(message)

    async def tell(self) -> None:
        task = asyncio.create_task(self.outbox.run())
        async with asyncio.timeout(5):
            await self.outbox.wait_empty()
        task.cancel()

    async def save(self) -> None:
        await self.tell()
        for partition in self.partitions.held:
            await self.partitions.save(partition)


def message(
    second: int,
    *,
    errors: int = 0,
    metric: str = "requests",
    ahead_s: int = 0,
    resolution: Resolution = "1s",
    final: bool = True,
) -> Any:
    """The window of ``second``, stored three seconds after it began; one that is ``ahead_s`` is of so much later."""
    window = Aggregate(
        tenant="acme",
        metric=metric,
        unit="{request}",
        resolution=resolution,
        window_start=(START + second + ahead_s) * 1000,
        revision=1,
        final=final,
        published_at=0,
        series=[AggregateSeries(labels=x, count=8 + second % 5, errors=errors) for x in ({}, {"service": "wisdom"})],
    )
    stored = SimpleNamespace(timestamp=lambda: START + second + 3.0)
    meta = SimpleNamespace(timestamp=stored, sequence=SimpleNamespace(stream=second + 1))
    subject = subjects.aggregates("acme", resolution, metric)
    return SimpleNamespace(subject=subject, data=encode(window), metadata=meta, headers=None)


def traffic() -> list[Any]:
    """Two and a half minutes with an error burst from second 100 to 130."""
    return [message(second, errors=5 if 100 <= second < 130 else 0) for second in range(150)]


@pytest.fixture(scope="module")
async def published_by_one_alone() -> dict[str, bytes]:
    """What a single replica says of the traffic, by message id."""
    bus = Bus()
    replica = Replica(Store(), bus)
    await replica.own()
    await replica.read(traffic())
    await replica.tell()
    return bus.published


def insights(published: dict[str, bytes]) -> list[AnomalyInsight]:
    return [msgspec.json.decode(payload, type=AnomalyInsight) for payload in published.values()]


@pytest.fixture
def store() -> Store:
    return Store()


def test_all_series_of_a_metric_and_tenant_are_in_one_partition() -> None:
    assert assignment.partition(SUBJECT) == zlib.crc32(b"acme.requests") % PARTITIONS
    assert assignment.partition(SUBJECT) == assignment.partition(subjects.aggregates("acme", "1m", "requests"))
    result = {assignment.partition(subjects.aggregates(f"t{i}", "1s", "requests")) for i in range(1000)}
    assert result == EVERYTHING


@pytest.mark.parametrize("names", [["a"], ["a", "b"], ["a", "b", "c"], [f"predictor-{i}" for i in range(9)]])
def test_shares_are_disjoint_and_cover_everything(names: list[str]) -> None:
    parts = [assignment.owned(name, names) for name in names]
    assert sum(map(len, parts)) == PARTITIONS
    assert frozenset().union(*parts) == EVERYTHING
    assert min(map(len, parts)) > 0


def test_who_comes_takes_from_all_and_moves_nothing_else() -> None:
    before = {n: assignment.owner(n, ["a", "b", "c"]) for n in EVERYTHING}
    after = {n: assignment.owner(n, ["d", "c", "b", "a"]) for n in EVERYTHING}
    assert all(after[n] in (before[n], "d") for n in EVERYTHING)
    assert 6 <= sum(after[n] == "d" for n in EVERYTHING) <= 28


def test_who_does_not_live_owns_nothing() -> None:
    assert assignment.owned("a", ["b"]) == frozenset()
    assert assignment.owned("a", []) == frozenset()


def test_replica_is_gone_when_the_record_has_moved_on() -> None:
    roll = Roll()
    roll.heard("a", 100.0)
    roll.heard("b", 101.0)
    roll.heard("b", 100.0 + GONE_S - 0.1)
    assert roll.living() == {"a", "b"}
    roll.heard("b", 100.0 + GONE_S)
    assert roll.living() == {"b"}
    roll.heard("a", 106.0)
    assert roll.living() == {"a", "b"}
    roll.left("a", 106.5)
    assert roll.living() == {"b"}


def test_nobody_is_declared_dead_while_nothing_is_recorded() -> None:
    roll = Roll()
    roll.heard("a", 100.0)
    roll.heard("b", 100.0)
    assert roll.living() == {"a", "b"}, "no clock but the record's"


def test_position_knows_a_stream_that_was_made_anew() -> None:
    position = Position(500, 1_000_000)
    assert position.includes(500, 1_000_000)
    assert position.includes(20, 30_000)
    assert not position.includes(501, 1_000_000)
    assert not position.includes(1, 2_000_000), "counted from 1 again, but later"


@pytest.mark.parametrize("at", [60, 101, 105, 125, 145])
async def test_takeover_tells_what_one_replica_alone_would_have_published(
    store: Store, published_by_one_alone: dict[str, bytes], at: int
) -> None:
    messages = traffic()
    bus = Bus()
    first = Replica(store, bus)
    await first.own()
    await first.read(messages[: at - 20])
    await first.save()
    await first.read(messages[at - 20 : at])
    await first.tell()
    # killed here; the other one reads on from the artefact, six seconds late
    second = Replica(store, bus, late_s=6.0)
    await second.own()
    assert second.partitions.begin() <= START + at - 20 + 3
    await second.read(messages)
    await second.tell()
    assert bus.published == published_by_one_alone
    assert sum(i.phase == "opened" for i in insights(bus.published)) == 2


async def test_alarm_that_was_not_confirmed_is_published_by_who_takes_over(
    store: Store, published_by_one_alone: dict[str, bytes]
) -> None:
    opened = min(i.at for i in insights(published_by_one_alone) if i.phase == "opened") // 1000 - START
    first = Replica(store, bus := Bus())
    await first.own()
    await first.read(traffic()[: opened - 10])
    await first.save()
    saved = dict(store.objects)
    bus.up = False
    publishing = asyncio.create_task(first.outbox.run())
    await first.read(traffic()[opened - 10 : opened + 1])
    saving = asyncio.create_task(first.partitions.save(first.partitions.held[0]))
    await asyncio.wait((saving,), timeout=0.1)
    assert store.objects == saved, "no artefact knows of what was not said"
    publishing.cancel()
    saving.cancel()
    assert not any(i.phase for i in insights(bus.published))

    bus.up = True
    second = Replica(store, bus, late_s=6.0)
    await second.own()
    await second.read(traffic())
    await second.tell()
    assert bus.published == published_by_one_alone


async def test_save_that_waits_for_what_is_thrown_away_is_none(store: Store) -> None:
    replica = Replica(store, bus := Bus())
    await replica.own()
    await replica.read([message(0)])
    saving = asyncio.create_task(replica.partitions.save(replica.partitions.held[0]))
    await asyncio.wait((saving,), timeout=0.05)
    replica.partitions.give_up(frozenset())
    await saving
    assert store.objects == {}, "nothing was published, and whoever takes over must read it again"
    assert bus.published == {}


async def test_reading_waits_while_as_many_alarms_wait_as_may(
    store: Store, published_by_one_alone: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "OUTBOX", 5)
    replica = Replica(store, bus := Bus())
    await replica.own()
    reading = asyncio.create_task(replica.read(traffic()))
    await asyncio.wait((reading,), timeout=0.3)
    assert not reading.done(), "four series say that they are learning, and then that they are ready"
    assert bus.published == {}
    publishing = asyncio.create_task(replica.outbox.run())
    async with asyncio.timeout(20):
        await reading
    publishing.cancel()
    await replica.tell()
    assert bus.published == published_by_one_alone


async def test_reading_that_waits_ends_with_the_share(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "OUTBOX", 1)
    replica = Replica(store, Bus())
    await replica.own()
    reading = asyncio.create_task(replica.read(traffic()))
    await asyncio.wait((reading,), timeout=0.1)
    assert [p.position.sequence for p in replica.partitions.held] == [1]
    replica.allowed = False
    async with asyncio.timeout(5):
        await reading
    assert replica.ended.is_set()
    assert [p.position.sequence for p in replica.partitions.held] == [1]


@pytest.mark.parametrize("late_s", [6.0, 300.0])
async def test_end_of_an_incident_is_published_however_old_the_artefact_is(
    store: Store, published_by_one_alone: dict[str, bytes], late_s: float
) -> None:
    first = Replica(store, bus := Bus())
    await first.own()
    await first.read(traffic()[:95])
    await first.save()
    await first.read(traffic()[95:130])
    await first.tell()
    assert sum(i.phase == "opened" for i in insights(bus.published)) == 2
    assert not any(i.phase == "resolved" for i in insights(bus.published))
    second = Replica(store, bus, late_s=late_s)
    await second.own()
    await second.read(traffic())
    await second.tell()
    assert {i.insight_id for i in insights(bus.published) if i.phase == "resolved"} == {
        i.insight_id for i in insights(bus.published) if i.phase == "opened"
    }
    late = {i: published for i, published in published_by_one_alone.items() if "ongoing" in i and late_s > REPEAT_S}
    assert bus.published == {i: published for i, published in published_by_one_alone.items() if i not in late}


@pytest.mark.parametrize(("late_s", "catching_up"), [(6.0, False), (40.0, True)])
async def test_an_alarm_of_the_past_says_that_the_predictor_catches_up(store: Store, late_s: float, catching_up: bool) -> None:
    first = Replica(store, Bus())
    await first.own()
    await first.read(traffic()[:95])
    await first.save()
    second = Replica(store, bus := Bus(), late_s=late_s)
    await second.own()
    await second.read(traffic())
    await second.tell()
    alarms = [i for i in insights(bus.published) if i.phase in ("opened", "ongoing")]
    assert {i.catching_up for i in alarms} == {catching_up}
    assert not any(i.catching_up for i in insights(bus.published) if i.phase == "resolved"), "what is over is over"


async def test_alarm_that_the_bus_may_have_forgotten_is_not_published_again(store: Store) -> None:
    first = Replica(store, Bus())
    await first.own()
    await first.read(traffic()[:95])
    await first.save()
    second = Replica(store, bus := Bus(), late_s=REPEAT_S + 1)
    await second.own()
    await second.read(traffic())
    await second.tell()
    assert {i.phase for i in insights(bus.published)} == {"resolved"}


async def test_history_that_nobody_read_before_is_no_alarm(store: Store) -> None:
    replica = Replica(store, bus := Bus(), late_s=FRESH_S + 1)
    await replica.own()
    await replica.read(traffic())
    await replica.tell()
    assert {i.phase for i in insights(bus.published)} == {None}


@pytest.mark.parametrize("resolution", ["1s", "1m", "1h"])
async def test_window_from_the_future_is_passed_over_and_logged(
    store: Store, published_by_one_alone: dict[str, bytes], caplog: pytest.LogCaptureFixture, resolution: Resolution
) -> None:
    messages = traffic()
    for present in messages:
        present.metadata.sequence.stream *= 2
    for second in (60, 70):
        messages.insert(second, message(second, ahead_s=4000, resolution=resolution))
        messages[second].metadata.sequence.stream = messages[second - 1].metadata.sequence.stream + 1
    replica = Replica(store, bus := Bus())
    await replica.own()
    await replica.read(messages)
    await replica.tell()
    assert bus.published == published_by_one_alone
    (partition,) = replica.partitions.held
    assert partition.engine.judged_until() == START + 149
    (said,) = [record.__dict__ for record in caplog.records if record.levelname == "WARNING"]
    assert (said["tenant"], said["metric"], said["resolution"]) == ("acme", "requests", resolution)
    assert said["ahead_s"] > AHEAD_S


async def test_window_that_is_not_final_yet_is_no_window_from_the_future(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    replica = Replica(store, Bus())
    await replica.own()
    await replica.read([message(0, resolution="1h", final=False)])
    await replica.handlers.take_past(message(1, resolution="1h", final=False), before=START + 100)
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == []


async def test_future_is_no_past_either(store: Store) -> None:
    replica = Replica(store, Bus())
    await replica.own()
    for ahead_s in (4000, -4000):
        await replica.handlers.take_past(message(0, ahead_s=ahead_s, resolution="1m"), before=START + 100)
    (partition,) = replica.partitions.held
    assert len(partition.engine.history.values("1m", 0)) == 1
    assert partition.engine.history.newest_s("1m", 0) < START


async def test_series_beyond_the_limit_are_logged_once_and_counted(
    store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(metrics, "get_meter", provider.get_meter)
    replica = Replica(store, Bus(), limit=1)
    await replica.own()
    for second in range(10):
        await replica.read([message(second), message(second, metric="llm_requests")])
    said = [record.__dict__ for record in caplog.records if record.levelname == "WARNING"]
    assert [(record["tenant"], record["metric"], record["limit"]) for record in said] == [
        ("acme", "requests", 1),
        ("acme", "llm_requests", 1),
    ]
    (resource,) = reader.get_metrics_data().resource_metrics  # type: ignore[union-attr]  # there is data
    result = {
        metric.name: {tuple(sorted((p.attributes or {}).values())): p.value for p in metric.data.data_points}  # type: ignore[union-attr]
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    provider.shutdown()
    assert result == {
        # three of two fields and two services, one of one field
        "drishti.predictor.refused": {("acme", "requests"): 30, ("acme", "llm_requests"): 10},
        "drishti.predictor.series": {("acme",): 2},
        "drishti.predictor.unwatched_series": {("acme", "requests"): 1, ("acme", "llm_requests"): 1},
    }


async def test_store_that_is_not_there_is_waited_for_and_published_of_once(
    store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "RETRY_S", 0.01)
    store.up = False
    replica = Replica(store, Bus())
    taking_up = asyncio.create_task(replica.own())
    await asyncio.wait((taking_up,), timeout=0.2)
    assert not taking_up.done(), "to begin anew would replace what was learnt"
    assert replica.partitions.waiting == "object store: no bucket"
    assert len(caplog.records) == 1
    store.up = True
    async with asyncio.timeout(5):
        await taking_up
    assert replica.partitions.waiting == ""


@pytest.mark.parametrize(("value", "problem"), [("0", "more than 0"), ("60.5", "at most 60"), ("3600", "at most 60")])
def test_saves_are_not_too_far_apart(value: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=f"PREDICTOR_SAVE_EVERY_S: must be {problem}"):
        load(PredictorSettings, {"PREDICTOR_SAVE_EVERY_S": value})
    assert load(PredictorSettings, {"PREDICTOR_SAVE_EVERY_S": "60"}).save_every_s == 60
    assert REPEAT_S - SAVE_MOST_S > 2 * GONE_S, "what is left is for the takeover"


async def test_time_that_saving_takes_is_part_of_the_time_between_saves() -> None:
    began: list[float] = []
    ended: list[float] = []
    stop = asyncio.Event()

    class Slow:
        held = (None,)

        async def save(self, _: object) -> None:
            began.append(time.monotonic())
            await pause(stop, 1.0)
            ended.append(time.monotonic())
            if len(began) == 2:
                stop.set()

    anything: Any = Bus()
    slow: Any = Slow()
    predictor = Predictor(load(PredictorSettings, {"PREDICTOR_SAVE_EVERY_S": "1"}), anything)
    predictor.partitions = slow
    predictor.ready.set()
    async with asyncio.timeout(20):
        await predictor._save(stop)
    assert began[1] - ended[0] < 0.7, "a second was over already"


async def test_paused_replica_goes_on_from_the_better_state(store: Store) -> None:
    messages = traffic()
    bus = Bus()
    paused = Replica(store, bus)
    await paused.own()
    await paused.read(messages[:100])
    await paused.save()
    other = Replica(store, bus, late_s=6.0)
    await other.own()
    await other.read(messages[:140])
    await other.save()
    published = dict(bus.published)
    # a share of another lease: what was held is compared with what the other saved
    await paused.own(afresh=True)
    await paused.read(messages)
    await paused.tell()
    assert bus.again == 0
    assert {k: v for k, v in bus.published.items() if k in published} == published
    await other.own(afresh=True)
    assert other.partitions.held[0].position.sequence == 140, "what is held goes further than what is saved"


async def test_nothing_is_taken_without_the_lease(store: Store) -> None:
    replica = Replica(store, Bus())
    await replica.own()
    await replica.read([message(0)])
    replica.allowed = False
    await replica.read([message(1)])
    assert replica.ended.is_set()
    replica.allowed = True
    await replica.read([message(2)])
    assert [p.position.sequence for p in replica.partitions.held] == [1], "a gap would be worse than a new reading"


async def test_what_is_given_up_is_dropped_with_what_it_had_to_say(store: Store) -> None:
    replica = Replica(store, Bus())
    await replica.own()
    await replica.read([message(0), message(0, metric="llm_requests")])
    number = assignment.partition(SUBJECT)
    assert replica.partitions.give_up(EVERYTHING - {number}) == [], "what it had to say waits: the artefact must not know"
    assert [p.number for p in replica.partitions.held] == [
        assignment.partition(subjects.aggregates("acme", "1s", "llm_requests"))
    ]
    await replica.tell()
    (given_up,) = replica.partitions.give_up(frozenset())
    await replica.partitions.hand_over([given_up])
    (payload,) = store.objects.values()
    assert encoding.decode_detector(payload, Engine).read_until == START + 3


async def test_partition_without_messages_has_nothing_to_read(store: Store) -> None:
    replica = Replica(store, Bus())
    await replica.partitions.take_up(EVERYTHING, frozenset(), afresh=False, stop=asyncio.Event())
    assert replica.now() - replica.partitions.begin() < 10
    await replica.own(frozenset({1}), afresh=True)
    replica.partitions.give_up(frozenset())
    await replica.own(frozenset({1}))
    assert replica.now() - replica.partitions.begin() == LENGTH


async def test_saved_state_is_the_state(store: Store) -> None:
    replica = Replica(store, Bus())
    await replica.own()
    await replica.read(traffic()[:110])
    await replica.save()
    (held,) = replica.partitions.held
    result = encoding.decode_detector(store.objects[encoding.name(encoding.DETECTOR, held.number)], lambda: Engine(capacity=50))
    keys, arrays = held.engine.state()
    again, restored = result.engine.state()
    assert (again, result.position) == (keys, held.position)
    assert arrays.keys() == restored.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, restored[name])
        assert array.dtype == restored[name].dtype


async def test_artefact_with_a_wrong_byte_is_refused_or_harmless(store: Store) -> None:
    replica = Replica(store, Bus())
    await replica.own()
    await replica.read(traffic()[:80])
    await replica.save()
    (payload,) = store.objects.values()
    rng = np.random.default_rng(3)
    refused = 0
    for _ in range(200):
        broken = bytearray(payload)
        for place in rng.integers(0, len(payload), 3):
            broken[place] ^= int(rng.integers(1, 256))
        try:
            encoding.decode_detector(bytes(broken), lambda: Engine(capacity=50))
        except UnfitArtefact:
            refused += 1
    assert refused > 180


async def test_artefact_of_another_version_says_which(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    replica = Replica(store, Bus())
    await replica.own()
    await replica.read(traffic()[:30])
    await replica.save()
    (payload,) = store.objects.values()
    other = payload.replace(b'"format":3', b'"format":1')
    with pytest.raises(UnfitArtefact, match="it was made with format 1, here it is 3"):
        encoding.decode_detector(other, Engine)
    with pytest.raises(UnfitArtefact, match="features"):
        encoding.decode_detector(payload.replace(b"partitions=64", b"partitions=32"), Engine)
    learnt = encoding.encode_forecasts(encoding.learnt(Forecasts(Limits())), START)
    assert encoding.decode_forecasts(learnt, lambda: Forecasts(Limits())).models == {}
    monkeypatch.setattr(artefact, "version", lambda _: "0.1")
    with pytest.raises(UnfitArtefact, match=r"made with scikit_learn '1\..*', here it is '0.1'"):
        encoding.decode_forecasts(learnt, lambda: Forecasts(Limits()))


async def test_another_forecaster_is_logged_and_the_detector_goes_on(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    before = Replica(store, Bus(), forecaster="lasting")
    await before.own()
    await before.read(traffic()[:30])
    await before.save()
    number = assignment.partition(SUBJECT)
    payload = encoding.encode_forecasts(encoding.learnt(Forecasts(Limits(), "lasting")), START)
    store.objects[encoding.name(encoding.FORECAST, number)] = payload
    after = Replica(store, Bus())
    with caplog.at_level("WARNING"):
        await after.own()
    assert [record.message for record in caplog.records] == ["saved models are of no use, training anew"]
    assert "forecaster=lasting" in caplog.records[0].__dict__["reason"]
    (partition,) = after.partitions.held
    assert partition.restored
    assert partition.forecasts.forecaster == "blend"


async def test_useless_state_is_said_and_learnt_anew(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    number = assignment.partition(SUBJECT)
    store.objects[encoding.name(encoding.DETECTOR, number)] = b"garbage"
    replica = Replica(store, Bus())
    await replica.own()
    assert [record.message for record in caplog.records] == ["saved state is of no use, learning anew"]
    await replica.read(traffic()[:80])
    await replica.save()
    encoding.decode_detector(store.objects[encoding.name(encoding.DETECTOR, number)], Engine)


async def test_outbox_holds_back_what_it_may_not_say() -> None:
    bus = Bus()
    anything: Any = bus
    allowed, asked = False, 0

    def may_publish() -> bool:
        nonlocal asked
        asked += 1
        return allowed

    outbox = Outbox(anything, allowed=may_publish)
    insight = AnomalyInsight(
        insight_id="i",
        tenant="acme",
        metric="requests",
        field="rate",
        state="ready",
        at=0,
        model="m",
        severity="info",
    )
    task = asyncio.create_task(outbox.run())
    outbox.put_nowait(1, insight)
    outbox.put_nowait(2, insight)
    await wait_until(lambda: asked >= 2)
    assert bus.published == {}
    assert outbox.discard({1, 3}) == {1}
    allowed = True
    async with asyncio.timeout(5):
        await outbox.wait_empty()
    assert (len(bus.published), bus.again) == (1, 0)
    task.cancel()


class Record:
    """A bucket's stream: what is published comes back to who follows it, a second after the other."""

    def __init__(self) -> None:
        self.handler: Any = None
        self.at = 1000.0

    async def replay(self, _stream: str, *, handler: Any, stop: asyncio.Event, **_: object) -> None:
        self.handler = handler
        await stop.wait()

    async def publish(self, subject: str, payload: bytes, **_: object) -> int:
        self.at += 1.0
        stored = SimpleNamespace(timestamp=lambda at=self.at: at)
        if self.handler is not None:
            await self.handler(SimpleNamespace(subject=subject, data=payload, metadata=SimpleNamespace(timestamp=stored)))
        return 1


async def test_lease_ends_by_its_own_clock_and_the_next_one_is_another() -> None:
    record: Any = Record()
    clock = 0.0
    membership = Membership(record, name="a", clock=lambda: clock)
    assert membership.share is None
    task = asyncio.create_task(membership.run())
    async with asyncio.timeout(10):
        first = await membership.wait_share(other_than=None)
        assert first == Share(EVERYTHING, 1), "alone it owns everything"
        await record.publish("$KV.predictors.b", b"{}")
        second = await membership.wait_share(other_than=first)
        assert second == Share(assignment.owned("a", {"a", "b"}), 1)
        clock += GONE_S
        assert membership.share is None, "stopped, or cut off"
        third = await membership.wait_share(other_than=None)
        assert third is not None
        assert third.lease == 2, "others may have owned it in between"
        await membership.leave()
        await task
    assert membership.share is None
