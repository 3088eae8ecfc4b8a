"""Counts what users did: bucket by bucket, off the event loop, in one snapshot of the database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple

from analytics import memory
from analytics.errors import StatementTimeout
from analytics.product.counting.breakdowns import TooManyValues
from analytics.product.counting.day import Day
from analytics.product.counting.parts import in_parts
from analytics.product.people.exclusion import Rule
from analytics.product.people.property_reading import MOST_CHANGES, TooManyChanges
from analytics.product.segments.reading import (
    KnownNames,
    ProductReading,
    TooManyMerges,
    TooManyRows,
    UserIds,
    days_with_events,
    share_compacted,
)
from analytics.product.segments.segment import BUCKETS, Ints
from analytics.product.stored_cohorts import StoredCohorts
from analytics.query.product.asked import Name, Names, check_names, shown
from analytics.query.product.cohorts.membership import in_step, membership
from analytics.query.product.exclusion import rules_of
from analytics.query.sessions import QUESTION_S, Sessions
from analytics.storage.database import Session
from drishti.errors import QueryError
from drishti.messages.product.cohorts import COHORT
from drishti.messages.product.users import UserList

ANSWER_S = QUESTION_S - 1.0
"""Then a question is cut off, with what to change."""

SHORTER = "ask for a shorter range, or with `sample: true` for a sixteenth of the users"

_MOSTLY = 0.9
"""Of a range of which more has been compacted, what took long is the question itself."""


class Reads(NamedTuple):
    """What is read of a tenant's events: ``columns`` of those of ``event_types`` (``None``: of all) in ``[from_ms, to_ms)``, of
    the users of ``cohort`` (none: of everybody); with ``by_day`` without their times, and from ``users_from_ms`` on who
    has any event, see :class:`ProductReading`. A column
    whose name is :data:`COHORT` and that of a cohort says who is in it."""

    from_ms: int
    to_ms: int
    columns: Collection[str]
    event_types: Sequence[str] | None = None
    by_day: bool = False
    cohort: str = ""
    users_from_ms: int | None = None


class Counted(NamedTuple):
    """``as_of``: ms since 1970; ``sampled``: the share of users that was counted; ``kept_from``: where the first day begins
    whose events are stored; ``excluded``: people who were left out by rule."""

    as_of: int
    sampled: float
    kept_from: int
    excluded: int = 0


class Found(NamedTuple):
    """``total`` users, of which ``users`` are some, by their ids."""

    as_of: int
    sampled: float
    total: int
    users: list[str]
    excluded: int = 0


def user_list(found: Found) -> UserList:
    """The answer that says so."""
    return UserList(
        as_of=found.as_of, total=found.total, users=found.users, sampled=found.sampled, excluded_users=found.excluded
    )


class ProductCounting:
    """Gives a question the days of one bucket of users after the other."""

    def __init__(self, sessions: Sessions, cohorts: StoredCohorts, *, answer_s: float = ANSWER_S) -> None:
        self._sessions = sessions
        self._cohorts = cohorts
        self._answer_s = answer_s

    async def count(
        self, tenant: str, what: str, reads: Reads, names: Names, add: Callable[[Sequence[Day]], None], *, sample: bool = False
    ) -> Counted:
        """Calls ``add`` in a thread with the days of some users after the other; with ``sample`` those of one bucket only.

        Raises :class:`QueryError`, in whose texts the question is called ``what``, :class:`TooManyWaiting` and
        :class:`DatabaseAway`."""
        counted, _ = await self.count_and_name(tenant, what, reads, names, add, list, sample=sample)
        return counted

    async def count_and_name(
        self,
        tenant: str,
        what: str,
        reads: Reads,
        names: Names,
        add: Callable[[Sequence[Day]], None],
        chosen: Callable[[], list[int]],
        *,
        sample: bool = False,
    ) -> tuple[Counted, list[str]]:
        """As :meth:`count`, with the ids of the users whose hashes are ``chosen`` when all are counted."""
        async with self.snapshot(tenant, what, (reads.from_ms, reads.to_ms)) as session:
            as_of = await session.value("clock")
            excluded = await self._add_all(session, tenant, reads, names, add, as_of, sample=sample)
            kept = await days_with_events(session, date.min, date.max)
            users = await asyncio.to_thread(chosen)
            ids = await UserIds(session, tenant).of(users) if users else {}
        counted = Counted(as_of, _share(sample), int(kept[0].timestamp() * 1000) if kept else as_of, excluded)
        return counted, [ids[user] for user in users]

    async def find(
        self,
        tenant: str,
        what: str,
        reads: Reads,
        names: Names,
        wanted: Callable[[Sequence[Day]], Ints],
        *,
        limit: int,
        sample: bool = False,
        wanted_of_all: Callable[[], Ints] | None = None,
    ) -> Found:
        """The users whose hashes ``wanted`` has of the days of each bucket, called as by :meth:`count`, and ``wanted_of_all``
        after them; and the ids of up to ``limit`` of them, in the order of their hashes; raises as that does."""
        total, some = 0, list[int]()

        def found(users: Ints) -> None:
            nonlocal total
            total += len(users)
            some.extend(users[: limit - len(some)].tolist())

        def add(days: Sequence[Day]) -> None:
            found(wanted(days))

        def chosen() -> list[int]:
            if wanted_of_all is not None:
                found(wanted_of_all())
            return some

        counted, ids = await self.count_and_name(tenant, what, reads, names, add, chosen, sample=sample)
        return Found(counted.as_of, counted.sampled, total, ids, counted.excluded)

    async def columns(self, tenant: str) -> set[str]:
        """All columns that the tenant's events have; raises :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        async with self._sessions.turn(tenant), self._sessions.session() as session:
            known = KnownNames(session, tenant)
            return await known.columns() | await known.new_columns()

    async def traces_of(self, tenant: str, spans: Sequence[tuple[str, datetime, datetime]]) -> list[str]:
        """One trace at most for each user and span of time in which an event has one; raises as :meth:`columns`."""
        if not spans:
            return []
        users, since, until = zip(*spans, strict=True)
        async with self._sessions.turn(tenant), self._sessions.session() as session:
            records = await session.fetch("traces_of_users", tenant, list(users), list(since), list(until))
        return list(dict.fromkeys(record["trace_id"] for record in records))

    async def _add_all(
        self,
        session: Session,
        tenant: str,
        reads: Reads,
        names: Names,
        add: Callable[[Sequence[Day]], None],
        as_of: int,
        *,
        sample: bool,
    ) -> int:
        """Returns how many people were left out by rule."""
        await check_names(KnownNames(session, tenant), names)
        named = {column: Name(column, "") for column in reads.columns if column.startswith(COHORT)}
        named |= {one.name: one for one in reversed(names.properties) if one.name in named}
        cohorts = await membership(session, tenant, self._cohorts, reads.cohort, [*named.values()], as_of)
        rules = await rules_of(session, tenant)
        reading = ProductReading(
            session,
            tenant,
            from_ms=reads.from_ms,
            to_ms=reads.to_ms,
            columns={*reads.columns} - named.keys(),
            event_types=reads.event_types,
            by_day=reads.by_day,
            users_from_ms=reads.users_from_ms,
            rules=rules,
        )
        events = cohorts.reading(session, tenant)

        async with contextlib.aclosing(in_step(reading, events, sample=sample)) as parts:
            async for days, of_cohorts in parts:
                for one in (reading, events):
                    if one is not None:
                        _refuse_omitted(one, rules)
                counted = 0
                for part, events_of_part in in_parts(days, of_cohorts):
                    await asyncio.to_thread(lambda one, other: add(cohorts.of(one, other)), part, events_of_part)
                    counted += 1
                if counted > 1:  # else what is free is too little
                    await asyncio.to_thread(memory.give_back)
        if not reading.rows and not sample:
            of_types = " of these types" if reads.event_types is not None else ""
            raise QueryError(f"no event with a user{of_types} lies in this range: ask for another one", field="from")
        return reading.excluded

    @contextlib.asynccontextmanager
    async def snapshot(
        self, tenant: str, what: str, span: tuple[int, int] | None = None, *, hint: str = SHORTER
    ) -> AsyncIterator[Session]:
        """One snapshot of the database, for as long as a question may take; what reads segments in it says of which ``span``,
        in ms since 1970. Raises what :meth:`count` does; ``hint`` says what to change where it takes too long."""
        compacted = 1.0
        try:
            async with asyncio.timeout(self._answer_s):
                async with self._sessions.turn(tenant), self._sessions.session() as session, session.snapshot():
                    if span is not None:
                        compacted = await share_compacted(session, *span)
                    yield session
        except TooManyRows:
            raise _still_compacting(compacted) from None
        except TooManyValues as error:
            raise QueryError(
                f"`{shown(error.column)}` has more than {error.most:,} values in this range: ask without it, or for a "
                "shorter one"
            ) from None
        except TooManyChanges:
            raise QueryError(
                f"properties of users and accounts that are named here were changed more than {MOST_CHANGES:,} times: ask for "
                "fewer of them"
            ) from None
        except TooManyMerges:
            raise QueryError(
                "many ids of people are being joined at the moment: ask again in some minutes", "unavailable"
            ) from None
        except (TimeoutError, StatementTimeout):
            if compacted < _MOSTLY:
                raise _still_compacting(compacted) from None
            raise QueryError(f"the {what} takes too long: {hint}", "timeout") from None


def _share(sample: bool) -> float:
    return 1 / BUCKETS if sample else 1.0


def _refuse_omitted(reading: ProductReading, rules: Sequence[Rule]) -> None:
    if reading.omitted:
        omitted = ", ".join(sorted(map(shown, reading.omitted)))
        of_rules = {column for rule in rules for column in rule.columns}
        ask = "change the rules by which people are left out" if reading.omitted <= of_rules else "ask without it"
        raise QueryError(
            f"events of these days have too many properties, and {omitted} is not kept by user: {ask}, or for other days"
        )


def _still_compacting(compacted: float) -> QueryError:
    return QueryError(
        f"events of this range are still being compacted, {compacted:.0%} of its days have been: ask again in some minutes, or "
        "for a shorter range",
        "unavailable",
    )
