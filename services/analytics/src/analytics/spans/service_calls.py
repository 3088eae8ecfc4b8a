"""Which spans of a trace are calls of whom: counts traces into service maps of minutes. Pure.

How this works
--------------
A minute into which late spans came is counted anew from all its spans. What is an edge:

* a span whose parent is of another service is a call from that service to its own. So is a SERVER below a CLIENT of the same
  service: a service that calls itself. A PRODUCER below another service's span is none, but below a CLIENT of a host: whoever
  works on a message and sends further ones goes on in its trace, and nobody has called it;
* a CLIENT or PRODUCER below which nobody else's span is calls whom its attributes name (:mod:`analytics.spans.peers`): a
  database, a cache, a broker, a model or another host. Each attempt has its own span, so each counts;
* a message has two edges, producer → broker → consumer, also where producer and consumer are in different traces; where no
  attribute names a broker, parent or links lead from the producer to the consumer;
* a CLIENT that fetches messages is a call from the broker, where no CONSUMER of its trace works on them;
* what a client library does below a call that is already counted (the HTTP request below a call of a model, the driver's span
  below the object mapper's) is no further call;
* a SERVER without parent is called from outside, one whose parent did not come by somebody who sends nothing here.

A call counts in the minute in which its caller began, by the caller's clock, with the time that the caller saw. It has failed
where either side says so. A node counts what enters it: what is called from elsewhere, and the roots of traces.
"""

from __future__ import annotations

from collections.abc import Iterable

from analytics.spans.conventions import text, whole
from analytics.spans.durations import Durations
from analytics.spans.peers import MESSAGE_COUNT, OPERATION_TYPE, UNKNOWN, Node, NodeKind, address, broker, peer_of
from analytics.spans.service_map import ServiceMap, merged
from analytics.spans.span import Span, SpanKind, SpanLink
from analytics.spans.trace import NOBODY, Origin, Trace, assemble_all

MINUTE_NS = 60_000_000_000

OUTSIDE = Node(NodeKind.ENTRY, "user")
"""Whose requests begin a trace."""

UNREPORTED = Node(NodeKind.ENTRY, "unreported")
"""Whoever hands on the context of a trace and sends no spans here."""

_INNER = frozenset({SpanKind.INTERNAL, SpanKind.UNSPECIFIED})
_CALLS = frozenset({SpanKind.CLIENT, SpanKind.PRODUCER})
_FETCHING = frozenset({"receive", "poll"})
_NO_SENDING = frozenset({"receive", "poll", "process", "settle", "ack", "create"})
"""Operations of messaging that send nothing to the broker."""


def service_maps(traces: Iterable[Trace], linked: Iterable[Span] = ()) -> dict[int, ServiceMap]:
    """The map of each minute (since 1970) in which something of ``traces`` counts. Of a trace that crosses minutes, take the
    minute that is asked for. ``linked`` are spans to which links of consumers lead, where they are of other traces, and parents
    of consumers that are not among the spans of ``traces``."""
    maps: dict[int, ServiceMap] = {}
    producers = {(span.trace_id, span.span_id): span for span in linked}
    for trace in traces:
        _Counting(trace, maps, producers).count()
    return maps


def service_map(spans: Iterable[Span], linked: Iterable[Span] = ()) -> ServiceMap:
    """The map of everything in ``spans``, which are whole traces."""
    return merged(service_maps(assemble_all(spans), linked).values())


