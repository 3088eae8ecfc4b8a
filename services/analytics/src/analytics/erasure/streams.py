"""Removes messages that name a user from the bus, once what they hold is stored.

A message goes as a whole, also where it holds events of others: those are rows by then. What analytics has not acknowledged yet
stays until it has, since the events of others in it are nowhere else. JetStream overwrites what it removes.
"""

from __future__ import annotations

import asyncio
import binascii
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from nats.aio.msg import Msg
from nats.js.errors import APIError, NotFoundError

from analytics.erasure.named import Named
from drishti.bus.connection import Bus
from drishti.bus.dead_letters import NO_MESSAGE
from drishti.bus.faults import own_errors
from drishti.events import DeadLetter
from drishti.messages import subjects
from drishti.messages.catalogue import ANALYTICS, DEAD, MessageType
from drishti.waiting import until

PROGRESS_S = 5.0
AT_ONCE = 32
"""Messages that are removed at once."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_letter = msgspec.json.Decoder(DeadLetter)


async def erase_messages(
    bus: Bus, message: MessageType, tenant: str, named: Named, before: datetime, stop: asyncio.Event
) -> tuple[int, bool]:
    """Removes those of the ``tenant`` that came ``before``; how many, and whether no other is left. Raises
    :class:`BusUnavailable`."""
    found = await _numbers(bus, message, tenant, named, before, stop)
    if not found:
        return 0, not stop.is_set()
    stored = await _stored_up_to(bus, message)
    settled = [number for number in found if stored is None or number <= stored]
    removed = 0
    for first in range(0, len(settled), AT_ONCE):
        removed += sum(await asyncio.gather(*(_remove(bus, message.stream, n) for n in settled[first : first + AT_ONCE])))
    return removed, len(settled) == len(found) and not stop.is_set()


async def _numbers(
    bus: Bus, message: MessageType, tenant: str, named: Named, before: datetime, stop: asyncio.Event
) -> list[int]:
    names = _test(message, named)
    found: list[int] = []

    async def take(msg: Msg) -> None:
        if msg.metadata.timestamp < before and names(msg.data):
            found.append(msg.metadata.sequence.stream)

    pattern = subjects.dead_of_tenant(tenant) if message.stream == DEAD else subjects.of_tenant(message.wildcard, tenant)
    enough, ready = asyncio.Event(), asyncio.Event()
    reading = asyncio.create_task(
        bus.replay(message.stream, subjects=[pattern], start=_EPOCH, handler=take, stop=enough, ready=ready)
    )
    try:
        await until(stop, ready.wait())
    finally:
        enough.set()
        await reading
    return found


def _test(message: MessageType, named: Named) -> Callable[[bytes], bool]:
    """Whether a message of this type names the user."""
    if message.stream == DEAD:
        return lambda payload: _letter_names(payload, named)
    return named.is_in_protobuf if message.model is None else named.is_in_json


def _letter_names(payload: bytes, named: Named) -> bool:
    try:
        letter = _letter.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, binascii.Error):
        return named.is_in_json(payload)
    return named.is_in_json(letter.payload) or named.is_in_protobuf(letter.payload)


async def _stored_up_to(bus: Bus, message: MessageType) -> int | None:
    """The number up to which analytics has acknowledged everything; ``None`` where it need not."""
    for durable in message.durables:
        if durable.owner == ANALYTICS:
            return (await bus.progress(message.stream, durable.name, timeout_s=PROGRESS_S)).acknowledged
    return None


async def _remove(bus: Bus, stream: str, number: int) -> bool:
    with own_errors():
        try:
            return await bus.js.delete_msg(stream, number)
        except NotFoundError:
            return False
        except APIError as error:
            if error.err_code == NO_MESSAGE:
                return False
            raise
