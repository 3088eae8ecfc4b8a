"""What questions about users have in common, as it is asked: ranges, conditions and names. Raises what says what to change."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from analytics.product.counting.conditions import Condition, column_of
from analytics.product.counting.events import EventFilter
from analytics.product.segments.event_rows import FIELDS
from analytics.product.segments.reading import KnownNames
from analytics.product.segments.segment import ANY, OF_ACCOUNT, OF_USER, PROPERTY
from drishti.errors import QueryError
from drishti.messages.product.cohorts import COHORT
from drishti.messages.product.conditions import PropertyCondition, wrong_comparison
from drishti.messages.product.event_selections import EventSelection

LAST_MS = 253_370_764_800_000
"""The beginning of the year 9999: PostgreSQL and Python know no day after it."""


class Name(NamedTuple):
    """A name, and the field of the question that has it."""

    name: str
    field: str


class Names(NamedTuple):
    """What a question calls by name."""

    event_types: Sequence[Name] = ()
    properties: Sequence[Name] = ()


def check_range(from_ms: int, to_ms: int, *, beyond_ms: int = 0) -> None:
    """Raises :class:`QueryError` where ``[from_ms, to_ms)`` is none, or ends too late for ``beyond_ms`` after it."""
    if not 0 <= from_ms < to_ms:
        raise QueryError("must lie before `to`, and not before 1970", field="from")
    if to_ms + beyond_ms > LAST_MS:
        raise QueryError("must lie before the year 9998", field="to")


def conditions_of(asked: Sequence[PropertyCondition], field: str) -> tuple[Condition, ...]:
    """The conditions that are asked for in ``field``; raises :class:`QueryError`."""
    return tuple(_condition(one, f"{field}.{place}") for place, one in enumerate(asked))


def names_of(asked: Sequence[PropertyCondition], field: str) -> list[Name]:
    """The properties that these conditions name."""
    return [Name(one.property, f"{field}.{place}.property") for place, one in enumerate(asked)]


class _ByValue(Protocol):
    """A question about the users of a value of its break-down."""

    @property
    def breakdown(self) -> str: ...
    @property
    def value(self) -> str | None: ...
    @property
    def without_value(self) -> bool: ...


def values_chosen(asked: _ByValue) -> list[str | None]:
    """The one value of the break-down that is asked for, ``None`` for none, or nothing if all are; raises
    :class:`QueryError`."""
    if not asked.without_value and asked.value is None:
        return []
    if not asked.breakdown:
        raise QueryError("is needed, to choose by its value", field="breakdown")
    if asked.without_value and asked.value is not None:
        raise QueryError("cannot be chosen together with a value", field="without_value")
    return [asked.value]


def event_filter(asked: EventSelection, field: str, also: Sequence[PropertyCondition] = ()) -> EventFilter:
    """The events that ``field`` asks for, which must also meet the conditions of ``where``; raises :class:`QueryError`."""
    conditions = conditions_of(asked.where, f"{field}.where") + conditions_of(also, "where")
    return EventFilter(tuple(asked.event_types), conditions)


def names_of_filter(asked: EventSelection, field: str) -> Names:
    """What this names."""
    types = [Name(name, f"{field}.event_types.{place}") for place, name in enumerate(asked.event_types)]
    return Names(types, names_of(asked.where, f"{field}.where"))


def _condition(asked: PropertyCondition, field: str) -> Condition:
    if wrong := wrong_comparison(asked):
        part, error = wrong
        raise QueryError(error, field=f"{field}.{part}")
    return Condition(column_of(asked.property), asked.op, tuple(asked.values) if asked.op == "in" else (asked.value,))


async def check_names(known: KnownNames, asked: Names) -> None:
    """Raises :class:`QueryError` at the first name that no event of the tenant has, with the nearest that some have. Names of
    cohorts are no such names."""
    types = await known.event_types()
    if {name for name, _ in asked.event_types} - types:
        types |= await known.new_event_types()
    for name, field in asked.event_types:
        if name not in types:
            raise unknown("no event of this type with a user was stored", name, types, field)
    of_people = [one for one in asked.properties if one.name.startswith((OF_USER, OF_ACCOUNT))]
    people = await known.of_people() if of_people else set()
    for name, field in of_people:
        if name not in people:
            raise unknown("no user or account has had this property", name, people, field)
    properties = [one for one in asked.properties if not one.name.startswith((COHORT, OF_USER, OF_ACCOUNT))]
    missing = {column_of(name) for name, _ in properties} - {*FIELDS}
    if not missing:
        return
    columns = await known.columns()
    if missing - columns:
        columns |= await known.new_columns()
    if missing := missing - columns:
        name, field = next(one for one in properties if column_of(one.name) in missing)
        omitted = await known.omitted()
        if column_of(name) in omitted:
            raise QueryError(
                "is not kept by user, since events of some days have too many properties: ask without it", field=field
            )
        kept = ", as far as is known: some days have too many to remember" if ANY in omitted else ""
        raise unknown(f"no event with a user has this property{kept}", name, map(shown, columns), field)


def shown(column: str) -> str:
    """What people call a column."""
    return column.removeprefix(PROPERTY)


def unknown(text: str, name: str, known: Iterable[str], field: str) -> QueryError:
    """The error about a name that is not among ``known``."""
    nearest = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6)
    hint = f": is it {' or '.join(nearest)}?" if nearest else ""
    return QueryError(text + hint, "unknown", field, nearest=nearest)
