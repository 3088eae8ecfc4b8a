"""What a service map says: rates, shares, percentiles, and one service with its neighbours."""

from __future__ import annotations

import pytest

from analytics.spans import service_map_answers
from analytics.spans.service_calls import service_map
from analytics.spans.service_map import ServiceMap
from analytics.spans.span import Span, SpanKind
from drishti.messages.service_maps import ServiceMapAnswer
from rigs.span_trees import span

CLIENT, SERVER = SpanKind.CLIENT, SpanKind.SERVER
MS = 1_000_000


def shop(trace: int) -> list[Span]:
    return [
        span(1, None, 0, 100 * MS, kind=SERVER, trace=trace),
        span(2, 1, 10 * MS, (10 + trace) * MS, kind=CLIENT, trace=trace, error=trace == 100),
        span(3, 2, 10 * MS, 11 * MS, kind=SERVER, service="api", trace=trace),
        span(4, 3, 10 * MS, 11 * MS, kind=CLIENT, service="api", trace=trace, attributes={"db.system": "redis"}),
        span(5, 1, 80 * MS, 90 * MS, kind=CLIENT, trace=trace, attributes={"db.system": "mysql", "db.name": "shop"}),
    ]


def answer(found: ServiceMap, services: str = "", covered_s: float = 60.0) -> ServiceMapAnswer:
    return service_map_answers.answer(
        found, from_ms=0, to_ms=120_000, as_of=7, complete_to=60_000, covered_s=covered_s, around=frozenset(services.split())
    )


FOUND = service_map([one for trace in range(1, 101) for one in shop(trace)])


def test_edges_have_rate_errors_percentiles_and_the_share_of_their_callers_calls() -> None:
    edges = {(edge.caller, edge.callee): edge for edge in answer(FOUND).edges}
    edge = edges["service:shop", "service:api"]
    assert (edge.share, edge.traffic.calls, edge.traffic.errors, edge.traffic.error_rate) == (0.5, 100, 1, 0.01)
    assert edge.traffic.rate == pytest.approx(100 / 60)
    assert edge.traffic.p50_ms == pytest.approx(50, rel=0.011)
    assert edge.traffic.p95_ms == pytest.approx(95, rel=0.011)
    assert edge.traffic.mean_ms == pytest.approx(50.5)
    assert edges["service:shop", "database:mysql shop"].share == 0.5


def test_every_end_of_an_edge_is_a_node_with_its_traffic() -> None:
    found = answer(FOUND)
    nodes = {node.id: node for node in found.nodes}
    assert nodes.keys() >= {end for edge in found.edges for end in (edge.caller, edge.callee)}
    assert nodes["cache:redis"].traffic.calls == 100
    assert nodes["entry:user"].traffic.calls == 0
    assert nodes["service:api"].traffic.p95_ms == pytest.approx(1, rel=0.011)
    assert service_map_answers.services(found) == ["api", "shop"]


def test_one_service_is_shown_with_whom_it_calls_and_who_calls_it() -> None:
    assert {(edge.caller, edge.callee) for edge in answer(FOUND, "api").edges} == {
        ("service:shop", "service:api"),
        ("service:api", "cache:redis"),
    }
    assert {(edge.caller, edge.callee) for edge in answer(FOUND, "api shop").edges} == {
        (edge.caller, edge.callee)
        for edge in answer(FOUND).edges
        if {edge.caller, edge.callee} & {"service:api", "service:shop"}
    }
    alone = answer(service_map([span(1, None, 0, 9)]), "shop")
    assert [node.id for node in alone.nodes] == ["service:shop"]


def test_of_a_range_of_which_nothing_is_counted_there_are_no_rates() -> None:
    assert answer(ServiceMap()).nodes == []
    assert {edge.traffic.rate for edge in answer(FOUND, covered_s=0.0).edges} == {0.0}
