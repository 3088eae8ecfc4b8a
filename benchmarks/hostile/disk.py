"""A disk that is full for a while under load: ``python -m benchmarks.hostile.disk`` (as root: it mounts a small file system).

The product runs with everything it keeps on a file system of :data:`SIZE_MB`. A producer sends 500 events a second and tries
each batch again until it is accepted, as the SDK does. Then another program takes all the space that is left, and gives it back
after a minute. Nothing is restarted by hand.

Told are the statuses while the disk was full, the seconds from the return of the space until a new event is accepted, until one
is counted and until all are, and how many events were accepted and counted: those must be equal.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import aiohttp

from benchmarks import stack
from benchmarks.processes import BenchmarkFailed

SIZE_MB = 300
RATE, BATCH = 500, 10
FULL_S = 60.0
BEFORE_S = 5.0
RECOVER_AT_MOST_S = 30.0
GIVE_UP_S = 120.0
PATIENCE_S = 15.0
"""How long one request may take."""


class CannotMount(BenchmarkFailed):
    """This user, or this container, may not mount a file system."""


@contextlib.contextmanager
def small_file_system(size_mb: int) -> Iterator[Path]:
    """A folder on a file system of its own, in memory, with so much room."""
    folder = Path(tempfile.mkdtemp(prefix="drishti-disk-"))
    folder.chmod(0o711)
    argv = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=711", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(argv, capture_output=True, text=True, check=False)
    except OSError as error:
        folder.rmdir()
        raise CannotMount(str(error)) from None
    if mounted.returncode != 0:
        folder.rmdir()
        raise CannotMount(mounted.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        shutil.rmtree(folder, ignore_errors=True)


class Filler:
    """Another program on the same disk: takes every byte, also what others give back, until it is stopped."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "another program's file"

    async def hold(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with self._path.open("ab", buffering=0) as file:
            while time.monotonic() < deadline:
                await asyncio.to_thread(self._take, file)
                await asyncio.sleep(0.05)
        self._path.unlink()

    def _take(self, file: BinaryIO) -> None:
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))


@dataclass
class Producer:
    """Sends ``rate`` events a second in small batches, and each again until it is accepted."""

    http: aiohttp.ClientSession
    url: str
    kind: str
    accepted: int = 0
    accepted_at: float = 0.0
    sent: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    _again: deque[list[dict[str, object]]] = field(default_factory=deque)
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, stop: asyncio.Event) -> None:
        due = time.monotonic()
        while not stop.is_set() or self._again or self._running:
            due += BATCH / RATE
            if not stop.is_set():
                self._start([self._event() for _ in range(BATCH)])
            for _ in range(2):  # what was refused goes beside what is new
                if self._again and len(self._running) < 100:
                    self._start(self._again.popleft())
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    def _event(self) -> dict[str, object]:
        self.sent += 1
        return {"event_id": f"{self.kind}-{self.sent}", "event_type": self.kind, "user_id": f"u{self.sent % 97}"}

    def _start(self, events: list[dict[str, object]]) -> None:
        task = asyncio.create_task(self._send(events))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _send(self, events: list[dict[str, object]]) -> None:
        try:
            async with self.http.post(f"{self.url}/api/events", json=events) as answer:
                status, body = str(answer.status), await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError) as error:
            status, body = type(error).__name__, {}
        self.statuses[status] += 1
        if status == "202":
            self.accepted += len(events)
            self.accepted_at = time.monotonic()
            return
        if isinstance(body, dict) and "error" in body:
            self.reasons[str(body["error"]).split(":")[0]] += 1
        self._again.append(events)


@dataclass
class Outcome:
    """``accepting_s``, ``counting_s`` and ``complete_s`` are seconds since the space was given back."""

    statuses: dict[str, int]
    reasons: list[str]
    accepting_s: float
    counting_s: float
    complete_s: float
    accepted: int
    counted: int
    readiness: str

    @property
    def exact(self) -> bool:
        return self.accepted == self.counted


@contextlib.asynccontextmanager
async def product(folder: Path) -> AsyncIterator[tuple[stack.Stack, aiohttp.ClientSession, str]]:
    """The product with its home in ``folder``, a session with its key, and its address."""
    async with stack.running(stack.local("run"), folder / "home") as running:
        env = running.client_env()
        headers = {"Authorization": f"Bearer {env['DRISHTI_API_KEY']}"}
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as http:
            yield running, http, env["DRISHTI_URL"]


