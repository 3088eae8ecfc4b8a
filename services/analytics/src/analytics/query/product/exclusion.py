"""The rules by which people are left out: what they say, and changing them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec
import numpy as np

from analytics.product.people.exclusion import Rule
from analytics.product.segments.reading import days_with_events
from analytics.product.segments.segment import Ints
from analytics.query.product.asked import conditions_of
from analytics.query.sessions import Sessions
from analytics.storage.database import Session
from analytics.storage.rows import epoch_ms
from drishti.errors import QueryError
from drishti.messages.product.cohorts import COHORT
from drishti.messages.product.conditions import PropertyCondition
from drishti.messages.product.exclusion import USER_ID, Exclusion, ExclusionQuery, ExclusionRule, SetExclusion

MOST_IDS = 200_000
"""Users whose ids may begin with a text that a rule names."""

_LAST_REVISION = 2**31 - 1
"""Of those that the table can have: no later one is there, either."""

_LAST_CHARACTER = "\U0010ffff"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[ExclusionRule]).decode


class ExclusionAnswers:
    """Answers ``query.v1.exclusion``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: ExclusionQuery) -> Exclusion:
        """Raises :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            return await _stored(session, asked.tenant)


class ExclusionChanges:
    """Answers ``query.v1.set_exclusion``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: SetExclusion) -> Exclusion:
        """The rules that hold now. Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        _check(asked.rules)
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            given = (asked.tenant, _encode(asked.rules).decode(), min(asked.revision, _LAST_REVISION))
            changed = await session.execute("put_exclusion_rules", *given)
            stored = await _stored(session, asked.tenant)
        if not changed:
            raise QueryError(
                f"somebody else changed the rules: revision {stored.revision} is there, look at it and try again",
                "conflict",
                "revision",
            )
        return stored


async def rules_of(session: Session, tenant: str) -> list[Rule]:
    """The rules of ``tenant``, in the snapshot of the session; raises :class:`QueryError` where one names too many ids."""
    stored = await _stored(session, tenant)
    return [await _rule(session, tenant, rule) for rule in stored.rules]


async def _stored(session: Session, tenant: str) -> Exclusion:
    found = await session.fetch("exclusion_rules", tenant)
    if not found:
        return Exclusion(rules=[], revision=0)
    (record,) = found
    return Exclusion(rules=_decode(record["rules"]), revision=record["revision"], changed_ms=epoch_ms(record["changed_at"]))


def _check(rules: Sequence[ExclusionRule]) -> None:
    for place, rule in enumerate(rules):
        field = f"rules.{place}"
        if rule.name in {other.name for other in rules[:place]}:
            raise QueryError("is the name of another rule", field=f"{field}.name")
        if not rule.where and not rule.bots:
            raise QueryError("must be a list of at least one condition, or `bots` be true", field=f"{field}.where")
        conditions_of(rule.where, f"{field}.where")
        for number, condition in enumerate(rule.where):
            if condition.property.startswith(COHORT):
                raise QueryError(
                    "cannot be a cohort: give its conditions, or ask with `cohort`", field=f"{field}.where.{number}.property"
                )
            if condition.property == USER_ID and condition.op not in ("=", "in", "prefix"):
                raise QueryError("ids are compared by `=`, `in` and `prefix`", field=f"{field}.where.{number}.op")
            if condition.property == USER_ID and condition.op != "in" and not condition.value:
                raise QueryError("must be an id, or its beginning", field=f"{field}.where.{number}.value")


async def _rule(session: Session, tenant: str, rule: ExclusionRule) -> Rule:
    ids = [await _hashes(session, tenant, one, rule.name) for one in rule.where if one.property == USER_ID]
    others = [one for one in rule.where if one.property != USER_ID]
    return Rule(conditions_of(others, "where"), ids, rule.bots)


async def _hashes(session: Session, tenant: str, condition: PropertyCondition, rule: str) -> Ints:
    if condition.op == "prefix":
        days = await days_with_events(session, date.min, date.max)
        between = (condition.value, condition.value + _LAST_CHARACTER)
        found = await session.fetch("hashes_between", tenant, days, *between, MOST_IDS + 1)
        if len(found) > MOST_IDS:
            raise QueryError(
                f"the rule `{rule}` leaves out more than {MOST_IDS:,} users by the beginning of their ids: "
                "use a property of their events instead"
            )
    else:
        ids = condition.values if condition.op == "in" else [condition.value]
        found = await session.fetch("id_hashes", ids)
    return np.sort(np.array([record["hash"] for record in found], np.int64))
