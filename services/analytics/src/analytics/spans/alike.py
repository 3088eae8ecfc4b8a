"""Many spans out of OTLP at the least cost: what was seen in another span is not read again. Pure.

How this works
--------------
A span's bytes begin with what is different on every span: its ids, and after its name and kind its times. What follows
(attributes, status, flags) is the same bytes on most spans of an operation. There are three ways, the quickest first:

1. Where the bytes are laid out as every SDK's library writes them, the beginning is read in place, and name, kind and all that
   follows are looked up as they are.
2. Where something among them is new, the attributes are looked up one by one as bytes. Those that are the span's own
   (:mod:`.common_attributes`) and that nothing here asks for (:mod:`.derived`) are passed over; with the others equal, all that
   follows from them is known.
3. What is not known then, or has more than others (events, links, too much of something), is read as
   :mod:`.otlp` reads a span by itself.

What is known is forgotten every minute, and bounded: beyond the bound everything is read as in the third way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from struct import Struct as Packing
from typing import Any, NamedTuple

from msgspec import Struct
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue

from analytics.spans import otlp, otlp_parts
from analytics.spans.common_attributes import CommonAttributes
from analytics.spans.derived import AskedAttributes, derive
from analytics.spans.operation_limit import OTHER, OperationLimit
from analytics.spans.operations import operation_of
from analytics.spans.otlp import (
    DROPPED,
    MAX_ATTRIBUTES,
    NO_SPAN,
    NO_TRACE,
    WrongSpan,
    read_attribute,
    read_attributes,
    read_span,
)
from analytics.spans.span import Attributes, Derived, Resource, Scope, Span, SpanKind, Status
from drishti.events import MAX_NS

MAX_KNOWN = 30_000
"""Attributes, and sets of them, that are remembered."""

MAX_VALUES = 1_000
"""Values of one attribute that are remembered: of more, as ids have them, few come again."""

MAX_SETS = 128
"""Sets of attributes of spans of one name and kind that are remembered."""

MAX_BYTES = 4_096
"""Of an attribute, and of a span but for its ids and times, that is remembered."""

OperationId = Callable[[str, str, str, SpanKind, Scope], int]
"""Of a tenant, service, operation, kind and instrumentation library, the id of the operation."""

_FIRST_THAT_FOLLOWS = 9 << 3
"""The smallest first byte of a field behind the times: attributes are field 9."""

_times = Packing("<xQxQ").unpack_from
_NONE: frozenset[str] = frozenset()


class Read(NamedTuple):
    """A span, or why it cannot be right; with the bytes and the scope that it came in."""

    span: Span | str
    raw: bytes
    scope: InstrumentationScope


class _Pair(Struct, eq=False, gc=False):
    """An attribute. Equal ones that are remembered are one object; ``is_known`` says that this is one."""

    name: str
    value: Any
    is_known: bool


class _Known(Struct, eq=False, gc=False):
    """What spans that are alike have in common. ``attributes`` and ``own`` are without what is looked up span by span."""

    derived: Derived
    operation_id: int
    common: int
    own: Attributes


class _Whole(Struct, eq=False, gc=False):
    """A span but for its ids and times."""

    name: str
    kind: SpanKind
    status: Status
    status_message: str
    flags: int
    attributes: Attributes
    known: _Known


class _Shape:
    """Spans of one name and kind. ``passed_over``: names of attributes that are looked up span by span."""

    __slots__ = ("asked", "known", "passed_over")

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.passed_over: frozenset[str] = _NONE
        self.known: dict[tuple[_Pair, ...], _Known] = {}


class _Group:
    """Spans of one tenant, service and instrumentation library."""

    __slots__ = ("shapes", "wholes")

    def __init__(self) -> None:
        self.shapes: dict[tuple[str, SpanKind, bool], _Shape] = {}
        self.wholes: dict[bytes, _Whole] = {}


class _Memory:
    """What is known at the moment."""

    def __init__(self) -> None:
        self.groups: dict[tuple[str, str, Scope], _Group] = {}
        self.pairs: dict[bytes, _Pair] = {}
        self.size = 0
        self._values: dict[str, int] = {}

    @property
    def is_full(self) -> bool:
        return self.size >= MAX_KNOWN

    def group(self, tenant: str, service: str, scope: Scope) -> _Group:
        key = (tenant, service, scope)
        group = self.groups.get(key)
        if group is None:
            group = _Group()
            if not self.is_full:
                self.groups[key] = group
                self.size += 1
        return group

    def pair(self, raw: bytes) -> _Pair:
        """An attribute that is not known yet."""
        name, value = _short_text(raw) or read_attribute(KeyValue.FromString(raw))
        values = self._values.get(name, 0)
        if values >= MAX_VALUES or len(raw) > MAX_BYTES or self.is_full:
            return _Pair(name, value, False)
        self._values[name] = values + 1
        self.size += 1
        pair = self.pairs[raw] = _Pair(name, value, True)
        return pair


class SpanReader:
    """Reads the spans of messages, shares out their attributes, and remembers what comes again."""

    def __init__(self, operation_id: OperationId) -> None:
        self._operation_id = operation_id
        self._common = CommonAttributes()
        self._limit = OperationLimit()
        self._memory = _Memory()

    @property
    def known(self) -> int:
        """How much is remembered, of :data:`MAX_KNOWN`."""
        return self._memory.size

    def forget_quiet(self) -> None:
        """To be called every minute."""
        self._memory = _Memory()
        self._common.forget_quiet()
        self._limit.age()

    def read(self, tenant: str, message: Any) -> Iterator[Read]:
        """The spans of a message (:data:`.otlp_parts.ResourceSpans`), in its order. Raises
        :class:`google.protobuf.message.DecodeError` at one that is no span."""
        memory = self._memory
        resource = otlp.read_resource(message.resource)
        for scope_spans in message.scope_spans:
            given = scope_spans.scope
            scope = otlp.read_scope(given)
            group = memory.group(tenant, resource.service, scope)
            for raw in scope_spans.spans[:]:
                span = _in_place(raw, group.wholes, resource, scope)
                if span is None:
                    try:
                        span = self._read(tenant, raw, memory, group, resource, scope)
                    except WrongSpan as wrong:
                        yield Read(str(wrong), raw, given)
                        continue
                yield Read(span, raw, given)

    def _read(self, tenant: str, raw: bytes, memory: _Memory, group: _Group, resource: Resource, scope: Scope) -> Span:
        message = otlp_parts.Span.FromString(raw)
        raws = message.attributes[:]
        if len(raws) > MAX_ATTRIBUTES:
            span = read_span(message, resource, scope, *read_attributes(map(KeyValue.FromString, raws)))
            return self._by_itself(tenant, span)
        known_pairs = memory.pairs
        pairs = [known_pairs.get(one) or memory.pair(one) for one in raws]
        span = read_span(message, resource, scope, {pair.name: pair.value for pair in pairs})
        if DROPPED in span.attributes:  # not what the pairs say
            return self._by_itself(tenant, span)
        place = (span.name, span.kind, not pairs)
        shape = group.shapes.get(place)
        if shape is None:
            if memory.is_full:
                return self._by_itself(tenant, span)
            shape = group.shapes[place] = _Shape()
            memory.size += 1
        passed_over = shape.passed_over
        key = tuple([pair for pair in pairs if pair.name not in passed_over]) if passed_over else tuple(pairs)
        known = shape.known.get(key)
        if known is not None:
            _take(span, known)
            if len(key) == len(pairs):
                _remember(raw, memory, group, span, known)
            else:
                span.own = {**known.own, **{pair.name: pair.value for pair in pairs if pair.name in passed_over}}
            return span
        new = [pair.name for pair in key if not pair.is_known]
        if memory.is_full or len(shape.known) >= MAX_SETS or (new and shape.asked.issuperset(new)):
            return self._by_itself(tenant, span, passed_over)
        return self._learn(tenant, span, pairs, shape, memory)

    def _by_itself(self, tenant: str, span: Span, own_names: Set[str] = _NONE) -> Span:
        span.operation = operation_of(span.name, span.kind, span.attributes)
        derived = derive(span, span.attributes, span.operation)
        derived, operation_id = self._admitted(tenant, span, derived)
        common, own = self._common.share(tenant, operation_id, span.name, span.attributes, own_names)
        return _take(span, _Known(derived, operation_id, common, own))

    def _learn(self, tenant: str, span: Span, pairs: list[_Pair], shape: _Shape, memory: _Memory) -> Span:
        """As :meth:`_by_itself`; remembers it, and what is to be passed over."""
        asking = AskedAttributes(span.attributes)
        derived = derive(span, asking)
        if asking.all_asked:
            return self._by_itself(tenant, span, shape.passed_over)
        derived, operation_id = self._admitted(tenant, span, derived)
        shape.asked |= asking.asked
        passed_over = (shape.passed_over | self._common.own_names(operation_id)) - shape.asked
        if passed_over != shape.passed_over:
            memory.size -= len(shape.known)
            shape.known, shape.passed_over = {}, passed_over
        common, own = self._common.share(tenant, operation_id, span.name, span.attributes, passed_over)
        _take(span, _Known(derived, operation_id, common, own))
        key = tuple([pair for pair in pairs if pair.name not in passed_over])
        if all([pair.is_known for pair in key]):
            rest = {name: value for name, value in own.items() if name not in passed_over}
            shape.known[key] = _Known(derived, operation_id, common, rest)
            memory.size += 1
        return span

    def _admitted(self, tenant: str, span: Span, derived: Derived) -> tuple[Derived, int]:
        """``derived`` and the id of the operation; of one too many, those of :data:`OTHER`."""
        operation_id = self._operation_id(tenant, span.service, derived.operation, span.kind, span.scope)
        if self._limit.admits(tenant, operation_id):
            return derived, operation_id
        derived = derive(span, span.attributes, OTHER)
        return derived, self._operation_id(tenant, span.service, OTHER, span.kind, span.scope)


def _take(span: Span, known: _Known) -> Span:
    """Gives ``span`` what is known."""
    span.derived = known.derived
    span.operation = known.derived.operation
    span.operation_id = known.operation_id
    span.common = known.common
    span.own = known.own
    return span


def _short_text(raw: bytes) -> tuple[str, str] | None:
    """Name and value of an attribute that is a short text laid out as usual: most of those that are new are."""
    begins = raw[1] + 2 if len(raw) > 1 else 0  # of the value's bytes
    size = len(raw) - begins - 4
    if not 0 <= size < 126 or begins > 129 or raw[0] != 0x0A or raw[begins : begins + 4] != bytes((0x12, size + 2, 0x0A, size)):
        return None
    try:
        name, value = raw[2:begins].decode(), raw[begins + 4 :].decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in value or "\0" in name else (name, value)


def _layout(raw: bytes) -> tuple[int, int, int] | None:
    """Where in a span's bytes its name and kind begin, its times begin, and what follows begins; ``None`` where it is not laid
    out as usual: trace id, span id, perhaps a parent's id, name, perhaps a kind, and two times, each once."""
    try:
        if raw[:2] != b"\n\x10" or raw[18:20] != b"\x12\x08":
            return None
        name = 38 if raw[28:30] == b'"\x08' else 28
        size = raw[name + 1]
        if raw[name] != 0x2A or size > 0x7F:
            return None
        times = name + 2 + size
        if raw[times] == 0x30:
            if raw[times + 1] > 0x7F:
                return None
            times += 2
        if raw[times] != 0x39 or raw[times + 9] != 0x41 or len(raw) < times + 18:
            return None
    except IndexError:
        return None
    return name, times, times + 18