async def counted(http: aiohttp.ClientSession, url: str, kind: str) -> int:
    """How many events of ``kind`` the product says there were; -1 where it gives no answer."""
    now = int(time.time() * 1000)
    asked = {"metric": "events", "aggregate": "count", "event_type": kind, "from": now - 3_000_000, "to": now + 60_000}
    try:
        async with http.get(f"{url}/api/analytics/query", params={name: str(value) for name, value in asked.items()}) as answer:
            if answer.status != 200:
                return -1
            return sum(series["total"] or 0 for series in (await answer.json())["series"])
    except (aiohttp.ClientError, TimeoutError):
        return -1


async def measure(folder: Path, *, full_s: float = FULL_S, before_s: float = BEFORE_S) -> Outcome:
    async with product(folder) as (_running, http, url):
        kind = f"disk_{int(time.time())}"
        producer, stop = Producer(http, url, kind), asyncio.Event()
        sending = asyncio.create_task(producer.run(stop))
        await asyncio.sleep(before_s)
        producer.statuses.clear()
        await Filler(folder).hold(full_s)
        freed = time.monotonic()
        statuses, reasons = dict(producer.statuses), [reason for reason, _ in producer.reasons.most_common(5)]
        readiness = await _readiness(http, url)
        accepted_before = producer.accepted
        accepting = await _wait(lambda: _is(producer.accepted > accepted_before), freed, "a new event to be accepted")
        known = producer.accepted
        counting = await _wait(lambda: _more(http, url, kind, known), freed, "a new event to be counted")
        stop.set()
        await sending
        complete = await _wait(lambda: _more(http, url, kind, producer.accepted), freed, "everything to be counted")
        await asyncio.sleep(3.0)  # what counts twice would do it now
        total = await counted(http, url, kind)
    return Outcome(statuses, reasons, accepting, counting, complete, producer.accepted, total, readiness)


async def _is(value: bool) -> bool:
    return value


async def _more(http: aiohttp.ClientSession, url: str, kind: str, known: int) -> bool:
    return await counted(http, url, kind) >= known


async def _readiness(http: aiohttp.ClientSession, url: str) -> str:
    try:
        async with http.get(f"{url}/readyz") as answer:
            return f"{answer.status} {(await answer.text())[:300]}"
    except (aiohttp.ClientError, TimeoutError) as error:
        return type(error).__name__


async def _wait(condition: Callable[[], Awaitable[bool]], since: float, what: str) -> float:
    while not await condition():
        if time.monotonic() - since > GIVE_UP_S:
            raise BenchmarkFailed(f"waited {GIVE_UP_S:g} s for {what}")
        await asyncio.sleep(0.1)
    return time.monotonic() - since


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hostile.disk", description=__doc__.split("\n\n")[0] if __doc__ else ""
    )
    parser.add_argument("--seconds", type=float, default=FULL_S, help="how long the disk is full (%(default)s)")
    parser.add_argument("--size-mb", type=int, default=SIZE_MB, help="of the file system (%(default)s)")
    options = parser.parse_args()
    try:
        with small_file_system(options.size_mb) as folder:
            outcome = asyncio.run(measure(folder, full_s=options.seconds))
    except BenchmarkFailed as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    met = outcome.exact and outcome.counting_s <= RECOVER_AT_MOST_S
    sys.stdout.write(
        f"{RATE} events/s, a disk of {options.size_mb} MB full for {options.seconds:g} s, then freed\n"
        f"statuses while it was full: {outcome.statuses}\n"
        f"reasons: {'; '.join(outcome.reasons)}\n"
        f"readiness at the end of it: {outcome.readiness}\n"
        f"accepts again after {outcome.accepting_s:.1f} s, counts new events after {outcome.counting_s:.1f} s "
        f"(at most {RECOVER_AT_MOST_S:g}), complete after {outcome.complete_s:.1f} s\n"
        f"accepted {outcome.accepted:,}, counted {outcome.counted:,}: {'exact' if outcome.exact else 'NOT EXACT'}\n"
        f"{'met' if met else 'NOT MET'}\n"
    )
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
