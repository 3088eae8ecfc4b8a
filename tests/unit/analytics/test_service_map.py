"""Who calls whom: each shape of call, real traces against an independent count, and any order and split of the traces."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.spans.durations import Durations
from analytics.spans.peers import Node, NodeKind
from analytics.spans.service_calls import service_map, service_maps
from analytics.spans.service_map import ServiceMap, merged
from analytics.spans.span import Span, SpanKind, SpanLink
from analytics.spans.trace import assemble_all
from rigs import jaeger_dump
from rigs.span_trees import BEGIN_NS, span, span_id

CLIENT, SERVER, PRODUCER, CONSUMER = SpanKind.CLIENT, SpanKind.SERVER, SpanKind.PRODUCER, SpanKind.CONSUMER
KAFKA = {"messaging.system": "kafka", "messaging.destination.name": "orders"}
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}


def calls(*spans: Span, linked: tuple[Span, ...] = ()) -> dict[str, int]:
    """Edges of the resolved map: ``"shop > postgresql shop"`` to how many calls."""
    found = service_map(spans, linked).resolved()
    return {f"{caller.name} > {callee.name}": counted.calls for (caller, callee), counted in found.edges.items()}


def test_a_client_and_its_server_are_one_call_with_the_duration_that_the_client_saw() -> None:
    found = service_map(
        [
            span(1, None, 0, 100, kind=SERVER),
            span(2, 1, 10, 90, kind=CLIENT),
            span(3, 2, 20, 70, kind=SERVER, service="api", error=True),
        ]
    )
    edge = found.edges[Node(NodeKind.SERVICE, "shop"), Node(NodeKind.SERVICE, "api")]
    assert (edge.calls, edge.errors, edge.total_ns) == (1, 1, 80)
    assert found.edges[Node(NodeKind.ENTRY, "user"), Node(NodeKind.SERVICE, "shop")].calls == 1
    assert found.nodes[Node(NodeKind.SERVICE, "api")] == Durations(1, 1, 50, found.nodes[Node(NodeKind.SERVICE, "api")].buckets)


def test_a_service_alone_is_a_node() -> None:
    found = service_map([span(1, None, 0, 100), span(2, 1, 10, 90)])
    assert [(node.name, counted.calls) for node, counted in found.nodes.items()] == [("shop", 1)]
    assert not found.edges


@pytest.mark.parametrize(
    ("attributes", "kind", "name"),
    [
        ({"db.system.name": "postgresql", "db.namespace": "shop"}, NodeKind.DATABASE, "postgresql shop"),
        ({"db.system": "mysql", "db.name": "shop", "net.peer.name": "10.0.0.1"}, NodeKind.DATABASE, "mysql shop"),
        ({"db.system": "mongodb", "server.address": "db1", "server.port": 27017}, NodeKind.DATABASE, "mongodb db1:27017"),
        ({"db.system": "redis", "db.namespace": "0", "server.address": "cache"}, NodeKind.CACHE, "redis cache"),
        (KAFKA, NodeKind.BROKER, "kafka orders"),
        ({"messaging.system": "nats", "messaging.destination": "a.b"}, NodeKind.BROKER, "nats a.b"),
        (
            {"messaging.system": "nats", "messaging.destination.name": "_INBOX.x", "messaging.destination.temporary": True},
            NodeKind.BROKER,
            "nats (temporary)",
        ),
        (CHAT | {"server.address": "api.openai.com"}, NodeKind.MODEL, "openai gpt-4o"),
        ({"gen_ai.system": "anthropic", "gen_ai.request.model": "haiku"}, NodeKind.MODEL, "anthropic haiku"),
        ({"db.system": "postgres", "db.name": "shop"}, NodeKind.DATABASE, "postgresql shop"),
        ({"celery.action": "apply_async", "messaging.destination": "mails"}, NodeKind.BROKER, "celery mails"),
        ({"gen_ai.system": "openai.chat", "gen_ai.request.model": "gpt-4o"}, NodeKind.MODEL, "openai gpt-4o"),
        ({"faas.invoked_name": "resize-image", "faas.invoked_provider": "aws"}, NodeKind.EXTERNAL, "resize-image"),
        ({"server.address": "API.example.com.", "server.port": 443}, NodeKind.EXTERNAL, "api.example.com"),
        ({"peer.service": "payments", "server.address": "10.0.0.7"}, NodeKind.EXTERNAL, "payments"),
        ({"url.full": "https://Hooks.example.com/x?y=1"}, NodeKind.EXTERNAL, "hooks.example.com"),
        ({"http.url": "http://user:secret@example.com:8080/x"}, NodeKind.EXTERNAL, "example.com:8080"),
        ({"http.url": "http://[broken/x"}, NodeKind.EXTERNAL, "unknown"),
        ({"rpc.system": "grpc", "rpc.service": "shop.Payments"}, NodeKind.EXTERNAL, "shop.Payments"),
        ({}, NodeKind.EXTERNAL, "unknown"),
    ],
)
def test_a_call_that_nobody_answers_goes_to_whom_its_attributes_name(
    attributes: dict[str, object], kind: NodeKind, name: str
) -> None:
    found = service_map([span(1, None, 0, 9), span(2, 1, 1, 8, kind=CLIENT, attributes=attributes, error=True)])
    assert {edge[1]: (counted.calls, counted.errors) for edge, counted in found.edges.items()} == {Node(kind, name): (1, 1)}


def test_a_model_is_called_by_spans_of_any_kind_but_not_by_agents() -> None:
    assert calls(
        span(1, None, 0, 9, attributes=CHAT | {"gen_ai.operation.name": "invoke_agent"}, kind=CLIENT),
        span(2, 1, 1, 8, attributes={"llm.model_name": "gpt-4o", "llm.provider": "openai", "openinference.span.kind": "LLM"}),
    ) == {"shop > openai gpt-4o": 1}


def test_messages_about_a_call_of_a_model_do_not_answer_it() -> None:
    model = span(2, 1, 1, 8, attributes=CHAT, kind=CLIENT)
    reported = span(3, 2, 5, 7, attributes=KAFKA, kind=CONSUMER, service="analytics")
    published = span(4, 2, 6, 7, attributes=KAFKA, kind=PRODUCER, service="analytics")
    found = calls(span(1, None, 0, 9), model, reported, published)
    assert (found["shop > openai gpt-4o"], found["kafka orders > analytics"], found["analytics > kafka orders"]) == (1, 1, 1)
    assert "shop > analytics" not in found
    assert "shop > openai gpt-4o" not in calls(span(1, None, 0, 9), model, span(3, 2, 2, 7, kind=SERVER, service="models"))


def test_what_a_client_does_below_a_call_is_no_further_call() -> None:
    assert calls(
        span(1, None, 0, 99, attributes=CHAT),
        span(2, 1, 1, 8, attributes=CHAT, kind=CLIENT),
        span(3, 2, 2, 7, attributes={"server.address": "api.openai.com"}, kind=CLIENT),
        span(4, 3, 2, 7),
        span(5, 4, 2, 7, attributes={"server.address": "api.openai.com"}, kind=CLIENT),
        span(6, 2, 1, 2, attributes={"db.system": "redis"}, kind=CLIENT),
    ) == {"shop > openai gpt-4o": 1, "shop > redis": 1}
    sql = {"db.system": "postgresql", "db.name": "shop"}
    mapper, driver = span(1, None, 0, 9, attributes=sql, kind=CLIENT), span(2, 1, 1, 8, attributes=sql, kind=CLIENT)
    assert calls(mapper, driver) == {"shop > postgresql shop": 1}


def test_a_database_is_called_by_spans_of_no_kind_too_and_what_a_driver_does_inside_is_no_further_call() -> None:
    sql = {"db.system": "postgresql", "db.name": "shop"}
    assert calls(span(1, None, 0, 9, kind=SERVER), span(2, 1, 1, 8, attributes=sql)) == {
        "user > shop": 1,
        "shop > postgresql shop": 1,
    }
    query, fetch, decode = span(1, None, 0, 9, attributes=sql, kind=CLIENT), span(2, 1, 1, 4), span(3, 1, 5, 8)
    fetch.attributes = decode.attributes = sql
    assert calls(query, fetch, decode) == {"shop > postgresql shop": 1}


def test_a_database_whose_name_is_not_said_is_the_only_one_of_its_system() -> None:
    connect = span(1, None, 0, 9, kind=CLIENT, attributes={"db.system": "postgresql"}, trace=1)
    shop, bank = (
        span(1, None, 0, 9, kind=CLIENT, attributes={"db.system": "postgresql", "db.name": name}, trace=trace)
        for trace, name in ((2, "shop"), (3, "bank"))
    )
    assert calls(connect, shop) == {"shop > postgresql shop": 2}
    assert calls(connect, shop, bank) == {"shop > postgresql": 1, "shop > postgresql shop": 1, "shop > postgresql bank": 1}


def test_messages_that_a_client_fetches_come_from_the_broker() -> None:
    receive = KAFKA | {"messaging.operation.type": "receive", "messaging.operation.name": "poll"}
    fetched = span(1, None, 0, 9, kind=CLIENT, attributes=receive, service="worker")
    assert calls(fetched) == {"kafka orders > worker": 1}
    assert calls(span(1, None, 0, 9, kind=CLIENT, attributes=receive | {"messaging.batch.message_count": 0})) == {}
    assert calls(fetched, span(2, 1, 1, 8, kind=CONSUMER, attributes=KAFKA, service="worker")) == {"kafka orders > worker": 1}


def test_each_attempt_is_a_call_and_those_that_nobody_answered_went_to_whom_had_the_address() -> None:
    where = {"server.address": "10.0.0.7", "server.port": 8080}
    assert calls(
        span(1, None, 0, 99, kind=CLIENT, attributes=where),
        span(2, 1, 0, 9, kind=CLIENT, attributes=where, error=True),
        span(3, 1, 10, 19, kind=CLIENT, attributes=where, error=True),
        span(4, 1, 20, 29, kind=CLIENT, attributes=where),
        span(5, 4, 21, 28, kind=SERVER, service="api"),
    ) == {"shop > api": 3}


@pytest.mark.parametrize("host", ["api", "API", "api.prod.svc.cluster.local", "api.prod.svc", "api:8080"])
def test_a_host_called_as_a_service_is_that_service(host: str) -> None:
    server = span(7, None, 0, 9, kind=SERVER, service="api", trace=2)
    client = span(1, None, 0, 9, kind=CLIENT, attributes={"server.address": host}, error=True)
    assert calls(server, client) == {"user > api": 1, "shop > api": 1}


def test_an_address_of_many_services_is_none_of_them() -> None:
    where = {"server.address": "ingress"}
    spans = [span(n, None, 0, 9, kind=CLIENT, attributes=where, trace=n) for n in (1, 2, 3)]
    spans += [span(9, n, 1, 8, kind=SERVER, service=f"api{n}", trace=n) for n in (1, 2)]
    assert calls(*spans) == {"shop > api1": 1, "shop > api2": 1, "shop > ingress": 1}


def test_one_client_span_with_many_answers_is_as_many_calls_with_their_own_durations() -> None:
    found = service_map(
        [
            span(1, None, 0, 100, kind=CLIENT, error=True),
            span(2, 1, 1, 9, kind=SERVER, service="api", error=True),
            span(3, 1, 20, 40, kind=SERVER, service="api"),
        ]
    )
    (edge,) = found.edges.values()
    assert (edge.calls, edge.errors, edge.total_ns) == (2, 1, 28)


def test_a_service_that_calls_itself_has_an_edge_to_itself() -> None:
    found = service_map([span(1, None, 0, 9, kind=SERVER), span(2, 1, 1, 8, kind=CLIENT), span(3, 2, 2, 7, kind=SERVER)])
    assert {(a.name, b.name): counted.calls for (a, b), counted in found.edges.items()} == {
        ("user", "shop"): 1,
        ("shop", "shop"): 1,
    }
    assert found.nodes[Node(NodeKind.SERVICE, "shop")].calls == 2


def test_messages_pass_through_the_broker_by_parent_and_by_link() -> None:
    sent = span(2, 1, 1, 2, kind=PRODUCER, attributes=KAFKA)
    root = span(1, None, 0, 9, kind=SERVER)
    expected = {"user > shop": 1, "shop > kafka orders": 1, "kafka orders > worker": 1}
    assert calls(root, sent, span(3, 2, 20, 30, kind=CONSUMER, service="worker", attributes=KAFKA)) == expected
    link = (SpanLink(sent.trace_id, sent.span_id, {}),)
    assert calls(root, sent, span(4, None, 20, 30, kind=CONSUMER, service="worker", attributes=KAFKA, links=link, trace=2)) == (
        expected
    )
    silent = span(4, None, 20, 30, kind=CONSUMER, service="worker", links=link, trace=2)
    assert calls(root, sent, silent, linked=(sent,)) == expected
    assert calls(root, sent, span(3, 2, 20, 30, kind=CONSUMER, service="worker")) == expected


def test_without_a_broker_the_producer_calls_the_consumer() -> None:
    assert calls(span(1, None, 0, 9, kind=PRODUCER), span(2, 1, 5, 20, kind=CONSUMER, service="worker")) == {"shop > worker": 1}
    sent = span(1, None, 0, 9)
    silent = span(2, None, 5, 20, kind=CONSUMER, service="worker", links=(SpanLink(sent.trace_id, span_id(1), {}),), trace=2)
    assert calls(sent, silent, linked=(sent,)) == {"shop > worker": 1}


def test_who_sends_messages_in_the_trace_of_a_message_was_not_called() -> None:
    took = span(2, 1, 20, 30, kind=CONSUMER, service="analytics", attributes=KAFKA)
    sums = {"messaging.system": "nats", "messaging.destination.name": "SUMS"}
    for kind in (SERVER, SpanKind.INTERNAL):
        sent = span(3, 1, 40, 50, kind=PRODUCER, service="analytics", attributes=sums)
        found = calls(span(1, None, 0, 9, kind=kind), took, sent)
        assert (found.get("shop > analytics"), found["kafka orders > analytics"], found["analytics > nats SUMS"]) == (
            None,
            1,
            1,
        )


def test_who_answers_a_request_by_sending_a_message_alone_was_called() -> None:
    asked = span(1, None, 0, 9, kind=CLIENT, attributes={"server.address": "orders.example"})
    assert calls(asked, span(2, 1, 1, 8, kind=PRODUCER, service="orders", attributes=KAFKA)) == {
        "shop > orders": 1,
        "orders > kafka orders": 1,
    }


@pytest.mark.parametrize(
    ("attributes", "callee"),
    [
        ({"server.address": "api.example.com"}, "api.example.com"),
        ({"db.system": "redis"}, "redis"),
        (CHAT, "openai gpt-4o"),
    ],
)
def test_who_works_on_a_message_that_was_sent_inside_of_a_call_does_not_answer_the_call(
    attributes: dict[str, object], callee: str
) -> None:
    call = span(1, None, 0, 9, kind=CLIENT, attributes=attributes)
    took = span(2, 1, 5, 7, kind=CONSUMER, service="analytics", attributes=KAFKA)
    assert calls(call, took) == {f"shop > {callee}": 1, "kafka orders > analytics": 1}


def test_messages_to_nobody_who_is_named_are_no_call() -> None:
    assert calls(span(1, None, 0, 9), span(2, 1, 1, 2, kind=PRODUCER)) == {}


def test_a_client_whose_server_answered_has_one_answer_beside_messages() -> None:
    asked = span(1, None, 0, 100, kind=CLIENT, attributes={"server.address": "api"})
    served = span(2, 1, 10, 50, kind=SERVER, service="api")
    took = span(3, 1, 60, 70, kind=CONSUMER, service="worker", attributes=KAFKA)
    edge = service_map([asked, served, took]).edges[Node(NodeKind.SERVICE, "shop"), Node(NodeKind.SERVICE, "api")]
    assert (edge.calls, edge.total_ns) == (1, 100)


def test_messages_fetched_at_once_count_when_they_are_worked_on() -> None:
    fetched = span(1, None, 0, 9, kind=CONSUMER, service="worker", attributes=KAFKA | {"messaging.operation": "receive"})
    worked = [span(n, 1, n, n + 1, kind=CONSUMER, service="worker", attributes=KAFKA) for n in (2, 3, 4)]
    assert calls(fetched, *worked) == {"kafka orders > worker": 3}


def test_a_service_sends_itself_messages() -> None:
    assert calls(span(1, None, 0, 9, kind=PRODUCER, attributes=KAFKA), span(2, 1, 20, 30, kind=CONSUMER, attributes=KAFKA)) == {
        "shop > kafka orders": 1,
        "kafka orders > shop": 1,
    }


def test_whose_parent_did_not_come_is_called_by_somebody_who_reports_nothing() -> None:
    assert calls(span(2, 1, 0, 9, kind=SERVER)) == {"unreported > shop": 1}


def test_a_call_counts_in_the_minute_of_its_caller_whatever_the_clock_of_the_callee() -> None:
    minute = 60_000_000_000
    traces = assemble_all(
        [
            span(1, None, 0, 9, kind=CLIENT),
            span(2, 1, -5 * minute, -5 * minute + 4, kind=SERVER, service="api"),
            span(3, None, minute, minute + 5, kind=CLIENT, trace=2),
            span(4, 3, minute + 1, minute + 2, kind=SERVER, service="api", trace=2),
        ]
    )
    first = BEGIN_NS // minute
    maps = service_maps(traces)
    assert {at - first: sum(edge.calls for edge in found.edges.values()) for at, found in maps.items()} == {0: 1, -5: 0, 1: 1}


def test_beyond_the_bound_the_smallest_are_one_and_nothing_is_lost() -> None:
    hosts = ["host1"] * 100 + [f"host{number % 40}" for number in range(101, 301)]
    spans = [
        span(1, None, 0, 9, kind=CLIENT, trace=number, attributes={"server.address": host})
        for number, host in enumerate(hosts, 1)
    ]
    found, folded = service_map(spans).bounded(10)
    assert folded == 30
    assert len(found.edges) == 11
    assert sum(edge.calls for edge in found.edges.values()) == 300
    assert found.edges[Node(NodeKind.SERVICE, "shop"), Node(NodeKind.EXTERNAL, "host1")].calls == 105


def test_what_was_encoded_comes_back_and_anything_else_is_refused() -> None:
    found = service_map([span(1, None, 0, 9, kind=CLIENT, attributes=CHAT), span(2, None, 0, 9, kind=SERVER, trace=2)])
    assert ServiceMap.decode(found.encode()) == found
    for bad in (b"", b"\x93", found.encode()[:-3], b"\x94\x90\x91\x92\x07\x94\x00\x00\x00\x80\x90\x80"):
        with pytest.raises(ValueError, match=r".+"):
            ServiceMap.decode(bad)


def test_the_map_of_recorded_traces_is_an_independent_count_of_their_edges(drishti_data: Path) -> None:
    (dump,) = (drishti_data / "deathstarbench").glob("*.json.gz")
    found = service_map(jaeger_dump.read(dump))
    counted = Counter({(caller.name, callee.name): edge.calls for (caller, callee), edge in found.edges.items()})
    assert counted == jaeger_dump.count_edges(dump)
    assert len(found.nodes) == 12


SERVICES = st.sampled_from(["a", "b", "c"])
ATTRIBUTES = st.sampled_from([{}, {}, KAFKA, CHAT, {"db.system": "redis"}, {"server.address": "b"}, {"server.address": "x"}])


@st.composite
def many_traces(draw: st.DrawFn) -> list[Span]:
    spans: list[Span] = []
    for trace in range(1, draw(st.integers(1, 4)) + 1):
        for number in range(1, draw(st.integers(1, 8)) + 1):
            start = draw(st.integers(0, 200_000_000_000))
            linked = draw(st.sampled_from(spans)) if spans and draw(st.booleans()) else None
            spans.append(
                span(
                    number,
                    draw(st.none() | st.integers(1, 8)),
                    start,
                    start + draw(st.integers(0, 1000)),
                    trace=trace,
                    service=draw(SERVICES),
                    kind=draw(st.sampled_from(SpanKind)),
                    attributes=draw(ATTRIBUTES),
                    error=draw(st.booleans()),
                    links=() if linked is None else (SpanLink(linked.trace_id, linked.span_id, {}),),
                )
            )
    return spans


@given(many_traces(), st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_any_order_and_any_split_by_trace_give_one_map(spans: list[Span], seed: int) -> None:
    shuffled = list(spans)
    random.Random(seed).shuffle(shuffled)
    linked = [one for trace in assemble_all(spans) for one in trace.spans]
    parts = [[one for one in shuffled if one.trace_id[-1] % 3 == replica] for replica in range(3)]
    maps = [service_maps(assemble_all(part), linked=linked) for part in parts]
    whole = service_maps(assemble_all(spans), linked=linked)
    assert whole.keys() == {minute for found in maps for minute in found}
    for minute, found in whole.items():
        stored = [ServiceMap.decode(part[minute].encode()) for part in maps if minute in part]
        assert merged(stored) == found
    between = Counter(
        (caller.name, callee.name)
        for found in whole.values()
        for (caller, callee), counted in found.edges.items()
        for _ in range(counted.calls)
        if caller.kind is NodeKind.SERVICE is callee.kind and caller != callee
    )
    assert between == _pairs(linked)


def _pairs(spans: list[Span]) -> Counter[tuple[str, str]]:
    """Parents and children of two services, but for messages through a broker, and senders in the trace of others."""
    found: Counter[tuple[str, str]] = Counter()
    for trace in assemble_all(spans):
        for position, one in enumerate(trace.spans):
            parent = None if position in trace.origins else trace.spans[trace.parents[position]]
            if one.kind is CONSUMER:
                if any(trace.spans[child].kind is CONSUMER for child in trace.children[position]):
                    continue
                sender = parent if parent is not None and parent.service != one.service else None
                own = parent if parent is not None and parent.service == one.service and parent.kind is PRODUCER else None
                if "messaging.system" in one.attributes or (sender and "messaging.system" in sender.attributes):
                    continue
                if sender is None and own is None:
                    for link in one.links:
                        linked = next(
                            other for other in spans if (other.trace_id, other.span_id) == (link.trace_id, link.span_id)
                        )
                        if "messaging.system" not in linked.attributes and linked.service != one.service:
                            found[linked.service, one.service] += 1
                    continue
                parent = sender
            if parent is not None and parent.service != one.service:
                host = not (parent.attributes.keys() - {"server.address"})
                found[parent.service, one.service] += one.kind is not PRODUCER or (parent.kind is CLIENT and host)
    return found


NAMES = st.sampled_from(
    [
        "db.system", "db.name", "messaging.system", "messaging.operation", "messaging.destination.name", "server.address",
        "server.port", "url.full", "http.host", "peer.service", "rpc.service", "gen_ai.request.model", "gen_ai.operation.name",
        "gen_ai.system", "openinference.span.kind", "messaging.destination.temporary",
    ]
)  # fmt: skip
VALUES = st.one_of(
    st.text(max_size=20), st.integers(), st.booleans(), st.none(), st.lists(st.text(max_size=3)), st.just("a:b:1")
)


@given(st.lists(st.tuples(st.sampled_from(SpanKind), st.dictionaries(NAMES, VALUES, max_size=6)), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_attributes_of_any_type_are_read(given_spans: list[tuple[SpanKind, dict[str, object]]]) -> None:
    spans = [
        span(place + 1, place or None, place, 90 - place, kind=kind, attributes=attributes, service=f"s{place % 2}")
        for place, (kind, attributes) in enumerate(given_spans)
    ]
    found = service_map(spans)
    assert ServiceMap.decode(found.encode()) == found
    assert all(len(node.name) <= 128 for edge in found.resolved().edges for node in edge)


def databases(*hosts: str | None) -> set[str]:
    """The databases that are drawn where each host is asked for one of the same name."""
    named = {"db.system.name": "postgresql", "db.namespace": "shop"}
    spans = [
        span(place, None, 0, 10, kind=CLIENT, trace=place, attributes=named | ({"server.address": host} if host else {}))
        for place, host in enumerate(hosts, 1)
    ]
    return {callee.name for _, callee in service_map(spans).resolved().edges if callee.kind is NodeKind.DATABASE}


def test_databases_of_one_name_on_two_servers_are_two() -> None:
    assert databases("orders-db.internal", "billing-db.internal") == {
        "postgresql shop on orders-db",
        "postgresql shop on billing-db",
    }
    assert databases("orders-db", "billing-db", None) == {
        "postgresql shop",
        "postgresql shop on orders-db",
        "postgresql shop on billing-db",
    }


@pytest.mark.parametrize(
    "hosts",
    [
        ("orders-db.internal", "orders-db.internal", None),
        ("pg-0.pg.shop.svc.cluster.local", "pg-1.pg.shop.svc.cluster.local", "pg"),
        ("pg-rw", "pg-ro", "pg-r"),
        ("orders-primary", "orders-replica-2"),
        ("db1", "db2"),
        ("10.0.0.7", "10.0.0.8", "2001:db8::1", "[2001:db8::2]"),
        ("orders-db", "10.0.0.7"),
    ],
)
def test_neither_replicas_nor_addresses_of_pods_make_a_database_several(hosts: tuple[str | None, ...]) -> None:
    assert databases(*hosts) == {"postgresql shop"}


def test_a_map_of_minutes_tells_servers_apart_that_are_in_different_ones() -> None:
    named = {"db.system.name": "postgresql", "db.namespace": "shop"}
    minutes = [
        service_map([span(1, None, 0, 10, kind=CLIENT, attributes=named | {"server.address": host})]).encode()
        for host in ("orders", "billing")
    ]
    found = merged(ServiceMap.decode(minute) for minute in minutes).resolved()
    assert {callee.name for _, callee in found.edges} == {"postgresql shop on orders", "postgresql shop on billing"}
