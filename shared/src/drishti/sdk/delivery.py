"""What a producer and its transport agree on: how a batch is handed over, how it may fail, and how its events are counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from drishti.errors import DrishtiError
from drishti.sdk.buffer import BufferedEvent

MAX_EVENT_BYTES = 256 * 1024
"""Of a batch of several events: NATS carries 1 MB at most, and small messages spread better."""


class Undelivered(DrishtiError):
    """A batch was not confirmed; it may be sent again, not before ``retry_after_s`` where the other side said so."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(reason)


class IdTaken(DrishtiError):
    """The other side holds another message with this batch's id: the batch was not stored and needs a new id."""


class TooLarge(DrishtiError):
    """The other side takes smaller batches only."""


class RefusedEvent(Struct, frozen=True):
    """One event of a batch that the other side will never accept, and why."""

    index: int
    error: str
    field: str = ""


class Transport(Protocol):
    """The way to one destination. All calls come from the producer's thread, in its loop."""

    @property
    def slots(self) -> int:
        """Batches that may be on their way at once."""

    def partition(self, item: BufferedEvent) -> str | None:
        """Items with the same partition may share a batch; ``None``: this kind cannot be sent this way."""

    async def send(self, batch_id: str, items: list[BufferedEvent]) -> list[RefusedEvent]:
        """Returns once the other side has the batch, with what it refused of it.

        Raises :class:`Undelivered`, after which the same batch comes again with the same id, and :class:`IdTaken`.
        """

    async def close(self) -> None: ...

    def __str__(self) -> str:
        """The destination as a log may show it: no password."""


@dataclass
class Counts:
    """What became of the events since the start: each is counted in exactly one of these, or is buffered still."""

    sent: int = 0
    """confirmed by the other side"""
    refused: int = 0
    """by the other side, for good"""
    invalid: int = 0
    """against the contract: never buffered"""
    overflowed: int = 0
    """the buffer was full"""
    unconfigured: int = 0
    """no destination is configured, or it does not take this kind"""
    lost: int = 0
    """still buffered when the producer was closed, or tracked when the process had sent its last"""
    retries: int = 0
    """batches sent again (the events in them are not counted here)"""
    ids_taken: int = 0
    """batches sent again under a new id, since another sender had used theirs (the events in them are not counted here)"""
    left_out: int = 0
    """values of ``data`` that could not be converted, of events that were sent without them"""
