"""Who calls whom, how often, how well and for how long: the service map of a minute, as sums that merge. Pure.

A map is sums by node and by edge (:mod:`analytics.spans.service_calls` counts them). Maps merge by addition, so it does not
matter how the traces were shared out or in which order they came; a trace must only be seen whole.

An attempt that fails never gets an answering span. Where it named the same address as calls that did, or the name of a service
on the map, it was a call to that service: :meth:`ServiceMap.resolved` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec
from msgspec import Struct

from analytics.spans.durations import Durations
from analytics.spans.peers import Node
from analytics.spans.same_nodes import same_nodes

OTHER = "(other)"
"""Nodes beyond the bound, together, by kind."""

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
        names = same_nodes({node.name for node in self.nodes}, [callee for _, callee in self.edges], self.addresses)
        found = ServiceMap(nodes=self.nodes)
        for (caller, callee), counted in self.edges.items():
            found.edges.setdefault((caller, names.get(callee, callee)), Durations()).merge(counted)
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