class _Counting:
    """Counts one trace into the maps of its minutes."""

    def __init__(self, trace: Trace, maps: dict[int, ServiceMap], producers: dict[tuple[bytes, bytes], Span]) -> None:
        self._trace = trace
        self._maps = maps
        self._producers = producers
        self._services = [span.resource.service for span in trace.spans]
        self._called: list[int] = [0] * len(trace.spans)
        """How many spans of others a span has directly below it."""
        self._around: list[int] = [NOBODY] * len(trace.spans)
        """The nearest call of the same service that contains a span."""
        self._answered: set[int] = set()
        """Spans below which somebody else's span is."""
        self._by_id: dict[bytes, Span] | None = None
        self._peers: dict[int, Node] = {}
        """Whom each call is to, by its attributes; callers before what they contain."""

    def count(self) -> None:
        self._relate()
        self._count_callees()
        if self._peers:
            self._count_peers()

    def _relate(self) -> None:
        """Fills what relates the spans, parents before children."""
        services, around, peers = self._services, self._around, self._peers
        spans, parents, children = self._trace.spans, self._trace.parents, self._trace.children
        waiting = self._trace.roots
        while waiting:
            position = waiting.pop()
            span = spans[position]
            kind = span.kind
            parent = parents[position]
            if parent != NOBODY:
                if services[parent] != services[position] or _calls_itself(spans[parent], span):
                    self._called[parent] += self._is_call(parent, span)
                    if self._answers(parent, span):
                        self._answer(parent)
                elif parent in peers:
                    around[position] = parent
                elif spans[parent].kind in _INNER:
                    around[position] = around[parent]
            if kind in _CALLS or (span.attributes and kind in _INNER):
                peer = peer_of(span)
                if peer is not None:
                    peers[position] = peer
            if children[position]:
                waiting.extend(children[position])

    def _is_call(self, parent: int, span: Span) -> bool:
        """Whether the other service, whose ``span`` is below ``parent``, was called by it. A CONSUMER takes a message. A
        PRODUCER goes on in the trace of a message that it took, unless there is a CLIENT that called a host."""
        if span.kind is SpanKind.PRODUCER:
            return self._trace.spans[parent].kind is SpanKind.CLIENT and self._peers[parent].kind is NodeKind.EXTERNAL
        return span.kind is not SpanKind.CONSUMER

    def _answers(self, parent: int, span: Span) -> bool:
        """Whether ``span`` of another service is the other side of what ``parent`` calls. Who works on a message that was sent
        inside of a call of a model, a database or a named host is none of these."""
        peer = self._peers.get(parent)
        if span.kind is not SpanKind.CONSUMER or peer is None or peer.kind is NodeKind.BROKER:
            return self._is_call(parent, span) or span.kind is SpanKind.CONSUMER
        return peer.kind is NodeKind.EXTERNAL and (peer.name == UNKNOWN or broker(span.attributes) is None)

    def _answer(self, position: int) -> None:
        while position != NOBODY and position not in self._answered:
            self._answered.add(position)
            position = self._around[position]

    def _count_callees(self) -> None:
        """What each span says as the one that is called."""
        trace, services = self._trace, self._services
        spans, parents = trace.spans, trace.parents
        for position, span in enumerate(spans):
            kind, parent = span.kind, parents[position]
            if parent == NOBODY:
                self._node(span)
                if kind is SpanKind.SERVER:
                    caller = OUTSIDE if trace.origins[position] is Origin.ROOT else UNREPORTED
                    self._edge(caller, _service(span), span.start_ns, span.duration_ns, span.is_error)
                elif kind is SpanKind.CONSUMER:
                    self._count_message(position, span, self._missing_parent(position, span))
            elif services[parent] != services[position] or _calls_itself(spans[parent], span):
                self._node(span)
                if kind is SpanKind.CONSUMER:
                    self._count_message(position, span, spans[parent])
                elif self._is_call(parent, span):
                    self._count_call(spans[parent], span, alone=self._called[parent] == 1)
            elif kind is SpanKind.CONSUMER:
                self._count_message(position, span, None)

    def _count_call(self, caller: Span, callee: Span, alone: bool) -> None:
        """A call of one service by another. Where a CLIENT has made several calls, its duration is that of none of them."""
        is_client = caller.kind is SpanKind.CLIENT
        seen = caller if alone and is_client else callee
        failed = callee.is_error or seen.is_error
        found = self._edge(_service(caller), _service(callee), caller.start_ns, seen.duration_ns, failed)
        if is_client and (where := address(caller.attributes)) is not None:
            answered = found.addresses.setdefault(where, {})
            answered[callee.service] = answered.get(callee.service, 0) + 1

    def _count_message(self, position: int, span: Span, producer: Span | None) -> None:
        """Messages that a consumer takes. ``producer`` is its parent, where that sent them."""
        if any(self._trace.spans[child].kind is SpanKind.CONSUMER for child in self._trace.children[position]):
            return  # it only fetched what those work on
        callers: list[Node] = []
        through = broker(span.attributes) or (broker(producer.attributes) if producer is not None else None)
        if through is not None:
            callers.append(through)
        elif producer is not None:
            callers.append(_service(producer))
        else:
            found = [self._linked(link) for link in span.links]
            callers.extend([broker(one.attributes) or _service(one) for one in found if one is not None])
        for caller in callers:
            self._edge(caller, _service(span), span.start_ns, span.duration_ns, span.is_error)

    def _missing_parent(self, position: int, span: Span) -> Span | None:
        """The parent that is not among the spans, where it was looked for: it may have sent long before."""
        if self._trace.origins[position] is not Origin.PARENT_MISSING or span.parent_id is None:
            return None
        return self._producers.get((self._trace.trace_id, span.parent_id))

    def _linked(self, link: SpanLink) -> Span | None:
        if link.trace_id == self._trace.trace_id:
            if self._by_id is None:
                self._by_id = {span.span_id: span for span in self._trace.spans}
            return self._by_id.get(link.span_id)
        return self._producers.get((link.trace_id, link.span_id))

    def _count_peers(self) -> None:
        """What each call says of whom it calls, where no span of another service answers."""
        peers, spans = self._peers, self._trace.spans
        containers: set[int] = set()
        transport: set[int] = set()
        known: dict[int, int] = {}  # the nearest call around each that says more than an address
        for position, peer in peers.items():
            around = self._around[position]
            if around == NOBODY:
                continue
            nearest = around if peers[around].kind is not NodeKind.EXTERNAL else known.get(around, NOBODY)
            if peers[around].kind is NodeKind.EXTERNAL:
                containers.add(around)
            if nearest != NOBODY:
                known[position] = nearest
                if peers[nearest].kind is peer.kind:
                    # What a driver does inside of its call is a part of it; the driver's call inside of a mapper's is the call.
                    inner = spans[position].kind in _INNER and spans[nearest].kind in _CALLS
                    (transport.add(position) if inner and peer.kind is not NodeKind.MODEL else containers.add(nearest))
                elif peer.kind is NodeKind.EXTERNAL:
                    transport.add(position)
        for position, peer in peers.items():
            span = spans[position]
            if position in containers or position in transport:
                continue
            if peer.kind is NodeKind.BROKER:
                done = text(span.attributes, OPERATION_TYPE)
                if done in _FETCHING and span.kind is SpanKind.CLIENT:
                    self._count_fetching(span, peer)
                if done in _NO_SENDING:
                    continue
            elif position in self._answered:
                continue
            self._edge(_service(span), peer, span.start_ns, span.duration_ns, span.is_error)

    def _count_fetching(self, span: Span, through: Node) -> None:
        """Messages that a client fetches, where nothing in the trace says who works on them, and it got some."""
        if whole(span.attributes, MESSAGE_COUNT) == 0:
            return
        if not any(one.kind is SpanKind.CONSUMER and one.service == span.service for one in self._trace.spans):
            self._edge(through, _service(span), span.start_ns, span.duration_ns, span.is_error)

    def _edge(self, caller: Node, callee: Node, start_ns: int, duration_ns: int, error: bool) -> ServiceMap:
        found = self._map(start_ns)
        edge = caller, callee
        counted = found.edges.get(edge)
        if counted is None:
            counted = found.edges[edge] = Durations()
        counted.add(duration_ns, error)
        return found

    def _node(self, span: Span) -> None:
        nodes = self._map(span.start_ns).nodes
        node = _service(span)
        counted = nodes.get(node)
        if counted is None:
            counted = nodes[node] = Durations()
        counted.add(span.duration_ns, span.is_error)

    def _map(self, start_ns: int) -> ServiceMap:
        minute = start_ns // MINUTE_NS
        found = self._maps.get(minute)
        if found is None:
            found = self._maps[minute] = ServiceMap()
        return found


def _service(span: Span) -> Node:
    return Node(NodeKind.SERVICE, span.resource.service)


def _calls_itself(parent: Span, span: Span) -> bool:
    """Whether two spans of one service are the two sides of a call."""
    return (span.kind is SpanKind.SERVER and parent.kind is SpanKind.CLIENT) or (
        span.kind is SpanKind.CONSUMER and parent.kind is SpanKind.PRODUCER
    )
