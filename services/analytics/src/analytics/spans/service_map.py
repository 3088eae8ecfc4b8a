"""Who calls whom, how often, how well and for how long: the service map of a minute, from its spans. Pure.

How this works
--------------
A map is sums by node and by edge. Maps merge by addition, so it does not matter how the traces were shared out or in which
order they came; a trace must only be seen whole. A minute into which late spans came is counted anew from all its spans.

What is an edge:

* a span whose parent is of another service is a call from that service to its own. So is a SERVER below a CLIENT of the same
  service: a service that calls itself;
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

An attempt that fails never gets an answering span. Where it named the same address as calls that did, or the name of a service
on the map, it was a call to that service: :meth:`ServiceMap.resolved` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import msgspec
from msgspec import Struct

from analytics.spans.conventions import text, whole
from analytics.spans.durations import Durations
from analytics.spans.peers import MESSAGE_COUNT, OPERATION_TYPE, UNKNOWN, Node, NodeKind, address, broker, named_on, peer_of
from analytics.spans.span import Span, SpanKind, SpanLink
from analytics.spans.trace import NOBODY, Origin, Trace, assemble_all
from drishti.messages import subjects

MINUTE_NS = 60_000_000_000

OUTSIDE = Node(NodeKind.ENTRY, "user")
"""Whose requests begin a trace."""

UNREPORTED = Node(NodeKind.ENTRY, "unreported")
"""Whoever hands on the context of a trace and sends no spans here."""

OTHER = "(other)"
"""Nodes beyond the bound, together, by kind."""

_INNER = frozenset({SpanKind.INTERNAL, SpanKind.UNSPECIFIED})
_CALLS = frozenset({SpanKind.CLIENT, SpanKind.PRODUCER})
_MESSAGES = frozenset({SpanKind.PRODUCER, SpanKind.CONSUMER})
"""What a model's client reports by a bus, below its span, is worked on by others and does not answer it."""
_FETCHING = frozenset({"receive", "poll"})
_NO_SENDING = frozenset({"receive", "poll", "process", "settle", "ack", "create"})
"""Operations of messaging that send nothing to the broker."""

Edge = tuple[Node, Node]
_Key = TypeVar("_Key", Node, Edge)


