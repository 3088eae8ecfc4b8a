"""``python -m benchmarks.hostile.connections``: what connections without a key cost an honest client of the gateway.

The product runs as ``make run`` starts it. An honest client sends one event after the other, on a quiet gateway and while

* headers without an end are sent, one a second,
* 1,000 connections hold half a header,
* 200 WebSockets are open that neither read nor answer pings, and 50 more with half a handshake.

Everything comes from one address. The honest client's slowest percentile must be at most twice the quiet one, and every one of
the other connections must be closed in time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import aiohttp
import msgspec

from benchmarks import figures
from benchmarks.hostile.attackers import Done, Job
from benchmarks.hostile.report import report
from benchmarks.processes import ROOT, BenchmarkFailed
from benchmarks.session import Session
from benchmarks.stack import local, running
from benchmarks.table import Result

P99_AT_MOST = 2.0
HEADER_AT_MOST_S = 12.0
WEBSOCKET_AT_MOST_S = 45.0
FLOOD_AT_MOST_S = 2.0

EVERY_S = 0.02
"""Between two requests of the honest client."""


@dataclass(frozen=True)
class Attack:
    """What is opened, and within how many seconds the server must have closed each."""

    name: str
    about: str
    job: Job
    at_most_s: float


class Honest:
    """A client with a key that sends events one after the other."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    async def send(self, times: list[float]) -> None:
        event = {"event_id": uuid.uuid4().hex, "event_type": "beside_a_flood"}
        began = time.perf_counter()
        async with self._http.post(self._url, json=event) as answer:
            if answer.status != 202:
                raise BenchmarkFailed(f"an honest event was answered with {answer.status}: {await answer.text()}")
        times.append((time.perf_counter() - began) * 1000)

    async def send_for(self, seconds: float) -> list[float]:
        times: list[float] = []
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            await self.send(times)
            await asyncio.sleep(EVERY_S)
        return times

    async def send_until(self, process: asyncio.subprocess.Process) -> list[float]:
        """Until the attack is over."""
        times: list[float] = []
        while process.returncode is None:
            await self.send(times)
            await asyncio.sleep(EVERY_S)
        return times


@contextlib.asynccontextmanager
async def attacking(job: Job) -> AsyncIterator[asyncio.subprocess.Process]:
    """The attack in a process of its own, from the moment when everything is open."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.hostile.attackers",
        cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(msgspec.json.encode(job))
        process.stdin.close()
        if await process.stdout.readline() != b"open\n":
            raise BenchmarkFailed("the hostile connections could not be opened")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def under(attack: Attack, honest: Honest) -> tuple[list[float], Done]:
    async with attacking(attack.job) as process:
        times = await honest.send_until(process)
        assert process.stdout is not None
        done = msgspec.json.decode(await process.stdout.read(), type=Done)
    return times, done


async def measure(run: Session, quiet_s: float) -> list[Result]:
    async with running(local("run"), run.folder("connections") / "home") as stack:
        port = stack.ports["GATEWAY_PORT"]
        headers = {"authorization": f"Bearer {stack.client_env()['DRISHTI_API_KEY']}"}
        async with aiohttp.ClientSession(headers=headers) as http:
            honest = Honest(http, f"http://127.0.0.1:{port}/api/events")
            await honest.send_for(quiet_s / 2)  # warms up
            quiet: list[float] = []
            rounds: list[tuple[Attack, list[float], Done]] = []
            for attack in attacks(port):
                quiet += await honest.send_for(quiet_s)
                times, done = await under(attack, honest)
                rounds.append((attack, times, done))
                run.say(f"{attack.name}: p99 {figures.quantile(times, 0.99):.1f} ms, {len(done.seconds)} closed")
            quiet += await honest.send_for(quiet_s)
    return [_result(attack, times, quiet, done) for attack, times, done in rounds]


def attacks(port: int) -> list[Attack]:
    return [
        Attack("flood", "headers without an end, one a second", Job(port=port, floods=20, watch_s=30), FLOOD_AT_MOST_S),
        Attack("halves", "1,000 half headers", Job(port=port, half_headers=1000, watch_s=40), HEADER_AT_MOST_S),
        Attack(
            "sockets",
            "200 silent WebSockets, 50 half handshakes",
            Job(port=port, websockets=200, half_handshakes=50, watch_s=40),
            WEBSOCKET_AT_MOST_S,
        ),
    ]


def _result(attack: Attack, times: list[float], quiet: list[float], done: Done) -> Result:
    p50, p99 = figures.quantile(times, 0.5), figures.quantile(times, 0.99)
    quiet_p50, quiet_p99 = figures.quantile(quiet, 0.5), figures.quantile(quiet, 0.99)
    slowest = max(done.seconds, default=float("inf"))
    closed = len(done.seconds) == done.opened and slowest <= attack.at_most_s
    first = min(done.seconds, default=0)
    notes = [f"closed by the server: {len(done.seconds)} of {done.opened}, after {first:.1f} to {slowest:.1f} s"]
    if attack.job.floods:
        notes.append(f"the longest flood got rid of {done.flooded / 1e6:.1f} MB, most of them into buffers of the system")
    return Result(
        name=attack.name,
        what=f"honest events beside {attack.about}",
        sizes=f"{len(times):,} events, {len(quiet):,} on a quiet gateway",
        ours=f"p50 {p50:.1f} ms, p99 {p99:.1f} ms; last closed after {slowest:.1f} s",
        reference=f"quiet: p50 {quiet_p50:.1f} ms, p99 {quiet_p99:.1f} ms",
        ratio=f"{p99 / quiet_p99:.2f} ×",
        must_be=f"≤ {P99_AT_MOST:g} ×, all closed within {attack.at_most_s:g} s",
        met=p99 <= P99_AT_MOST * quiet_p99 and closed,
        notes=notes,
    )


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hostile.connections",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quiet-s", type=float, default=15.0, help="seconds of each measurement on a quiet gateway (15)")
    parser.add_argument("--cores", type=int, default=2, help="cores for everything together (2; 0: all)")
    options = parser.parse_args(arguments)
    return report(lambda run: measure(run, options.quiet_s), cores=options.cores)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
