"""A signal: everything that analytics knows about one kind of message. Pure.

Decode → observe → store, each once. The decoder turns a message into items; the observer turns items into what they say about
metrics; the tables say which rows of theirs are kept. Handlers, writer, store, maintenance and the publisher's watermark read
the :class:`Signal` and know no kind of message by name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from analytics.ingest.items import Decoded, Item, Refusal
from analytics.rollup.observations import Observations
from analytics.storage.stream_states import StreamStates
from analytics.storage.tables import Table
from drishti.messages.catalogue import ANALYTICS, MessageType

Exemplars = Mapping[bytes, str]
"""By an item's key, the trace context that its metrics go on with."""


class Decode(Protocol):
    """The items of one message. ``arrived`` is when the bus stored it, ``traceparent`` its header's."""

    def __call__(self, tenant: str, payload: bytes, arrived: datetime, traceparent: str | None, /) -> Decoded: ...


class Observe(Protocol):
    """Adds what items say about metrics to ``observations``; ``states`` are those of the streams that the signal names."""

    def __call__(
        self, items: Sequence[Item], exemplars: Exemplars, observations: Observations, states: StreamStates, /
    ) -> None: ...


DeadLetters = Callable[[bytes, Sequence[tuple[Item, str]]], list[Refusal]]
"""Refusals of items that were decoded from a payload and could not be stored, with the reason of each."""

Rows = Callable[[Sequence[Item]], list[tuple[Any, ...]]]
"""The rows of items in the order of their table's columns."""


class Lookup(NamedTuple):
    """A table of what many rows have in common, to which these refer: put there before the rows are, and only once.

    ``statement`` adds rows that are not there yet, of a list for each column; ``rows`` gives them by what tells them apart."""

    statement: str
    rows: Callable[[Sequence[Item]], Mapping[int, tuple[Any, ...]]]


class Put(NamedTuple):
    """Rows that a statement adds in the transaction of their items, after the rows of tables: it takes a list for each column,
    then ``limits``, and returns how many went beyond a limit, which ``bound`` names where there is one."""

    statement: str
    rows: Callable[[Sequence[Item]], list[tuple[Any, ...]]]
    limits: tuple[int, ...] = ()
    bound: str = ""


@dataclass(frozen=True, eq=False, kw_only=True)
class Signal:
    """One kind of message."""

    message: MessageType
    decode: Decode
    dead_letters: DeadLetters
    observe: Observe
    tables: Mapping[Table, Rows] = field(default_factory=dict)
    lookups: tuple[Lookup, ...] = ()
    puts: tuple[Put, ...] = ()
    streams: Callable[[Sequence[Item]], Mapping[bytes, str]] | None = None
    """The streams of items, with their tenants, whose last states are read and locked before these are observed."""
    forget_quiet: Callable[[], None] | None = None
    """Called every minute: forgets what it remembers of streams that have not come since the last call."""
    events: Callable[[Sequence[Item]], Sequence[Item]] | None = None
    """Those of its items that are events, as items with events for bodies: tenants draw metrics from them."""
    translate: Callable[[Mapping[str, str], bytes], bytes] | None = None
    """A message in another format than its own, by its headers, as one of its own; itself where it is one. Raises
    :class:`~drishti.errors.InvalidPayload`."""
    users: Callable[[Item], Collection[str]] | None = None
    """The ids of the users that an item names."""
    open_metrics: bool = False
    """Whether its items bring metrics that nobody has defined; they are registered before they are stored."""

    @property
    def name(self) -> str:
        """The first token of its subjects, which also keeps the keys of signals apart."""
        return self.message.subject.partition(".")[0]

    @property
    def stream(self) -> str:
        return self.message.stream

    def payload_of(self, headers: Mapping[str, str] | None, data: bytes) -> bytes:
        """The ``data`` of a message in the signal's own format; raises :class:`~drishti.errors.InvalidPayload`."""
        return data if self.translate is None or not headers else self.translate(headers, data)

    @property
    def durable(self) -> str:
        """The consumer that the replicas of analytics share."""
        return next(durable.name for durable in self.message.durables if durable.owner == ANALYTICS)


class Signals(tuple[Signal, ...]):
    """The signals that this process takes."""

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table that rows of items are kept in."""
        return tuple(dict.fromkeys(table for signal in self for table in signal.tables))

    @property
    def consumers(self) -> tuple[tuple[str, str], ...]:
        """Streams with the durables on them."""
        return tuple((signal.stream, signal.durable) for signal in self)