class ServiceMap(Struct):
    """``nodes`` has services only: what others are is known from their edges. ``addresses`` counts which service answered at
    which address."""

    nodes: dict[Node, Durations] = {}
    edges: dict[Edge, Durations] = {}
    addresses: dict[str, dict[str, int]] = {}

    def merge(self, other: ServiceMap) -> None:
        """Takes in everything that ``other`` has counted, which stays as it is."""
        for node, counted in other.nodes.items():
            self.nodes.setdefault(node, Durations()).merge(counted)
        for edge, counted in other.edges.items():
            self.edges.setdefault(edge, Durations()).merge(counted)
        for where, services in other.addresses.items():
            held = self.addresses.setdefault(where, {})
            for service, count in services.items():
                held[service] = held.get(service, 0) + count

    def scaled(self, times: int) -> ServiceMap:
        """What a map stands for that has one trace in so many."""
        if times == 1:
            return self
        nodes = {node: counted.scaled(times) for node, counted in self.nodes.items()}
        edges = {edge: counted.scaled(times) for edge, counted in self.edges.items()}
        addresses = {
            where: {service: count * times for service, count in services.items()} for where, services in self.addresses.items()
        }
        return ServiceMap(nodes, edges, addresses)

    def resolved(self) -> ServiceMap:
        """The map with hosts that are services of the map drawn as these."""
        services = {node.name for node in self.nodes}
        names: dict[Node, Node] = {}
        for edge in self.edges:
            callee = edge[1]
            if callee.kind is NodeKind.EXTERNAL and callee not in names:
                names[callee] = self._service_at(callee, services)
        servers = self._only_servers()
        names |= servers | self._named_databases(servers)
        found = ServiceMap(nodes=self.nodes)
        for (caller, callee), counted in self.edges.items():
            found.edges.setdefault((caller, names.get(callee, callee)), Durations()).merge(counted)
        return found

    def _only_servers(self) -> dict[Node, Node]:
        """Databases by their names alone where all of one name are on one server, as far as that is known."""
        servers: dict[str, set[Node]] = {}
        for _, callee in self.edges:
            if callee.kind is NodeKind.DATABASE and named_on(callee.name)[1]:
                servers.setdefault(named_on(callee.name)[0], set()).add(callee)
        return {node: Node(NodeKind.DATABASE, name) for name, nodes in servers.items() if len(nodes) == 1 for node in nodes}

    def _named_databases(self, servers: Mapping[Node, Node]) -> dict[Node, Node]:
        """Databases of which only the system was said, as in spans that connect, by the only one of that system that is
        named, where there is only one. ``servers``: what is drawn under another name already."""
        named: dict[tuple[NodeKind, str], set[Node]] = {}
        for _, called in self.edges:
            callee = servers.get(called, called)
            if callee.kind is NodeKind.DATABASE or callee.kind is NodeKind.CACHE:
                named.setdefault((callee.kind, callee.name.partition(" ")[0]), set()).add(callee)
        found: dict[Node, Node] = {}
        for (kind, system), nodes in named.items():
            if len(nodes) == 2 and (nameless := Node(kind, system)) in nodes:
                (found[nameless],) = nodes - {nameless}
        return found

    def bounded(self, most: int) -> tuple[ServiceMap, int]:
        """The map with ``most`` nodes, edges and addresses at most, and how many nodes and edges were folded. Those with the
        most calls stay; the others go to nodes named ``(other)``, one of each kind."""
        nodes, nodes_folded = _folded(self.nodes, most, lambda node: Node(node.kind, OTHER))
        edges, edges_folded = _folded(self.edges, most, lambda edge: (Node(edge[0].kind, OTHER), Node(edge[1].kind, OTHER)))
        addresses = self.addresses
        if len(addresses) > most:
            ranked = sorted(addresses.items(), key=lambda item: (-sum(item[1].values()), item[0]))
            addresses = dict(ranked[:most])
        return ServiceMap(nodes, edges, addresses), nodes_folded + edges_folded

    def encode(self) -> bytes:
        """MessagePack: lists of nodes and edges by position in a list of names."""
        names = list(dict.fromkeys([*self.nodes, *(node for edge in self.edges for node in edge)]))
        place = {node: position for position, node in enumerate(names)}
        whole = _Encoded(
            names,
            [(place[node], counted) for node, counted in self.nodes.items()],
            [(place[caller], place[callee], counted) for (caller, callee), counted in self.edges.items()],
            self.addresses,
        )
        return msgspec.msgpack.encode(whole)

    @classmethod
    def decode(cls, data: bytes) -> ServiceMap:
        """The inverse of :meth:`encode`; raises :class:`ValueError` for anything else."""
        whole = _decoder.decode(data)
        names = whole.names
        try:
            nodes = {names[node]: counted for node, counted in whole.nodes}
            edges = {(names[caller], names[callee]): counted for caller, callee, counted in whole.edges}
        except IndexError as missing:
            raise ValueError("a service map with a node that is not in its list of names") from missing
        return cls(nodes, edges, whole.addresses)

    def _service_at(self, host: Node, services: set[str]) -> Node:
        answered = self.addresses.get(host.name)
        if answered is not None and len(answered) == 1:
            return Node(NodeKind.SERVICE, next(iter(answered)))
        name = host.name.partition(":")[0]
        first, _, rest = name.partition(".")
        # Inside of a cluster a host is called as the service is, alone or with its namespace.
        for said in (host.name, name, first if rest.split(".")[1:2] == ["svc"] or rest == "svc" else name):
            token = subjects.token(said)
            if token in services and said != UNKNOWN:
                return Node(NodeKind.SERVICE, token)
        return host


class _Encoded(Struct, array_like=True):
    names: list[Node]
    nodes: list[tuple[int, Durations]]
    edges: list[tuple[int, int, Durations]]
    addresses: dict[str, dict[str, int]]


_decoder = msgspec.msgpack.Decoder(_Encoded)


def merged(maps: Iterable[ServiceMap]) -> ServiceMap:
    """All of ``maps`` in one, which leaves them as they are."""
    whole = ServiceMap()
    for part in maps:
        whole.merge(part)
    return whole


def _folded(counted: dict[_Key, Durations], most: int, other: Callable[[_Key], _Key]) -> tuple[dict[_Key, Durations], int]:
    if len(counted) <= most:
        return counted, 0
    ranked = sorted(counted.items(), key=lambda item: (-item[1].calls, item[0]))
    kept = dict(ranked[:most])
    folded: dict[_Key, Durations] = {}
    for key, durations in ranked[most:]:
        folded.setdefault(other(key), Durations()).merge(durations)
    for key, durations in folded.items():
        if key in kept:
            durations.merge(kept[key])
        kept[key] = durations
    return kept, len(ranked) - most


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
                    self._called[parent] += 1
                    if kind not in _MESSAGES or not self._calls_model(parent):
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

    def _calls_model(self, position: int) -> bool:
        """Whether a span is a call of a model. Messages below it are about the call; no model has sent them."""
        return position in self._peers and self._peers[position].kind is NodeKind.MODEL

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
                elif kind is not SpanKind.PRODUCER or not self._calls_model(parent):
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
