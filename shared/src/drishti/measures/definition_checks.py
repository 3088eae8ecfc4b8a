"""What is wrong with the definition of a metric: every reason at once, each with its field and, in a text, the place. Pure."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator
from typing import Protocol

import msgspec
from msgspec import Struct

from drishti.errors import DrishtiError
from drishti.measures.definitions import (
    BUILT_IN,
    MAX_DESCRIPTION,
    MAX_DIMENSION,
    MAX_DIMENSIONS,
    MAX_LABEL,
    MAX_NAME,
    MAX_PUBLISHED,
    MAX_RETENTION_DAYS,
    MAX_SERIES,
    MAX_SHARES,
    MAX_UNIT,
    OTLP,
    PACK,
    TENANT,
    EventSource,
    Kind,
    MetricDefinition,
    WatchPolicy,
    token_of,
)
from drishti.measures.expressions.errors import ExpressionError
from drishti.measures.expressions.parser import parse, parse_condition
from drishti.messages import subjects
from drishti.messages.field_types import Token

FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})


class Fault(Struct, frozen=True, omit_defaults=True):
    """What is wrong with one field of a definition; ``character`` counts from 0 where a place in its text is to blame."""

    field: str
    error: str
    character: int | None = None


class InvalidDefinition(DrishtiError):
    """A definition cannot be taken; ``faults`` lists every reason."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("; ".join(f"{fault.field}: {fault.error}" if fault.field else fault.error for fault in faults))


_token = msgspec.json.Decoder(Token)


def checked_tenant(tenant: str) -> str:
    """``tenant``, which may be one; raises :class:`InvalidDefinition`."""
    try:
        return _token.decode(msgspec.json.encode(tenant))
    except msgspec.ValidationError:
        error = f"{tenant[:64]!r} cannot be a tenant: use 1 to 64 of a-z, 0-9, _ and -"
        raise InvalidDefinition([Fault("tenant", error)]) from None


def check(definition: MetricDefinition) -> list[Fault]:
    """Everything that is wrong with ``definition`` by itself; empty where nothing is."""
    return list(_faults(definition))


def check_against(definition: MetricDefinition, base: MetricDefinition) -> list[Fault]:
    """What ``definition`` changes of ``base``, a metric that Drishti itself feeds, and may not."""
    what = "built in" if base.origin == BUILT_IN else f"of the pack {base.origin.removeprefix(PACK)}"
    return [
        Fault(field, f"{base.name} is {what}: its {field} is {_shown(getattr(base, field))} and cannot be changed")
        for field in ("name", "kind", "unit", "dimensions")
        if getattr(definition, field) != getattr(base, field)
    ]


def _faults(definition: MetricDefinition) -> Iterator[Fault]:
    name = definition.name
    if error := _text(name, MAX_NAME, least=1):
        yield Fault("name", *error)
    elif token_of(name) == subjects.UNKNOWN:
        yield Fault("name", "needs a letter or a digit")
    if error := _unit(definition.unit):
        yield Fault("unit", *error)
    if error := _text(definition.description, MAX_DESCRIPTION):
        yield Fault("description", *error)
    if not 1 <= definition.max_series <= MAX_SERIES:
        yield Fault("max_series", f"must be 1 to {MAX_SERIES}")
    if definition.retention_days is not None:
        if not 1 <= definition.retention_days <= MAX_RETENTION_DAYS:
            yield Fault("retention_days", f"must be 1 to {MAX_RETENTION_DAYS} days")
        elif definition.kind is Kind.DERIVED:
            yield Fault(
                "retention_days", "a KPI is computed when it is asked for: set it on the metrics that it is computed from"
            )
    yield from _dimension_faults(definition)
    yield from _share_faults(definition)
    yield from _kpi_faults(definition)
    yield from _watch_faults(definition.watch_policy)
    if definition.source is not None:
        yield from _source_faults(definition, definition.source)
    if not _origin(definition.origin):
        yield Fault("origin", f"must be one of {BUILT_IN}, {PACK}<name>, {OTLP}, {TENANT}")


