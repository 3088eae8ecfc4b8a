"""What a service map says to people: rates, shares and percentiles of its nodes and edges. Pure."""

from __future__ import annotations

from collections.abc import Set

from analytics.spans.durations import Durations, merged
from analytics.spans.peers import Node, NodeKind
from analytics.spans.service_map import Edge, ServiceMap
from drishti.messages.service_maps import MapEdge, MapNode, ServiceMapAnswer, Traffic

MS_NS = 1_000_000

MAX_EDGES = 1_000
"""Nodes and edges of one answer; the others are drawn together."""


def answer(
    found: ServiceMap,
    *,
    from_ms: int,
    to_ms: int,
    as_of: int,
    complete_to: int,
    covered_s: float,
    around: Set[str] = frozenset(),
) -> ServiceMapAnswer:
    """The answer from all that was counted in ``[from_ms, to_ms)``, which came in ``covered_s`` seconds; with ``around``, of
    these services and their neighbours."""
    drawn, folded = found.resolved().bounded(MAX_EDGES)
    outgoing: dict[Node, int] = {}
    incoming: dict[Node, list[Durations]] = {}
    for (caller, callee), counted in drawn.edges.items():
        outgoing[caller] = outgoing.get(caller, 0) + counted.calls
        incoming.setdefault(callee, []).append(counted)
        incoming.setdefault(caller, [])
    traffic = {node: merged(calls) for node, calls in incoming.items()} | drawn.nodes
    edges = {edge: counted for edge, counted in drawn.edges.items() if not around or _touches(edge, around)}
    shown = {node for edge in edges for node in edge}
    nodes = {node: counted for node, counted in traffic.items() if not around or node in shown or _is_of(node, around)}
    return ServiceMapAnswer(
        from_ms=from_ms,
        to_ms=to_ms,
        as_of=as_of,
        complete_to=complete_to,
        covered_s=covered_s,
        nodes=[
            MapNode(id=_id(node), kind=node.kind.value, name=node.name, traffic=_traffic(counted, covered_s))
            for node, counted in sorted(nodes.items(), key=lambda item: (-item[1].calls, item[0]))
        ],
        edges=[
            MapEdge(
                caller=_id(caller),
                callee=_id(callee),
                share=counted.calls / outgoing[caller],
                traffic=_traffic(counted, covered_s),
            )
            for (caller, callee), counted in sorted(edges.items(), key=lambda item: (-item[1].calls, item[0]))
        ],
        folded=folded,
    )


def services(found: ServiceMapAnswer) -> list[str]:
    """The tokens of the services in an answer."""
    return [node.name for node in found.nodes if node.kind == "service"]


def _id(node: Node) -> str:
    return f"{node.kind}:{node.name}"


def _is_of(node: Node, services: Set[str]) -> bool:
    return node.kind is NodeKind.SERVICE and node.name in services


def _touches(edge: Edge, services: Set[str]) -> bool:
    return _is_of(edge[0], services) or _is_of(edge[1], services)


def _traffic(counted: Durations, seconds: float) -> Traffic:
    if not counted.calls:
        return Traffic()
    return Traffic(
        calls=counted.calls,
        errors=counted.errors,
        rate=counted.calls / seconds if seconds else 0.0,
        error_rate=counted.errors / counted.calls,
        mean_ms=counted.mean_ns() / MS_NS,
        p50_ms=counted.quantile_ns(0.5) / MS_NS,
        p95_ms=counted.quantile_ns(0.95) / MS_NS,
        p99_ms=counted.quantile_ns(0.99) / MS_NS,
    )
