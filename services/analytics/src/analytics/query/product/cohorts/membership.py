"""Who is in the cohorts that a question names, bucket by bucket, in step with what it reads and in the same snapshot."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from analytics.product.counting.cohorts import (
    Listed,
    Members,
    Metric,
    leaves,
    members_of,
    only,
    told_apart,
    users_of,
)
from analytics.product.counting.day import Day
from analytics.product.segments.reading import KnownNames, ProductReading, read_moves
from analytics.product.segments.segment import Ints
from analytics.product.stored_cohorts import StoredCohorts
from analytics.query.product.asked import Name, check_names
from analytics.query.product.cohorts import definition
from analytics.storage.database import Session
from drishti.errors import QueryError
from drishti.messages.product.cohorts import COHORT

MOST_COHORTS = 8
"""Of one question."""


class Membership(NamedTuple):
    """``among``: whom the question is about, everybody if ``None``; ``columns`` that tell members from others, by name, and
    the members."""

    among: Members | None
    columns: Mapping[str, Members]

    def of(self, days: Sequence[Day], events: Sequence[Day]) -> list[Day]:
        """The ``days`` of a bucket as the question is to count them; ``events``: those that conditions are about."""
        found = list(days)
        if self.among is not None:
            users = users_of(found)
            found = only(found, users[members_of(self.among, users, events)])
        for column, members in self.columns.items():
            users = users_of(found)
            found = told_apart(found, column, users[members_of(members, users, events)])
        return found

    def reading(self, session: Session, tenant: str) -> ProductReading | None:
        """Of the events that the conditions are about; ``None``: there are no conditions."""
        all_members = [*([] if self.among is None else [self.among]), *self.columns.values()]
        conditions = [leaf for members in all_members for leaf in leaves(members)]
        if not conditions:
            return None
        columns = {column for leaf in conditions for column in leaf.events.columns}
        columns |= {leaf.column for leaf in conditions if isinstance(leaf, Metric)}
        types = {one for leaf in conditions for one in leaf.events.event_types}
        return ProductReading(
            session,
            tenant,
            from_ms=min(leaf.from_ms for leaf in conditions),
            to_ms=max(leaf.to_ms for leaf in conditions),
            columns=columns,
            event_types=sorted(types) if all(leaf.events.event_types for leaf in conditions) else None,
        )


async def membership(
    session: Session, tenant: str, stored: StoredCohorts, cohort: str, columns: Sequence[Name], now_ms: int
) -> Membership:
    """Of the cohort that a question is about (none: empty), and of those that its ``columns`` name. Raises
    :class:`QueryError`."""
    if cohort or columns:
        await stored.wait_loaded()
    if len(columns) > MOST_COHORTS:
        raise QueryError(f"is one of more than {MOST_COHORTS} cohorts: ask about fewer", field=columns[MOST_COHORTS].field)
    among = await _members(session, tenant, stored, Name(cohort, "cohort"), now_ms) if cohort else None
    found = {}
    for name, field in columns:
        found[name] = await _members(session, tenant, stored, Name(name.removeprefix(COHORT), field), now_ms)
    return Membership(among, found)


async def _members(session: Session, tenant: str, stored: StoredCohorts, one: Name, now_ms: int) -> Members:
    cohort = definition.named(stored, tenant, one.name, one.field)
    if cohort.condition is None:
        return Listed(await _persons(session, tenant, cohort.users or ()))
    try:
        await check_names(KnownNames(session, tenant), definition.names_asked(cohort.condition, "condition"))
        return definition.members_asked(cohort.condition, "condition", now_ms)
    except QueryError as error:  # what could be asked when the cohort was stored
        text = f"the cohort {cohort.name} cannot be told at the moment: {error.field}: {error}"
        raise QueryError(text, error.code, one.field) from None


async def _persons(session: Session, tenant: str, users: Sequence[str]) -> Ints:
    """The persons, by hash, whose ids these are at this moment."""
    hashes = [record["hash"] for record in await session.fetch("id_hashes", [*users])]
    records = await session.fetch("persons_of_hashes", tenant, hashes)
    ids = np.array([record["hash"] for record in records], np.int64)
    persons = np.array([record["person"] for record in records], np.int64)
    moves = await read_moves(session, tenant)
    if moves is not None:
        persons = moves.now(ids, persons)
    return np.unique(persons)


async def in_step(
    reading: ProductReading, events: ProductReading | None, *, sample: bool
) -> AsyncGenerator[tuple[list[Day], list[Day]], None]:
    """The parts of ``reading``, each with the part of ``events`` that is of the same users."""
    if events is None:
        async for days in reading.buckets(sample=sample):
            yield days, []
        return
    async with contextlib.aclosing(events.buckets(sample=sample)) as others:
        async for days in reading.buckets(sample=sample):
            yield days, await anext(others)
