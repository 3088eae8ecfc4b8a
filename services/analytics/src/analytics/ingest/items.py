"""What a message holds, item by item: an event, a request, a measured point, with the key that makes it count once. Pure.

An item's **key** is a 128-bit hash of signal, tenant and id; it does not depend on the item's time or content, so an id that
comes again with another timestamp is the same item.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import Struct


class Item(Struct, frozen=True, gc=False):
    """One thing that counts once. There are many: a struct costs a third of a named tuple and the collector passes it by.

    ``time`` is the producer's, or the bus's where the producer gave none; ``second`` is the same in whole epoch seconds.
    ``body`` is what it says, of the type that its signal names; every body has ``service`` and ``service_name`` (the name that
    the service was given), each of which may be ``None``. ``traceparent`` is set where the item's trace is kept."""

    key: bytes
    tenant: str
    time: datetime
    second: int
    body: Any
    traceparent: str | None


def user_of(item: Item) -> tuple[str, ...]:
    """The user whom an item names whose body has a ``user_id``."""
    user: str | None = item.body.user_id
    return () if user is None else (user,)


class Refusal(NamedTuple):
    """Why an item is bad, and the item as it came (``None``: the whole message). ``items``: how many a message holds that has
    more of them than it may."""

    reason: str
    payload: bytes | None
    items: int = 0


Decoded = tuple[list[Item], list[Refusal]]
"""The items of a message that are good, and its bad ones."""


def key_space(signal: str, tenant: str) -> bytes:
    """What all ids of one tenant in one signal share: the first half of what :func:`key_of` takes."""
    return f"{signal}\0{tenant}\0".encode()


def key_of(space: bytes, item_id: str) -> bytes:
    """The key of the item with this id."""
    return hashlib.blake2b(space + item_id.encode(), digest_size=16).digest()
