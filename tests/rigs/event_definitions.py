"""Random metrics out of events and random events of every shape, from one source of chance."""

from __future__ import annotations

import random
from typing import Any

from drishti.events import AnalyticsEvent
from drishti.measures.definitions import EventSource, Kind, MetricDefinition
from drishti.measures.expressions.tree import Both, Compare, Condition, Either, Exists, Literals, Member, Not, Prefix

NAMES = ("plan", "seats", "geo country", "Ü", "user_id", "service")
"""Properties; the last two are also what an event says of itself."""

TEXTS = ("", "a", "ab", "b", "pro", "Ü", "5", "true", "null", "\U0001f600", "\x7f", 'q"\\', "x" * 130 + "y", "x" * 130 + "z")
NUMBERS: tuple[float | int, ...] = (
    0, 1, 5, 5.0, -3.5, 4.1, 2**53, 2**53 + 1, -(2**53) - 1, 10**19, 1e19, 10**23, 1e23, 1e150, 1.0000000000000002e150,
    10**150 + 1, -(10**150), 2**999, 2**1001, 1e300, 10**307, 1.5e308, 10**309, -(10**320), 5e-324, 1e-9, 0.1, 1 / 3, -0.0,
)  # fmt: skip
OTHERS: tuple[Any, ...] = (True, False, None, [], [5], ["a"], {}, {"plan": "a"}, [[1, {"a": None}]])

KINDS: dict[Kind, tuple[dict[str, str], ...]] = {
    Kind.COUNTER: ({}, {"value": "seats"}),
    Kind.DISTRIBUTION: ({"value": "seats"}, {"value": "plan"}),
    Kind.GAUGE: ({"value": "seats"},),
    Kind.UNIQUE: ({"unique": "user_id"}, {"unique": "plan"}),
}


def value(chance: random.Random) -> Any:
    return chance.choice(chance.choice((TEXTS, NUMBERS, OTHERS)))


def event(chance: random.Random, event_id: str, event_type: str, **fields: Any) -> AnalyticsEvent:
    data = {name: value(chance) for name in NAMES if chance.random() < 0.7}
    own = {name: chance.choice(("a", "pro", "b")) for name in ("user_id", "service", "session_id") if chance.random() < 0.6}
    return AnalyticsEvent(event_id=event_id, event_type=event_type, data=data, **own, **fields)


def literal(chance: random.Random) -> Literals:
    sort = chance.randrange(5)
    if sort == 0:
        return chance.random() < 0.5
    if sort < 3:
        return chance.choice(TEXTS)
    return float(chance.choice([number for number in NUMBERS if abs(number) < 1e308]))


def condition(chance: random.Random, depth: int = 3) -> Condition:
    sort = chance.randrange(9 if depth else 6)
    name = chance.choice(NAMES)
    if sort < 3:
        return Compare(name, chance.choice(("=", "!=", "<", "<=", ">", ">=")), literal(chance))
    if sort == 3:
        return Member(name, tuple(literal(chance) for _ in range(chance.randint(1, 3))))
    if sort == 4:
        return Prefix(name, chance.choice(TEXTS))
    if sort == 5:
        return Exists(name)
    if sort == 6:
        return Not(condition(chance, depth - 1))
    return (Both if sort == 7 else Either)(condition(chance, depth - 1), condition(chance, depth - 1))


def definition(chance: random.Random, name: str, event_type: str, dimensions: tuple[str, ...]) -> MetricDefinition:
    """``dimensions`` are labels ``d0``, ``d1`` … of the properties of these names."""
    kind = chance.choice(tuple(KINDS))
    where = str(condition(chance)) if chance.random() < 0.8 else ""
    labels = {f"d{place}": name for place, name in enumerate(dimensions)}
    source = EventSource(event=event_type, where=where, dimensions=labels, **chance.choice(KINDS[kind]))
    return MetricDefinition(name=name, kind=kind, dimensions=tuple(labels), source=source)
