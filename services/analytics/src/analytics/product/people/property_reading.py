"""Reads the changes of properties of users and accounts, in the snapshot of a question."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from analytics.product.people.properties import ACCOUNT_OF_USER, Change, Properties, Timeline, Value
from analytics.product.segments.own_ids import Moves
from analytics.product.segments.segment import OF_ACCOUNT, OF_USER
from analytics.storage.database import Session

MOST_CHANGES = 1_000_000
"""Of all properties that a question names."""

READ_AT_ONCE = 5_000


class TooManyChanges(Exception):
    """More than :data:`MOST_CHANGES` changes of the properties that a question names are stored."""


async def read_properties(
    session: Session, tenant: str, columns: Collection[str], *, to_ms: int, moves: Moves | None
) -> Properties:
    """The properties that ``columns`` name, as far as they were changed before ``to_ms``. Raises :class:`TooManyChanges`."""
    reading = _Reading(session, tenant, to_ms, moves)
    timelines = {}
    for column in sorted(columns):
        kind, _, name = column.partition(".")
        timelines[column] = await reading.timeline(kind, name)
    of_accounts = any(column.startswith(OF_ACCOUNT) for column in columns)
    return Properties(timelines, await reading.timeline("user", ACCOUNT_OF_USER) if of_accounts else None)


async def property_columns(session: Session, tenant: str) -> set[str]:
    """The columns of all properties that users and accounts of ``tenant`` ever had."""
    found = set()
    for kind, prefix in (("user", OF_USER), ("account", OF_ACCOUNT)):
        found |= {prefix + record["name"] for record in await session.fetch("property_names", tenant, kind)}
    return found


class _Reading:
    def __init__(self, session: Session, tenant: str, to_ms: int, moves: Moves | None) -> None:
        self._session = session
        self._tenant = tenant
        self._to_ms = to_ms
        self._moves = moves
        self._read = 0

    async def timeline(self, kind: str, name: str) -> Timeline:
        changes: list[Change] = []
        given = (self._tenant, kind, name, self._to_ms)
        async for records in self._session.batches("property_changes", *given, at_once=READ_AT_ONCE):
            self._read += len(records)
            if self._read > MOST_CHANGES:
                raise TooManyChanges
            changes += self._changes(kind, [tuple(record) for record in records])
        return await asyncio.to_thread(Timeline.of, changes)

    def _changes(self, kind: str, rows: Sequence[tuple[Any, ...]]) -> Iterator[Change]:
        owners = [row[1] for row in rows]
        if self._moves is not None and kind == "user":
            ids = np.array([row[0] for row in rows], np.int64)
            owners = self._moves.now(ids, np.array(owners, np.int64)).tolist()
        for owner, (_, _, at, event_id, op, text, number) in zip(owners, rows, strict=True):
            yield Change(owner, at, event_id, op, value_of(text, number))


def value_of(text: str | None, number: float | None) -> Value:
    """The value of a row; ``None``: it has none."""
    return text if number is None else number