def _dimension_faults(definition: MetricDefinition) -> Iterator[Fault]:
    dimensions = definition.dimensions
    if len(dimensions) > MAX_DIMENSIONS:
        yield Fault("dimensions", f"{len(dimensions)} are more than {MAX_DIMENSIONS}")
        return
    if len(set(dimensions)) < len(dimensions):
        yield Fault("dimensions", "each may be there once")
    for dimension in dimensions:
        if error := _text(dimension, MAX_DIMENSION, least=1):
            yield Fault("dimensions", error[0])
    published = definition.published
    if () not in published:
        yield Fault("published", "must hold the empty label set, which is the total")
    if len(published) > MAX_PUBLISHED:
        yield Fault("published", f"{len(published)} label sets are more than {MAX_PUBLISHED}")
        return
    if len({frozenset(labels) for labels in published}) < len(published) or any(len(set(p)) < len(p) for p in published):
        yield Fault("published", "each label set may be there once, and each label in it once")
    for labels in published:
        for label in labels:
            if label not in dimensions:
                yield Fault("published", f"{_cut(label)} is none of the dimensions")
                return


def _share_faults(definition: MetricDefinition) -> Iterator[Fault]:
    shares = definition.shares
    if not shares:
        return
    if definition.kind not in (Kind.COUNTER, Kind.DISTRIBUTION):
        yield Fault("shares", f"a {definition.kind} has no count to take a share of")
    if len(shares) > MAX_SHARES:
        yield Fault("shares", f"{len(shares)} are more than {MAX_SHARES}")
        return
    if len({share.name for share in shares}) < len(shares):
        yield Fault("shares", "each name may be there once")
    for share in shares:
        if not FIELD_NAME.match(share.name):
            yield Fault("shares.name", f"{_cut(share.name)} must be 1 to 64 of a-z, 0-9 and _, and begin with a letter")
        elif share.name in RESERVED_FIELDS or re.fullmatch(r"p[0-9_]+", share.name):
            yield Fault("shares.name", f"{share.name} means something else already")
        if share.dimension not in definition.dimensions:
            yield Fault("shares.dimension", f"{_cut(share.dimension)} is none of the dimensions")
        if error := _text(share.value, MAX_LABEL, least=1):
            yield Fault("shares.value", error[0])


def _watch_faults(policy: WatchPolicy) -> Iterator[Fault]:
    for name, most in (("fields", MAX_SHARES), ("by", MAX_DIMENSIONS)):
        if len(getattr(policy, name) or ()) > most:
            yield Fault(f"watch_policy.{name}", f"more than {most}")
    for field in policy.fields:
        if error := _text(field, MAX_DIMENSION, least=1):
            yield Fault("watch_policy.fields", *error)
    if policy.smallest_change is not None and policy.smallest_change < 0:
        yield Fault("watch_policy.smallest_change", "must not be below 0")


def _kpi_faults(definition: MetricDefinition) -> Iterator[Fault]:
    if definition.kind is not Kind.DERIVED:
        for name in ("expression", "owner"):
            if getattr(definition, name):
                yield Fault(name, "is for the kind derived only")
        for name in ("target", "warn", "bad"):
            if getattr(definition, name) is not None:
                yield Fault(name, "is for the kind derived only")
        return
    for name in ("source", "dimensions", "shares"):
        if getattr(definition, name):
            yield Fault(name, "a derived metric has none: it is computed from others")
    if definition.origin != TENANT:
        yield Fault("kind", f"{definition.name} is not computed from others: give the KPI another name")
    if error := _text(definition.owner, MAX_NAME):
        yield Fault("owner", *error)
    try:
        parsed = parse(definition.expression)
        if not parsed.places:
            yield Fault("expression", "needs a term, such as count(feedback)", 0)
    except ExpressionError as error_of:
        yield Fault("expression", error_of.message, error_of.at)
    yield from limit_faults(definition)


class Limited(Protocol):
    """What has a target, and from where on it is a warning and bad."""

    @property
    def direction(self) -> str: ...
    @property
    def target(self) -> float | None: ...
    @property
    def warn(self) -> float | None: ...
    @property
    def bad(self) -> float | None: ...


