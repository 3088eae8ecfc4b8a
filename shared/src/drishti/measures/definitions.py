"""What a metric is: its definition, and what is wrong with one. Pure.

A **kind** decides what a rollup row holds and which fields can be asked (:mod:`drishti.measures.fields`):

============= ===============================================
kind          a row holds
============= ===============================================
counter       count, errors, sum
gauge         count, sum, min, max
distribution  count, errors, sum, min, max, histogram
unique        HyperLogLog
derived       no rows: it is computed from those of others
============= ===============================================

A metric with a **source** is drawn from events (:class:`EventSource`), by analytics, from the moment of its definition on.

A metric has the **name** that people gave it (``http.server.request.duration``) and a **token** made of it, by which subjects,
rollups and aggregates know it. Two names with one token cannot both be metrics of a tenant.
"""

from __future__ import annotations

import enum
import itertools
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from drishti.errors import DrishtiError
from drishti.measures.expressions.errors import ExpressionError
from drishti.measures.expressions.parser import parse, parse_condition
from drishti.messages import subjects

OTHER = "other"
"""The label value under which the series beyond a metric's limit are counted together."""

BUILT_IN, PACK, OTLP, TENANT = "built_in", "pack:", "otlp", "tenant"
"""Where a definition comes from: Drishti itself, one of its packs (``pack:wisdom``), metrics that arrived by OTLP, people."""

MAX_NAME = 255
MAX_UNIT = 63
"""As OpenTelemetry limits the names and units of instruments."""

MAX_DESCRIPTION = 1024
MAX_DIMENSIONS = 8
MAX_DIMENSION = 128
MAX_PUBLISHED = 16
MAX_SHARES = 8
MAX_SERIES = 10_000
MAX_LABEL = 128
"""Characters of a label's value; analytics cuts longer ones."""

FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})


class Kind(enum.StrEnum):
    """What is measured, which decides what is kept of it."""

    COUNTER = "counter"
    GAUGE = "gauge"
    DISTRIBUTION = "distribution"
    UNIQUE = "unique"
    DERIVED = "derived"


class Share(Struct, frozen=True, kw_only=True):
    """A field that is a part of the whole: the count where ``dimension`` is ``value``, over the count of all.

    ``hit_rate`` of ``cache_requests`` is the share with ``result`` ``hit``. A ratio, 0 to 1.
    """

    name: str
    dimension: str
    value: str


