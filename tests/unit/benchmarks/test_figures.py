"""The benchmarks' own arithmetic, table, payloads and HTTP client: figures are worth what these are worth."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from benchmarks import http
from benchmarks.figures import Round, compare, delays, quantile
from benchmarks.ml import days
from benchmarks.ml.public import Session
from benchmarks.payloads import TYPES, Events
from benchmarks.table import Result, render
from drishti.events import AnalyticsEvent

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def test_ratio_is_the_median_of_the_rounds_ratios_and_not_the_ratio_of_medians() -> None:
    # The machine was ten times slower in the second round, for both.
    compared = compare([Round(60, 100), Round(5, 10), Round(90, 100)])
    assert compared.ratio == pytest.approx(0.6)
    assert (compared.lowest, compared.highest) == (0.5, 0.9)
    assert (compared.ours, compared.reference) == (60, 100)


def test_quantile_is_a_value_that_was_measured() -> None:
    values = [float(n) for n in range(1, 101)]
    assert [quantile(values[::-1], q) for q in (0.5, 0.99, 1.0)] == [50.0, 99.0, 100.0]
    assert quantile([7.0], 0.5) == 7.0
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)


def test_delay_of_an_event_ends_with_the_first_picture_that_counts_it() -> None:
    accepted = [(10.0, 2), (10.1, 1)]
    shown = [(9.9, 0.0), (10.2, 1.0), (10.3, 1.0), (10.5, 3.0)]
    assert delays(accepted, shown) == pytest.approx([0.2, 0.5, 0.4])


def test_picture_before_the_answer_counts_as_no_delay() -> None:
    assert delays([(10.0, 1)], [(9.0, 1.0)]) == [0.0]


def test_event_that_was_never_shown_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"event 3 was never shown, the last total is 2"):
        delays([(1.0, 3)], [(2.0, 2.0)])


def test_table_marks_what_is_missed_and_keeps_cells_apart() -> None:
    met = Result(name="a", what="this | that", sizes="1", ours="2", must_be="≤ 3", met=True, notes=["a note"])
    missed = Result(name="b", what="other", sizes="1", ours="9", must_be="≤ 3", met=False)
    text = render([met, missed], ["the machine"])
    assert "| this \\| that | 1 | 2 |  |  | ≤ 3 | met |" in text
    assert "| other | 1 | 9 |  |  | ≤ 3 | **missed** |" in text
    assert "`a`:\n\n* a note\n" in text
    assert "`b`:" not in text
    assert text.endswith("\nthe machine\n")


@pytest.mark.parametrize("kind", TYPES)
def test_events_are_valid_of_a_usual_size_and_never_the_same(kind: str) -> None:
    events = Events("run")
    texts = [events.one(kind) for _ in range(1200)]
    decoded = [msgspec.json.decode(text, type=AnalyticsEvent) for text in texts]
    assert {event.event_type for event in decoded} == {kind}
    assert len({event.event_id for event in decoded}) == 1200
    assert 180 < sum(map(len, texts)) / len(texts) < 400


def test_history_spreads_its_events_evenly_up_to_its_end() -> None:
    end = datetime(2026, 1, 1, 12, tzinfo=UTC)
    messages = list(Events("run").history(250, size=100, per_s=50, until=end))
    assert [kind for kind, _ in messages] == list(TYPES[:3])
    decoded = [event for _, payload in messages for event in msgspec.json.decode(payload, type=list[AnalyticsEvent])]
    assert len(decoded) == 250
    times = [event.timestamp for event in decoded if event.timestamp is not None]
    assert times == sorted(times)
    assert (times[-1] - times[0]).total_seconds() == pytest.approx(249 / 50)
    assert (end - times[-1]).total_seconds() == pytest.approx(1 / 50)


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Answer], Awaitable[int]]]:
    """Starts a server that answers so; gives its port."""
    servers = []

    async def start(answer: Answer) -> int:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


async def test_answer_in_pieces_is_one_answer(serve: Callable[[Answer], Awaitable[int]]) -> None:
    async def in_pieces(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        for piece in (b"HTTP/1.1 20", b"2 Accepted\r\nContent-Length: 4\r\n\r", b"\nok", b"ay"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        await reader.read()
        writer.close()

    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    [connection] = await http.connect(await serve(in_pieces), 1, failed)
    answered: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
    connection.send(http.post("/", b"{}", {"x": "y"}), lambda status, body: answered.set_result((status, body)))
    assert await asyncio.wait_for(answered, 10) == (202, b"okay")
    connection.close()
    assert not failed.done()


async def test_server_that_hangs_up_ends_the_measurement(serve: Callable[[Answer], Awaitable[int]]) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.close()

    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    [connection] = await http.connect(await serve(hang_up), 1, failed)
    connection.send(http.post("/", b"{}", {}), lambda _status, _body: pytest.fail("there was no answer"))
    with pytest.raises(http.BadAnswer, match="hung up"):
        await asyncio.wait_for(failed, 10)


def test_days_of_production_alarm_where_they_change(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    values = rng.poisson(600, 3000) / 60.0
    values[2500:2530] *= 4
    rows = [f"{datetime.fromtimestamp(1_790_000_040 + 60 * i, UTC):%F %T},{value}" for i, value in enumerate(values)]
    file = tmp_path / "series.csv"
    file.write_text("\n".join(["timestamp,value", *rows]))
    read = list(days.read(file))
    assert read[0] == (1_790_000_040.0, values[0])
    (at,) = days.alarms(read)
    assert 2500 <= (at - 1_790_000_040) / 60 <= 2502


def test_days_of_production_without_labels_count_every_alarm_as_false(tmp_path: Path) -> None:
    """Two series of two days, of which the second has an incident that is labelled and one that is not."""
    root = tmp_path / "cloudmon"
    (root / "data").mkdir(parents=True)
    (root / "labels").mkdir()
    (root / "minute_dev.txt").write_text("quiet.csv\ntwice.csv\n")
    rng = np.random.default_rng(2)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for name, busy in (("quiet", []), ("twice", [1500, 2200])):
        values = rng.poisson(600, 2880) / 60.0
        for first in busy:
            values[first : first + 20] *= 4
        rows = [f"{begin + timedelta(minutes=i):%F %T},{value}" for i, value in enumerate(values)]
        (root / "data" / f"{name}.csv").write_text("\n".join(["timestamp,value", *rows]))
    window = [f"{begin + timedelta(minutes=i):%F %T}" for i in (1490, 1530)]
    (root / "labels" / "combined_windows.json").write_text(json.dumps({"quiet.csv": [], "twice.csv": [window]}))
    (measured,) = days.days(Session(tmp_path, tmp_path, 1))
    assert measured.measured == "0.25 false in 4 series-days; 1 of 1 labelled detected"
    assert measured.met
