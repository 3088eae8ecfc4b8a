"""What traces have, to be compared: attributes, versions, events, services, operations; numbers at their quantiles. Pure."""

from __future__ import annotations

import enum
import itertools
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from analytics.spans import conventions
from analytics.spans.otlp import DROPPED, STACK_TRACE
from analytics.spans.significance import Mask, Numbers
from analytics.spans.span import Attributes, Span

MIN_SUPPORT = 5
"""Traces that have a property, without which it is none to compare."""

MAX_PROPERTIES = 500_000
"""Different properties of all traces together that are remembered; further ones are not compared."""

MAX_NUMBERS = 2_000
"""Different names of numbers that are cut at quantiles."""

MAX_OF_TRACE = 5_000
"""Different properties of one trace."""

MAX_VALUE = 200
"""Characters of a value; longer ones are compared by as much."""

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
BUCKETS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

_SYMPTOM = re.compile(
    r"(?:error|exception|otel\.status|status|fault)(?:[._\-]|\Z)|.*[._\-](?:error|exception|status_?code)\Z|(?:http|grpc|rpc)\.status"
)
"""Names of attributes and events that say that an operation failed."""

_OF_THE_RESOURCE = frozenset(("service.name", "service.version", STACK_TRACE, DROPPED))
"""What is compared under another name, or says nothing."""

_NO_QUANTITY = re.compile(
    r"(?:.*[._\-])?(?:id|uuid|guid|pid|seq|sequence|offset|timestamp|ts|port|nonce|line|lineno|line_number)\Z", re.IGNORECASE
)
"""Names of numbers that are none."""

_GROWS = 0.9
"""Correlation of a number's rank with the time of its trace from which on it is a clock or a sequence."""


class Kind(enum.StrEnum):
    """What a property is about, in the order in which equal ones are named."""

    VERSION = "version"
    ATTRIBUTE = "attribute"
    NUMBER = "number"
    EVENT = "event"
    SERVICE = "service"
    OPERATION = "operation"
    MISSING_SERVICE = "missing_service"
    MISSING_OPERATION = "missing_operation"


class Property(NamedTuple):
    """Something that a trace has. ``name`` is an attribute, a service or the name of an event; ``value`` is the attribute's,
    the version, or the operation of the service."""

    kind: Kind
    name: str
    value: str = ""

    def __str__(self) -> str:
        match self.kind:
            case Kind.VERSION:
                return f"version {self.value} of {self.name}"
            case Kind.NUMBER:
                return f"{self.name} {self.value}"
            case Kind.ATTRIBUTE:
                return f"{self.name} = {self.value}"
            case Kind.EVENT:
                return f"event {self.name}"
            case Kind.SERVICE:
                return f"calls {self.name}"
            case Kind.OPERATION:
                return f"{self.name}: {self.value}"
            case Kind.MISSING_SERVICE:
                return f"no call of {self.name}"
            case Kind.MISSING_OPERATION:
                return f"{self.name}: no {self.value}"


# Members of an enumeration take long to hash, and there are many properties.
_VERSION, _ATTRIBUTE, _EVENT, _SERVICE, _OPERATION = (
    kind.value for kind in (Kind.VERSION, Kind.ATTRIBUTE, Kind.EVENT, Kind.SERVICE, Kind.OPERATION)
)
_MISSING = {_SERVICE: Kind.MISSING_SERVICE, _OPERATION: Kind.MISSING_OPERATION}


