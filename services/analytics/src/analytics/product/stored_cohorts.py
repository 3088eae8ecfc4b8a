"""Every tenant's cohorts, as the bucket ``cohorts`` has them now."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias, cast

import msgspec
from msgspec import Struct

from analytics.product.stored_documents import StoredDocuments
from drishti.bus.documents import Conflict
from drishti.errors import BusUnavailable
from drishti.messages.catalogue import COHORTS_BUCKET
from drishti.messages.field_types import Token
from drishti.messages.product.cohorts import MAX_BYTES, MAX_COHORTS, CohortCondition


class CohortDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A cohort as it is stored: with a ``condition``, or of ``users``, of whom none may be left."""

    name: Token
    title: str = ""
    description: str = ""
    condition: CohortCondition | None = None
    users: tuple[str, ...] | None = None


StoredCohorts: TypeAlias = StoredDocuments[CohortDocument]

_decoder = msgspec.json.Decoder(CohortDocument)


def stored_cohorts() -> StoredCohorts:
    """None before they are followed."""
    return StoredDocuments(COHORTS_BUCKET, _decode, what="cohorts", most=MAX_COHORTS, max_bytes=MAX_BYTES, largest="users")


async def erase_users(cohorts: StoredCohorts, tenant: str, users: Collection[str]) -> int:
    """Takes these ids out of the tenant's static cohorts; how often they were in one. Raises :class:`BusUnavailable`."""
    if not cohorts.loaded.is_set():
        raise BusUnavailable("the cohorts are not read yet")
    removed = 0
    for known in cohorts.of(tenant).values():
        cohort, revision = known.value, known.revision
        while cohort is not None and (named := [user for user in cohort.users or () if user in users]):
            left = tuple(user for user in cohort.users or () if user not in users)
            try:
                await cohorts.replace(tenant, msgspec.structs.replace(cohort, users=left), revision)
            except Conflict as conflict:  # somebody else has just changed it
                cohort, revision = cast("CohortDocument | None", conflict.current), conflict.revision
            else:
                removed += len(named)
                break
    return removed


def _decode(value: bytes) -> CohortDocument:
    cohort = _decoder.decode(value)
    if (cohort.condition is None) == (cohort.users is None):
        raise ValueError("it must have either a condition or users")
    return cohort
