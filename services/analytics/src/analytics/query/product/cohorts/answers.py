"""Answers questions about cohorts, and stores them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from analytics.erasure.named import hash_of
from analytics.event_metrics.table import LOCK_TIMEOUT
from analytics.product.counting.cohorts import MEMBER, users_of
from analytics.product.counting.day import Day
from analytics.product.segments.reading import KnownNames
from analytics.product.segments.segment import Ints
from analytics.product.stored_cohorts import CohortDocument, StoredCohorts
from analytics.query.product.asked import LAST_MS, Names, check_names
from analytics.query.product.cohorts.definition import members_asked, named, names_asked
from analytics.query.product.counting import Found, ProductCounting, Reads, user_list
from analytics.query.sessions import Sessions
from drishti.bus.documents import Known
from drishti.errors import QueryError
from drishti.messages.product.cohorts import (
    COHORT,
    MAX_USERS,
    Cohort,
    CohortList,
    CohortOverlap,
    CohortOverlapQuery,
    CohortQuery,
    CohortsQuery,
    CohortUsersQuery,
    DeleteCohort,
    PutCohort,
)
from drishti.messages.product.users import UserList

_WHAT = "question about a cohort"


class CohortLists:
    """Answers ``query.v1.cohorts``."""

    def __init__(self, stored: StoredCohorts) -> None:
        self._stored = stored

    async def answer(self, asked: CohortsQuery) -> CohortList:
        """Raises :class:`QueryError`."""
        await self._stored.wait_loaded()
        known = self._stored.of(asked.tenant).values()
        return CohortList(cohorts=[_cohort(one, one.value, with_users=False) for one in known if one.value is not None])


class CohortAnswers:
    """Answers ``query.v1.cohort``."""

    def __init__(self, stored: StoredCohorts) -> None:
        self._stored = stored

    async def answer(self, asked: CohortQuery) -> Cohort:
        """Raises :class:`QueryError`."""
        await self._stored.wait_loaded()
        found = named(self._stored, asked.tenant, asked.name, "name")
        return _cohort(self._stored.of(asked.tenant)[asked.name], found)


class CohortStoring:
    """Answers ``query.v1.put_cohort``."""

    def __init__(self, sessions: Sessions, stored: StoredCohorts, counting: ProductCounting) -> None:
        self._sessions = sessions
        self._stored = stored
        self._counting = counting

    async def answer(self, asked: PutCohort) -> Cohort:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        if sum(one is not None for one in (asked.condition, asked.users, asked.users_of)) != 1:
            raise QueryError("must be given, or `users`, or `users_of`: exactly one of them", field="condition")
        users = [*dict.fromkeys(asked.users or ())]
        if asked.condition is not None:
            async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
                members_asked(asked.condition, "condition", await session.value("clock"))
                await check_names(KnownNames(session, asked.tenant), names_asked(asked.condition, "condition"))
        elif asked.users_of is not None:
            users = await self._users_of(asked.tenant, asked.users_of)
        cohort = CohortDocument(
            name=asked.name,
            title=asked.title,
            description=asked.description,
            condition=asked.condition,
            users=None if asked.condition is not None else tuple(users),
        )
        if cohort.users is not None:
            return await self._put_users(asked, cohort, cohort.users)
        return _cohort(await self._stored.put(asked.tenant, cohort, asked.revision), cohort)

    async def _put_users(self, asked: PutCohort, cohort: CohortDocument, users: Sequence[str]) -> Cohort:
        """Stores them without those who were erased meanwhile. No erasure begins until that is done, so one that begins later
        finds them there."""
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session, session.transaction():
            await session.execute("limit_lock_wait", LOCK_TIMEOUT)
            await session.value("hold_event_metrics")
            erased = {record["user_hash"] for record in await session.fetch("tombstones_now", asked.tenant)}
            if erased:
                left = tuple(user for user in users if hash_of(asked.tenant, user) not in erased)
                _check_left(asked, left)
                cohort = msgspec.structs.replace(cohort, users=left)
            return _cohort(await self._stored.put(asked.tenant, cohort, asked.revision), cohort)

    async def _users_of(self, tenant: str, name: str) -> list[str]:
        await self._stored.wait_loaded()
        named(self._stored, tenant, name, "users_of")
        found = await users_found(self._counting, tenant, name, limit=MAX_USERS)
        if found.total > MAX_USERS:
            raise QueryError(f"has {found.total:,} users, and a static cohort {MAX_USERS:,} at most", field="users_of")
        if not found.total:
            raise _nobody()
        return found.users


class CohortDeletions:
    """Answers ``query.v1.delete_cohort``."""

    def __init__(self, stored: StoredCohorts) -> None:
        self._stored = stored

    async def answer(self, asked: DeleteCohort) -> Cohort:
        """The cohort that is no more. Raises :class:`QueryError`."""
        await self._stored.wait_loaded()
        found = named(self._stored, asked.tenant, asked.name, "name")
        known = self._stored.of(asked.tenant)[asked.name]
        await self._stored.delete(asked.tenant, asked.name, asked.revision)
        return _cohort(known, found, with_users=False)


class CohortUsers:
    """Answers ``query.v1.cohort_users``."""

    def __init__(self, stored: StoredCohorts, counting: ProductCounting) -> None:
        self._stored = stored
        self._counting = counting

    async def answer(self, asked: CohortUsersQuery) -> UserList:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        await self._stored.wait_loaded()
        named(self._stored, asked.tenant, asked.name, "name")
        found = await users_found(self._counting, asked.tenant, asked.name, limit=asked.limit, sample=asked.sample)
        return user_list(found)


class CohortOverlaps:
    """Answers ``query.v1.cohort_overlap``."""

    def __init__(self, stored: StoredCohorts, counting: ProductCounting) -> None:
        self._stored = stored
        self._counting = counting

    async def answer(self, asked: CohortOverlapQuery) -> CohortOverlap:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        await self._stored.wait_loaded()
        for name, field in ((asked.name, "name"), (asked.other, "other")):
            named(self._stored, asked.tenant, name, field)
        columns = COHORT + asked.name, COHORT + asked.other
        sums = np.zeros(3, np.int64)

        def add(days: Sequence[Day]) -> None:
            first, second = (_members(days, column) for column in columns)
            sums[:] += len(first), len(second), len(np.intersect1d(first, second))

        reads = Reads(0, LAST_MS, columns, by_day=True)
        with _of_all_time():
            counted = await self._counting.count(asked.tenant, _WHAT, reads, Names(), add, sample=asked.sample)
        users, other_users, both = sums.tolist()
        return CohortOverlap(as_of=counted.as_of, users=users, other_users=other_users, both=both, sampled=counted.sampled)


async def users_found(counting: ProductCounting, tenant: str, name: str, *, limit: int, sample: bool = False) -> Found:
    """The users of a cohort, among all who have an event that is stored. Raises as :meth:`ProductCounting.find` does."""
    reads = Reads(0, LAST_MS, (), by_day=True, cohort=name)
    with _of_all_time():
        return await counting.find(tenant, _WHAT, reads, Names(), users_of, limit=limit, sample=sample)


def _check_left(asked: PutCohort, left: Sequence[str]) -> None:
    """Raises :class:`QueryError` where not all are ``left`` of those who were given, and nobody of those who were found."""
    if asked.users is not None:
        kept = {*left}
        for place, user in enumerate(asked.users):
            if user not in kept:
                raise QueryError("this user was erased: leave it out", field=f"users.{place}")
    elif not left:
        raise _nobody()


def _nobody() -> QueryError:
    return QueryError("has no users at the moment", field="users_of")


@contextlib.contextmanager
def _of_all_time() -> Iterator[None]:
    """Says what an empty range means where nobody asked for one."""
    try:
        yield
    except QueryError as error:
        if error.field != "from":
            raise
        raise QueryError("no event with a user is stored yet, so no cohort has users") from None


def _members(days: Sequence[Day], column: str) -> Ints:
    """The users of whom ``column`` says that they are in a cohort."""
    found = [np.empty(0, np.int64)]
    for day in days:
        segment = day.segment
        found.append(np.unique(segment.of_rows()[segment.columns[column].codes == MEMBER]))
    return np.unique(np.concatenate(found))


def _cohort(known: Known[CohortDocument], cohort: CohortDocument, *, with_users: bool = True) -> Cohort:
    return Cohort(
        name=cohort.name,
        title=cohort.title,
        description=cohort.description,
        kind="static" if cohort.users is not None else "live",
        revision=known.revision,
        changed_ms=round(known.at * 1000),
        condition=cohort.condition,
        user_count=None if cohort.users is None else len(cohort.users),
        users=[*cohort.users] if cohort.users is not None and with_users else [],
    )