class Properties:
    """The properties of traces, which are numbered as they are added. ``symptoms``: those that say that something failed among
    them."""

    def __init__(self, *, symptoms: bool) -> None:
        self._symptoms = symptoms
        self._named: dict[str, bool] = {}
        self._starts: list[int] = []
        self._having: dict[tuple[str, str, Any], list[int]] = {}
        self._numbers: dict[str, dict[int, float]] = {}

    def add(self, spans: Sequence[Span]) -> None:
        """One trace, which has a span at least."""
        place = len(self._starts)
        self._starts.append(min(span.start_ns for span in spans))
        found: set[tuple[str, str, Any]] = set()
        resources: set[int] = set()
        for span in spans:
            if len(found) >= MAX_OF_TRACE:
                break
            service = span.service
            found.add((_SERVICE, service, ""))
            found.add((_OPERATION, service, span.operation))
            if span.resource.key not in resources:
                resources.add(span.resource.key)
                self._attributes(span.resource.attributes, found, place)
                version = span.resource.attributes.get("service.version")
                if version is not None:
                    found.add((_VERSION, service, str(version)[:MAX_VALUE]))
            self._attributes(span.attributes, found, place)
            for event in span.events:
                if self._counts(event.name) and event.name != conventions.EXCEPTION_EVENT:
                    found.add((_EVENT, event.name, ""))
                    self._attributes(event.attributes, found, place)
                elif self._symptoms:
                    found.add((_EVENT, event.name, ""))
        having = self._having
        for key in found:
            those = having.get(key)
            if those is not None:
                those.append(place)
            elif len(having) < MAX_PROPERTIES:
                having[key] = [place]

    def each(self) -> Iterable[tuple[Property, Mask]]:
        """Every property that enough of the traces have, and not all of them, with those that do."""
        yield from self._sets()
        yield from self._cuts()

    def _attributes(self, attributes: Attributes, found: set[tuple[str, str, Any]], place: int) -> None:
        for name, value in attributes.items():
            if not self._counts(name):
                continue
            kind = type(value)
            if kind is str:
                if value:
                    found.add((_ATTRIBUTE, name, value if len(value) <= MAX_VALUE else value[:MAX_VALUE]))
            elif kind is bool:
                found.add((_ATTRIBUTE, name, "true" if value else "false"))
            elif kind is int or kind is float:
                if value != value:
                    continue
                found.add((_ATTRIBUTE, name, value))
                numbers = self._numbers.get(name)
                if numbers is None:
                    if len(self._numbers) >= MAX_NUMBERS:
                        continue
                    numbers = self._numbers[name] = {}
                before = numbers.get(place)
                if before is None or value > before:
                    numbers[place] = value
            elif kind is list:
                for part in value[:20]:
                    if type(part) is str and part:
                        found.add((_ATTRIBUTE, name, part[:MAX_VALUE]))

    def _counts(self, name: str) -> bool:
        """Whether what is called ``name`` is compared; each name is looked at once."""
        known = self._named.get(name)
        if known is None:
            known = name not in _OF_THE_RESOURCE and (self._symptoms or _SYMPTOM.match(name) is None)
            if len(self._named) < MAX_PROPERTIES:
                self._named[name] = known
        return known

    def _sets(self) -> Iterable[tuple[Property, Mask]]:
        total = len(self._starts)
        for (kind, name, value), those in self._having.items():
            if MIN_SUPPORT <= len(those) < total:
                having = np.zeros(total, dtype=bool)
                having[those] = True
                said = value if type(value) is str else f"{value:g}" if type(value) is float else str(value)
                yield Property(Kind(kind), name, said), having
            if kind in _MISSING and total - len(those) >= MIN_SUPPORT:
                lacking = np.ones(total, dtype=bool)
                lacking[those] = False
                yield Property(_MISSING[kind], name, value), lacking

    def _cuts(self) -> Iterable[tuple[Property, Mask]]:
        """Numbers at their quantiles, of the traces that have them."""
        starts = np.array(self._starts, dtype=np.int64)
        for name, values in self._numbers.items():
            if len(values) < 4 * MIN_SUPPORT or _NO_QUANTITY.match(name):
                continue
            places = np.array(sorted(values), dtype=np.int64)
            numbers = np.array([float(values[place]) for place in places.tolist()])
            if len(np.unique(numbers[:1000])) < 4 or _grows(numbers, starts[places]):
                continue
            yield from _cut(name, places, numbers, len(starts))


def _cut(name: str, places: Any, numbers: Numbers, total: int) -> Iterable[tuple[Property, Mask]]:
    seen: set[bytes] = set()
    cuts: list[tuple[str, Mask]] = []
    for at in dict.fromkeys(np.quantile(numbers, QUANTILES, method="inverted_cdf").tolist()):
        cuts += [(f"≥ {at:g}", numbers >= at), (f"≤ {at:g}", numbers <= at)]
    edges = np.quantile(numbers, BUCKETS, method="inverted_cdf").tolist()
    cuts += [
        (f"{low:g} to {high:g}", (numbers >= low) & (numbers <= high)) for low, high in itertools.pairwise(edges) if low < high
    ]
    for value, inside in cuts:
        key = inside.tobytes()
        if key not in seen and MIN_SUPPORT <= int(inside.sum()) < len(numbers):
            seen.add(key)
            having = np.zeros(total, dtype=bool)
            having[places[inside]] = True
            yield Property(Kind.NUMBER, name, value), having


def _grows(numbers: Numbers, starts: Any) -> bool:
    """Whether nearly every value is another one, and they follow the time."""
    if len(np.unique(numbers)) < 0.9 * len(numbers):
        return False
    ranks, times = np.argsort(np.argsort(numbers)), np.argsort(np.argsort(starts, kind="stable"))
    return len(np.unique(starts)) > 1 and abs(float(np.corrcoef(ranks, times)[0, 1])) >= _GROWS