def _in_place(raw: bytes, wholes: dict[bytes, _Whole], resource: Resource, scope: Scope) -> Span | None:
    """The span in ``raw``, where everything in it but ids and times is known, and these are right."""
    places = _layout(raw)
    if places is None:
        return None
    name, times, rest = places
    whole = wholes.get(raw[name:times] + raw[rest:])
    if whole is None:
        return None
    start, end = _times(raw, times)
    trace_id, span_id = raw[2:18], raw[20:28]
    if not 0 < start <= end <= MAX_NS or trace_id == NO_TRACE or span_id == NO_SPAN:
        return None
    parent: bytes | None = raw[30:38] if name == 38 else None
    known = whole.known
    derived = known.derived
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_id=None if parent == NO_SPAN else parent,
        resource=resource,
        name=whole.name,
        operation=derived.operation,
        kind=whole.kind,
        start_ns=start,
        duration_ns=end - start,
        status=whole.status,
        status_message=whole.status_message,
        attributes=whole.attributes,
        scope=scope,
        flags=whole.flags,
        common=known.common,
        own=known.own,
        operation_id=known.operation_id,
        derived=derived,
    )


def _remember(raw: bytes, memory: _Memory, group: _Group, span: Span, known: _Known) -> None:
    """Remembers all of ``span`` but its ids and times, where that is possible."""
    places = _layout(raw)
    if places is None or span.events or span.links or span.trace_state or memory.is_full:
        return
    name, times, rest = places
    follows = raw[rest:]
    # What follows must say nothing of what is read before it. Written again it is the same only where each field is there once,
    # in its order, and the first one is none of those.
    if len(follows) > MAX_BYTES or (follows and follows[0] < _FIRST_THAT_FOLLOWS):
        return
    if otlp_parts.Span.FromString(follows).SerializeToString() != follows:
        return
    memory.size += 1
    group.wholes[raw[name:times] + follows] = _Whole(
        span.name, span.kind, span.status, span.status_message, span.flags, span.attributes, known
    )
