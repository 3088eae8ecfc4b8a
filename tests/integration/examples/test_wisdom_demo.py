"""The sample application as ``python -m wisdom`` starts it, against a real NATS and an OTLP receiver."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drishti_local.ports import free_port
from rigs.otlp_receiver import Receiver, attributes_of
from rigs.sdk_servers import Nats, running_nats
from rigs.waiting import DEADLINE_S, wait_until
from wisdom.habits import Crowd
from wisdom.load import exchange
from wisdom.story import Story


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Nats]:
    with running_nats(tmp_path) as server:
        await server.declare()
        yield server


class Demo:
    """One ``python -m wisdom``."""

    def __init__(self, folder: Path, *arguments: str, **environ: str) -> None:
        self.port = free_port()
        self._output = folder / "wisdom.log"
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("DRISHTI_", "OTEL_", "NATS_", "DEMO_"))}
        env = {**clean, "DEMO_PORT": str(self.port), "DRISHTI_DATA": str(folder / "none"), **environ}
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "wisdom", *arguments], env=env, cwd=folder, stdout=output, stderr=output
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    async def until_output(self, text: str) -> None:
        def is_there() -> bool:
            assert self.process.poll() is None, self.output
            return text in self.output

        await wait_until(is_there, f"{text!r} in the output", seen=lambda: self.output)

    async def ready(self) -> None:
        async def answers() -> bool:
            with contextlib.suppress(OSError, IndexError, ValueError):
                status, _ = await exchange("127.0.0.1", self.port, "GET", "/healthz", None)
                assert status == 200
                return True
            return False

        await wait_until(answers, "the application to answer", seen=lambda: self.output)

    async def post(self, what: str, **body: Any) -> tuple[int, Any]:
        asked = {"user_id": "u1", "session_id": "s1", **body}
        status, content = await exchange("127.0.0.1", self.port, "POST", f"/api/{what}", asked)
        return status, json.loads(content)

    async def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self.process.wait, DEADLINE_S)


@contextlib.asynccontextmanager
async def demo(folder: Path, *arguments: str, **environ: str) -> AsyncIterator[Demo]:
    running = Demo(folder, *arguments, **environ)
    try:
        await running.ready()
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait()


async def test_what_a_user_does_is_on_the_bus_when_the_application_has_stopped(server: Nats, tmp_path: Path) -> None:
    async with demo(tmp_path, "--no-load", DRISHTI_NATS_URL=server.url, DEMO_SEED="1") as running:
        asked = {"query": "How do I let go of anger at a friend?", "prompt_tokens": 300, "max_tokens": 40}
        status, answer = await running.post("wisdom", **asked)
        assert (status, answer["topic"], answer["cached"]) == (200, "anger", False)
        assert (await running.post("wisdom", **asked))[1]["cached"] is True
        assert (await running.post("feedback", answer_id=answer["answer_id"], satisfaction=4.5))[0] == 200
        assert (await running.post("feedback", answer_id=999_999, satisfaction=4.5))[0] == 404
        assert (await running.post("feedback", answer_id=1, satisfaction=7))[0] == 422
        assert (await running.post("meditation", style="breath", minutes=20))[0] == 200
        status, quote = await exchange("127.0.0.1", running.port, "GET", "/api/quotes/1", None)
        assert (status, json.loads(quote)["topic"]) == (200, "meditation")
        assert await running.stop() == 0, running.output
    events = await server.events()
    kinds = Counter(e["event_type"] for e in events)
    assert kinds.pop("llm_call") >= 1
    assert kinds == {
        "session_start": 1,
        "dharma_query": 2,
        "cache_access": 2,
        "wisdom_generated": 1,
        "feedback": 1,
        "meditation_session": 1,
    }
    assert {(e["user_id"], e["session_id"], e["service"]) for e in events} == {("u1", "s1", "wisdom")}
    assert [e["data"]["hit"] for e in events if e["event_type"] == "cache_access"] == [False, True]
    assert [e["data"]["satisfaction"] for e in events if e["event_type"] == "feedback"] == [4.5]
    requests = Counter((r["method"], r["route"], r["status"]) for r in await server.events("REQUESTS"))
    assert requests == {
        ("POST", "/api/wisdom", 200): 2,
        ("POST", "/api/feedback", 200): 1,
        ("POST", "/api/feedback", 404): 1,
        ("POST", "/api/feedback", 422): 1,
        ("POST", "/api/meditation", 200): 1,
        ("GET", "/api/quotes/{quote_id}", 200): 1,
    }


async def test_events_and_spans_of_one_request_share_its_trace(server: Nats, receiver: Receiver, tmp_path: Path) -> None:
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_METRICS_EXPORTER": "none", "DEMO_SEED": "1"}
    async with demo(tmp_path, "--no-load", DRISHTI_NATS_URL=server.url, **environ) as running:
        await running.post("wisdom", query="Does grief end?", max_tokens=30)
        assert await running.stop() == 0, running.output
    by_name = {span.name: span for span in receiver.spans}
    root = by_name["POST /api/wisdom"]
    spans = [span for span in receiver.spans if span.trace_id == root.trace_id]
    assert all(attributes_of(span)["db.system"] == "sqlite" for span in receiver.spans if span not in spans)  # at its start
    names = {span.span_id: span.name for span in spans}
    parents = {span.name: names.get(span.parent_span_id) for span in spans}
    inserted = [span for span in spans if span.name.startswith("INSERT")]
    assert [(names[span.parent_span_id], attributes_of(span)["db.system"]) for span in inserted] == [("save_answer", "sqlite")]
    assert parents["POST /api/wisdom"] is None
    assert parents["wisdom_generation"] == "POST /api/wisdom"
    assert parents["wisdom_retrieval"] == parents["llm_routing"] == parents["save_answer"] == "wisdom_generation"
    assert parents["chat sage-large"] == "llm_routing"
    assert parents["llm_stream"] == "chat sage-large"
    traces = {e["traceparent"].split("-")[1] for e in [*await server.events(), *await server.events("REQUESTS")]}
    assert traces == {root.trace_id.hex()}


async def test_the_crowd_comes_and_a_planted_outage_fails_a_third(server: Nats, tmp_path: Path) -> None:
    environ = {
        "DEMO_SPEED": "10",
        "DEMO_FAULT": "errors",
        "DEMO_FAULT_AFTER": "2",
        "DEMO_FAULT_FOR": "6",
        "DEMO_HISTORY_DAYS": "0",
    }
    async with demo(tmp_path, DRISHTI_NATS_URL=server.url, **environ) as running:
        await running.until_output("FAULT ENDS")
        assert await running.stop() == 0, running.output
        assert "FAULT BEGINS: errors" in running.output
    events, requests = await server.events(), await server.events("REQUESTS")
    assert len({e["event_id"] for e in events}) == len(events)
    assert Counter(e["event_type"] for e in events)["dharma_query"] > 20  # some 250 where the machine is not busy
    failed = [r for r in requests if r["status"] == 503]
    assert 0 < len(failed) / len(requests) < 0.4  # a third of those within the outage


async def test_people_with_habits_have_a_past_that_is_told_once(server: Nats, tmp_path: Path) -> None:
    database = f"sqlite+aiosqlite:///{tmp_path / 'wisdom.db'}"
    environ = {"WISDOM_DATABASE": database, "DEMO_SPEED": "0.1", "DEMO_HISTORY_DAYS": "3", "DEMO_HISTORY_AFTER": "0"}
    began = datetime.now(UTC) - timedelta(days=3)
    told = []
    for _ in range(2):
        async with demo(tmp_path, DRISHTI_NATS_URL=server.url, **environ) as running:
            await running.until_output("is told: ")
            assert await running.stop() == 0, running.output
            told.append(int(running.output.partition("is told: ")[2].split()[0]))
    events = [e for e in await server.events() if not e["user_id"].startswith("user-")]
    story = Story(Crowd(108), (began - timedelta(days=1)).date())
    wanted = [one for _ in range(5) for one in story.next_day() if one.at > began]
    times = [datetime.fromisoformat(e["timestamp"]) for e in events]
    since, last = min(times), max(times)
    assert since - wanted[0].at < timedelta(hours=1)
    assert {e["event_id"] for e in events} == {one.event.event_id for one in wanted if since <= one.at <= last}
    assert len({e["event_id"] for e in events}) > 1_000  # what a stop cut off is told again, with the same ids
    assert told[0] > 1_000
    assert told[1] < 100  # what happened meanwhile


async def test_sigterm_under_load_is_quick_and_quiet(server: Nats, tmp_path: Path) -> None:
    environ = {"DEMO_SPEED": "10", "DEMO_FAULT": "latency", "DEMO_FAULT_AFTER": "0"}
    async with demo(tmp_path, DRISHTI_NATS_URL=server.url, **environ) as running:
        await running.until_output("FAULT BEGINS")
        while not any(e["event_type"] == "llm_call" for e in await server.events()):
            assert running.process.poll() is None, running.output
        began = time.monotonic()
        assert await running.stop() == 0, running.output
        assert time.monotonic() - began < DEADLINE_S / 2
        assert "Traceback" not in running.output


async def test_the_application_works_without_drishti(tmp_path: Path) -> None:
    nowhere = f"nats://127.0.0.1:{free_port()}"
    async with demo(tmp_path, "--no-load", DRISHTI_NATS_URL=nowhere, DEMO_SEED="1") as running:
        status, _ = await running.post("wisdom", query="Can gratitude be learned?", max_tokens=10)
        assert status == 200
        assert await running.stop() == 0, running.output


async def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    async with demo(tmp_path, "--no-load") as running:
        second = Demo(tmp_path, "--no-load", DEMO_PORT=str(running.port))
        assert await asyncio.to_thread(second.process.wait, DEADLINE_S) == 1
        assert f"cannot listen at 127.0.0.1:{running.port}" in second.output
        assert "Traceback" not in second.output


async def test_wrong_settings_are_reported_and_nothing_starts(tmp_path: Path) -> None:
    for wrong in ({"LOG_LEVEL": "verbose"}, {"DEMO_FAULT": "flood"}, {"DEMO_SPEED": "0"}):
        refused = Demo(tmp_path, "--no-load", **wrong)
        assert await asyncio.to_thread(refused.process.wait, DEADLINE_S) == 2
        assert f"{next(iter(wrong))}: " in refused.output
        assert "Traceback" not in refused.output


async def test_a_second_start_finds_its_answers_again(tmp_path: Path) -> None:
    environ = {"WISDOM_DATABASE": f"sqlite+aiosqlite:///{tmp_path / 'wisdom.db'}", "DEMO_SEED": "1"}
    numbers = []
    for _ in range(2):
        async with demo(tmp_path, "--no-load", **environ) as running:
            _, answer = await running.post("wisdom", query="Is anger ever useful?", max_tokens=10)
            numbers.append(answer["answer_id"])
            assert await running.stop() == 0, running.output
    assert numbers[1] == numbers[0] + 1