class EventSource(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The events that a metric is drawn from, and what is taken of each.

    Events of the type ``event`` whose properties meet ``where`` (a condition of the expression language; empty: all). Of each,
    ``value`` is a numeric property: what a distribution or a gauge measures, or what a counter sums up, which without one
    counts events. ``unique`` is the property of which a unique metric counts distinct values. ``dimensions`` says which
    property each label is taken from, where that has another name than the label.

    The properties of an event are those of its data and, where that has none of the name, its ``user_id``, ``session_id``,
    ``service`` and ``version``. An event whose property is of another type than is asked for is no observation.
    """

    event: str
    where: str = ""
    value: str = ""
    unique: str = ""
    dimensions: dict[str, str] = {}

    def __hash__(self) -> int:
        return hash((self.event, self.where, self.value, self.unique, tuple(sorted(self.dimensions.items()))))


class WatchPolicy(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the predictor looks at a metric that is watched or forecast, where its kind does not say enough.

    ``fields`` that are judged (empty: those of the kind), of the total and of each series with one of the labels ``by``
    (``None``: of every published series). ``side``: which changes are bad news (``None``: as kind, unit and ``direction``
    say). A change by less than ``smallest_change``, in the metric's unit, is none that anybody would look at. ``by_factor``: of
    a gauge that is always above zero, twice as much counts the same at every size. ``saturation`` is what its value cannot
    exceed for long.
    """

    fields: tuple[str, ...] = ()
    by: tuple[str, ...] | None = None
    side: Literal["up", "down", "both"] | None = None
    smallest_change: float | None = None
    by_factor: bool = False
    saturation: float | None = None


class MetricDefinition(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One metric.

    ``unit`` is UCUM's; what is counted is in braces (``{request}``). ``dimensions`` are the labels of its rollup rows;
    ``published`` are the label sets that go live, each a subset of the dimensions (the empty one is the total). ``shares`` are
    named parts of the count. A metric that is not ``enabled`` is not counted. ``watched``: anomalies are looked for;
    ``forecast``: it is forecast; ``watch_policy`` says how. ``max_series`` in one window; further ones are counted together as
    ``other``. ``source``: the events that it is drawn from; another source, kind or dimensions make another ``version``, which
    is counted anew.

    A KPI has the kind ``derived`` and an ``expression`` over metrics and events; a change of it is another ``version``.
    ``direction`` says whether a higher value is better (``up``) or a lower one (``down``); ``target`` is what it should reach,
    ``warn`` and ``bad`` where it begins to be doubtful and to be bad. ``owner`` answers for it.
    """

    name: str
    kind: Kind
    unit: str = "1"
    dimensions: tuple[str, ...] = ()
    description: str = ""
    published: tuple[tuple[str, ...], ...] = ((),)
    shares: tuple[Share, ...] = ()
    enabled: bool = True
    watched: bool = False
    forecast: bool = False
    watch_policy: WatchPolicy = WatchPolicy()
    max_series: Annotated[int, Meta(ge=1, le=MAX_SERIES)] = 1_000
    origin: str = TENANT
    source: EventSource | None = None
    expression: str = ""
    direction: Literal["up", "down"] = "up"
    target: float | None = None
    warn: float | None = None
    bad: float | None = None
    owner: str = ""
    version: Annotated[int, Meta(ge=1)] = 1

    @property
    def token(self) -> str:
        """What subjects, rollups and aggregates call it."""
        return token_of(self.name)

    @property
    def counted(self) -> str:
        """The unit of a count: of what the metric counts, where its unit says that."""
        return self.unit if self.unit.startswith("{") else "{observation}"

    def share(self, field: str) -> Share | None:
        """The share called ``field``, where this metric has it."""
        return next((share for share in self.shares if share.name == field), None)


token_of = lru_cache(16_384)(subjects.token)
"""The token of a metric's name; remembered, since it is asked for again and again."""


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
    limits = [(name, value) for name in ("bad", "warn", "target") if (value := getattr(definition, name)) is not None]
    if definition.direction == "down":
        limits.reverse()
    for (low, least), (high, most) in itertools.pairwise(limits):
        if least > most:
            yield Fault(high, f"must not be below {low}, as {definition.direction} is good")


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


_decoder = msgspec.json.Decoder(MetricDefinition)
_encoder = msgspec.json.Encoder()


def decode(text: bytes) -> MetricDefinition:
    """The definition in ``text``, checked; raises :class:`InvalidDefinition`."""
    try:
        definition = _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidDefinition([fault_of(error)]) from None
    if faults := check(definition):
        raise InvalidDefinition(faults)
    return definition


def encode(definition: MetricDefinition) -> bytes:
    return _encoder.encode(definition)


def given(document: object, base: MetricDefinition | None = None) -> MetricDefinition:
    """The definition that people wrote (as JSON or YAML), checked; raises :class:`InvalidDefinition`.

    Unlike :func:`decode`, which also reads what a later version stored, it refuses fields that it does not know. What is left
    out is as in ``base``, the metric that it changes, where there is one.
    """
    definition, faults = read(document, base)
    if definition is None or faults:
        raise InvalidDefinition(faults)
    return definition


def read(document: object, base: MetricDefinition | None = None) -> tuple[MetricDefinition | None, list[Fault]]:
    """The same with all that is wrong with it; ``None`` where it is so wrong that it is no definition."""
    if base is not None and isinstance(document, dict):
        document = msgspec.to_builtins(base) | document
    faults = list(_unknown_fields(document))
    try:
        definition = msgspec.convert(document, MetricDefinition)
    except (msgspec.ValidationError, RecursionError) as error:
        return None, [*faults, fault_of(error)]
    return definition, faults + check(definition)


def _unknown_fields(document: object) -> Iterator[Fault]:
    if not isinstance(document, dict):
        return
    parts: list[tuple[str, dict[Any, Any], type[Struct]]] = [("", document, MetricDefinition)]
    shares = document.get("shares")
    if isinstance(source := document.get("source"), dict):
        parts.append(("source.", source, EventSource))
    parts += [("shares.", share, Share) for share in (shares if isinstance(shares, list) else []) if isinstance(share, dict)]
    for prefix, part, model in parts:
        for name in part:
            if name not in model.__struct_fields__:
                yield Fault(
                    f"{prefix}{str(name)[:64]}", f"there is no such field; there are {', '.join(model.__struct_fields__)}"
                )


_PATH = re.compile(r" - at `\$\.?(?P<path>[^`]*)`\Z")
_MISSING = re.compile(r"required field `(?P<name>[^`]*)`")


def fault_of(error: Exception) -> Fault:
    """What msgspec said about a definition, with the field's path taken out of its text."""
    if isinstance(error, RecursionError):
        return Fault("", "nested too deeply")
    text, path = str(error), ""
    if match := _PATH.search(text):
        path, text = match["path"], text[: match.start()]
    if missing := _MISSING.search(text):
        path = f"{path}.{missing['name']}" if path else missing["name"]
    return Fault(path, text)
