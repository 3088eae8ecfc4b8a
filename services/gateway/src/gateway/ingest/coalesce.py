"""Group commit for single events: while one message is on its way, the events that arrive become the next one.

How this works
--------------
There is a lane per subject. The first event of a quiet lane is sent at once, so an idle gateway adds no delay and needs no
timer. While it waits for JetStream's ack, others queue up; when the ack is there, all of them (up to a message's size) go as
one message. Under load a message so carries as many events as arrive during one round trip, and consumers are spared a
message for each. Every caller is answered by the fate of the message that its event was in.

Bounds: callers wait for their event, so no more is queued than the gateway's budget lets in. A lane that is empty is dropped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gateway.ingest.parsing import MESSAGE_BYTES, Message, join

MAX_EVENTS = 500

Publish = Callable[[str, Message], Awaitable[None]]
"""Stores one message of a tenant; returns when the bus has it, raises where it may not have."""


class _Waiting(NamedTuple):
    message: Message
    stored: asyncio.Future[None]


class Coalescer:
    """Stores single events through ``publish``; :meth:`store` returns when the event's message is stored."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._lanes: dict[tuple[str, str], deque[_Waiting]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self.messages = 0
        self.events = 0

    async def store(self, tenant: str, message: Message) -> None:
        """Returns when the one event of ``message`` is stored. Cancelling the wait does not take the event back."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        key = (tenant, message.event_type)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = deque()
            task = asyncio.create_task(self._run(key, lane), name="coalescer")
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        lane.append(_Waiting(message, stored))
        await stored

    async def wait_empty(self) -> None:
        """Returns when nothing is queued or on its way."""
        while self._running:
            await asyncio.wait(self._running)

    async def _run(self, key: tuple[str, str], lane: deque[_Waiting]) -> None:
        # A task starts one turn of the loop later: what the loop has already read from other sockets comes along.
        while lane:
            waiting = _take(lane)
            try:
                await self._publish(key[0], _joined(key[1], waiting))
            except BaseException as error:
                # Every caller gets the reason, those in the queue too: none waits for one timeout after the other, and
                # none for ever where this task is cancelled.
                _finish([*waiting, *lane], error)
                lane.clear()
                if not isinstance(error, Exception):
                    del self._lanes[key]
                    raise
                continue
            _finish(waiting, None)
            self.messages += 1
            self.events += len(waiting)
        del self._lanes[key]


def _take(lane: deque[_Waiting]) -> list[_Waiting]:
    taken = [lane.popleft()]
    size = len(taken[0].message.payload) + 2
    while lane and len(taken) < MAX_EVENTS:
        size += len(lane[0].message.payload) + 1
        if size > MESSAGE_BYTES:
            break
        taken.append(lane.popleft())
    return taken


def _joined(event_type: str, waiting: list[_Waiting]) -> Message:
    if len(waiting) == 1:
        return waiting[0].message
    return Message(
        event_type,
        join([w.message.payload for w in waiting]),
        [w.message.ids[0] for w in waiting],
        [t for w in waiting for t in w.message.traceparents],
    )


def _finish(waiting: list[_Waiting], error: BaseException | None) -> None:
    for entry in waiting:
        if entry.stored.done():
            continue  # its caller left
        if error is None:
            entry.stored.set_result(None)
        elif isinstance(error, asyncio.CancelledError):
            entry.stored.cancel()
        else:
            entry.stored.set_exception(error)
