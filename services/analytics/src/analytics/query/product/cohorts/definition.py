"""What a cohort's condition means at a moment, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from analytics.product.counting.cohorts import All, AnyOf, Did, Members, Metric, Not
from analytics.product.counting.conditions import column_of
from analytics.product.stored_cohorts import CohortDocument, StoredCohorts
from analytics.query.product.asked import LAST_MS, Name, Names, event_filter, names_of_filter, unknown
from drishti.errors import QueryError
from drishti.measures import time_ranges
from drishti.messages.product.cohorts import COHORT, CohortCondition, DidEvents, UserMetric
from drishti.messages.product.event_selections import EventSelection

MAX_DEPTH = 6
MAX_LEAVES = 20


class Leaf(NamedTuple):
    """A condition on events, and the field in which it stands."""

    asked: DidEvents | UserMetric
    field: str


def named(stored: StoredCohorts, tenant: str, name: str, field: str) -> CohortDocument:
    """The cohort that ``field`` names; raises :class:`QueryError` with the nearest names."""
    if (found := stored.get(tenant, name)) is None:
        raise unknown("there is no cohort of that name", name, stored.of(tenant), field)
    return found


def members_asked(condition: CohortCondition, field: str, now_ms: int) -> Members:
    """Who meets ``condition`` at ``now_ms``; raises :class:`QueryError` that says what to change."""
    if sum(1 for _ in leaves_asked(condition, field)) > MAX_LEAVES:
        raise QueryError(f"has more than {MAX_LEAVES} conditions on events: leave some out", field=field)
    return _members(condition, field, datetime.fromtimestamp(now_ms / 1000, UTC))


def names_asked(condition: CohortCondition, field: str) -> Names:
    """What ``condition`` names."""
    types, properties = list[Name](), list[Name]()
    for asked, place in leaves_asked(condition, field):
        named = names_of_filter(_selection(asked), place)
        types += named.event_types
        properties += named.properties
        if isinstance(asked, UserMetric):
            properties.append(Name(asked.property, f"{place}.property"))
    return Names(types, properties)


def leaves_asked(condition: CohortCondition, field: str, depth: int = 1) -> Iterator[Leaf]:
    """The conditions on events; raises :class:`QueryError` where they are nested too deeply."""
    if depth > MAX_DEPTH:
        raise QueryError(f"is nested more than {MAX_DEPTH} deep: ask for less in one another", field=field)
    for part, place in _parts(condition, field):
        yield from leaves_asked(part, place, depth + 1)
    if condition.did is not None:
        yield Leaf(condition.did, f"{field}.did")
    if condition.metric is not None:
        yield Leaf(condition.metric, f"{field}.metric")


def _parts(condition: CohortCondition, field: str) -> Iterator[tuple[CohortCondition, str]]:
    for name, parts in (("all", condition.all), ("any", condition.any)):
        for place, part in enumerate(parts):
            yield part, f"{field}.{name}.{place}"
    if condition.not_ is not None:
        yield condition.not_, f"{field}.not"


def _members(condition: CohortCondition, field: str, now: datetime) -> Members:
    given = [condition.all, condition.any, condition.not_, condition.did, condition.metric]
    if sum(one is not None and one != [] for one in given) != 1:
        raise QueryError("must have exactly one of `all`, `any`, `not`, `did` and `metric`", field=field)
    if condition.did is not None:
        return _did(condition.did, f"{field}.did", now)
    if condition.metric is not None:
        return _metric(condition.metric, f"{field}.metric", now)
    parts = tuple(_members(part, place, now) for part, place in _parts(condition, field))
    return Not(parts[0]) if condition.not_ is not None else All(parts) if condition.all else AnyOf(parts)


def _did(asked: DidEvents, field: str, now: datetime) -> Did:
    if asked.at_most is not None and asked.at_most < asked.at_least:
        raise QueryError("must not be less than `at_least`, which is 1 if not given", field=f"{field}.at_most")
    if asked.at_least == 0 and asked.at_most is None:
        raise QueryError("of 0 is met by everybody: give an `at_most` too, or more than 0", field=f"{field}.at_least")
    from_ms, to_ms = _range(asked, field, now)
    return Did(event_filter(_selection(asked), field), from_ms, to_ms, asked.at_least, asked.at_most)


def _metric(asked: UserMetric, field: str, now: datetime) -> Metric:
    _refuse_cohort(asked.property, f"{field}.property")
    from_ms, to_ms = _range(asked, field, now)
    events = event_filter(_selection(asked), field)
    return Metric(events, from_ms, to_ms, asked.function, column_of(asked.property), asked.op, asked.value)


def _selection(asked: DidEvents | UserMetric) -> EventSelection:
    return EventSelection(event_types=asked.event_types, where=asked.where)


def _range(asked: DidEvents | UserMetric, field: str, now: datetime) -> tuple[int, int]:
    for place, condition in enumerate(asked.where):
        _refuse_cohort(condition.property, f"{field}.where.{place}.property")
    from_ms = time_ranges.instant(asked.from_, now=now, tz=UTC, end=False, field=f"{field}.from") if asked.from_ else 0
    to_ms = time_ranges.instant(asked.to, now=now, tz=UTC, end=True, field=f"{field}.to") if asked.to else LAST_MS
    if not 0 <= from_ms < to_ms <= LAST_MS:
        raise QueryError("must lie before `to`, not before 1970, and `to` before the year 9999", field=f"{field}.from")
    return from_ms, to_ms


def _refuse_cohort(name: str, field: str) -> None:
    if name.startswith(COHORT):
        raise QueryError("cannot be a cohort within a cohort: repeat the conditions of that one", field=field)
