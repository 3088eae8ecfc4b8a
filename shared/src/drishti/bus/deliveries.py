"""A message as a consumer gets it, and the three ways to settle it.

Each raises :class:`~drishti.errors.BusUnavailable` where it could not be sent: then the bus delivers the message again.
"""

from __future__ import annotations

from typing import TypeAlias

import nats.errors
from nats.aio.msg import Msg

from drishti.bus.faults import reason_of
from drishti.errors import BusUnavailable

Message: TypeAlias = Msg
"""``subject``, ``data``, ``headers``, and ``metadata`` with its place in the stream."""


async def acknowledge(message: Message) -> None:
    """It is done."""
    try:
        await message.ack()
    except nats.errors.Error as error:
        raise BusUnavailable(reason_of(error)) from error


async def redeliver(message: Message, delay_s: float) -> None:
    """Not this time: it is redelivered after ``delay_s``."""
    try:
        await message.nak(delay=delay_s)
    except nats.errors.Error as error:
        raise BusUnavailable(reason_of(error)) from error


async def terminate(message: Message) -> None:
    """It is never delivered again, and was not done."""
    try:
        await message.term()
    except nats.errors.Error as error:
        raise BusUnavailable(reason_of(error)) from error