def limit_faults(limited: Limited) -> Iterator[Fault]:
    """Limits must follow each other in the direction that is good."""
    limits = [(name, value) for name in ("bad", "warn", "target") if (value := getattr(limited, name)) is not None]
    if limited.direction == "down":
        limits.reverse()
    for (low, least), (high, most) in itertools.pairwise(limits):
        if least > most:
            yield Fault(high, f"must not be below {low}, as {limited.direction} is good")


def _source_faults(definition: MetricDefinition, source: EventSource) -> Iterator[Fault]:
    if definition.origin != TENANT:
        yield Fault("source", f"{definition.name} is not drawn from events that a tenant chooses: give the metric another name")
    if not EVENT_TYPE.match(source.event):
        yield Fault("source.event", "must be 1 to 64 of a-z, 0-9, _ and -, as the type of an event is")
    if source.where:
        try:
            parse_condition(source.where)
        except ExpressionError as error:
            yield Fault("source.where", error.message, error.at)
    if definition.kind is Kind.DERIVED:
        return
    needs = {Kind.DISTRIBUTION: "value", Kind.GAUGE: "value", Kind.UNIQUE: "unique"}.get(definition.kind, "")
    for field, may in (("value", definition.kind is not Kind.UNIQUE), ("unique", definition.kind is Kind.UNIQUE)):
        name = getattr(source, field)
        if name and not may:
            yield Fault(f"source.{field}", f"a {definition.kind} has none")
        elif not name and needs == field:
            yield Fault(f"source.{field}", f"a {definition.kind} needs the property that it is taken from")
        elif name and (error_of := _text(name, MAX_DIMENSION)):
            yield Fault(f"source.{field}", *error_of)
    for label, name in source.dimensions.items():
        if label not in definition.dimensions:
            yield Fault("source.dimensions", f"{_cut(label)} is none of the dimensions")
        if error_of := _text(name, MAX_DIMENSION, least=1):
            yield Fault("source.dimensions", *error_of)


EVENT_TYPE = re.compile(r"[a-z0-9_-]{1,64}\Z")
RESERVED_FIELDS = frozenset(
    {"count", "rate", "errors", "error_rate", "sum", "sum_rate", "avg", "min", "max", "uniques", "share", "value", "metric"}
)
"""Names that a share cannot have: they are fields of metrics already, or will be."""


def _text(text: str, most: int, *, least: int = 0) -> tuple[str, int | None] | None:
    """What is wrong with a text for people, and at which character."""
    if len(text) < least:
        return "must not be empty", None
    if len(text) > most:
        return f"{len(text)} characters are more than {most}", most
    if text != text.strip():
        return "must not begin or end with a space", 0 if text[:1].isspace() else len(text) - 1
    for place, character in enumerate(text):
        if unicodedata.category(character) in _INVISIBLE:
            return f"must not contain the invisible character U+{ord(character):04X}", place
    return None


def _unit(unit: str) -> tuple[str, int | None] | None:
    """What is wrong with a unit of UCUM, as far as its characters and braces say."""
    if not unit:
        return "must not be empty: 1 where the metric has no unit", None
    if len(unit) > MAX_UNIT:
        return f"{len(unit)} characters are more than {MAX_UNIT}", MAX_UNIT
    inside = False
    for place, character in enumerate(unit):
        if not "!" <= character <= "~":
            return "must be a unit of UCUM, printable ASCII without spaces: ms, By, 1, {request}", place
        if character in "{}":
            if inside is (character == "{"):
                return "a brace has no partner: what is counted stands in braces, {request}", place
            inside = not inside
    return ("a brace has no partner: what is counted stands in braces, {request}", unit.rindex("{")) if inside else None


def _origin(origin: str) -> bool:
    return origin in (BUILT_IN, OTLP, TENANT) or (origin.startswith(PACK) and bool(FIELD_NAME.match(origin[len(PACK) :])))


def _shown(value: object) -> str:
    return ", ".join(value) or "none" if isinstance(value, tuple) else str(value)


def _cut(text: str) -> str:
    """A name of a caller's inside an error message."""
    return repr(text if len(text) <= 64 else text[:63] + "…")
