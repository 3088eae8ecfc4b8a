"""What spans count under, by old and new semantic conventions."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.spans.name_folding import MAX_OPERATION
from analytics.spans.operations import operation_of, statement_class
from analytics.spans.span import SpanKind

SERVER, CLIENT, INTERNAL = SpanKind.SERVER, SpanKind.CLIENT, SpanKind.INTERNAL
PRODUCER, CONSUMER = SpanKind.PRODUCER, SpanKind.CONSUMER


@pytest.mark.parametrize(
    ("name", "kind", "attributes", "operation"),
    [
        # HTTP
        ("GET", SERVER, {"http.request.method": "GET", "http.route": "/users/{id}", "url.path": "/users/7"}, "GET /users/{id}"),
        ("GET", SERVER, {"http.method": "get", "http.route": "/v1/users/:id"}, "GET /v1/users/:id"),
        ("GET", SERVER, {"http.method": "GET", "http.target": "/users/7?full=1"}, "GET /users/{id}"),
        ("GET", SERVER, {"http.method": "GET", "http.url": "http://shop:80/users/7?full=1"}, "GET /users/{id}"),
        ("GET", SERVER, {"http.request.method": "GET", "url.path": "/.env", "http.response.status_code": 404}, "GET unmatched"),
        ("PROPFIND /", SERVER, {"http.request.method": "PROPFIND", "url.path": "/dav"}, "HTTP /dav"),
        ("GET /users/7", SERVER, {"http.method": "GET"}, "GET /users/{id}"),
        (
            "POST", CLIENT, {"http.request.method": "POST", "server.address": "API.stripe.com", "server.port": 443,
                             "url.full": "https://api.stripe.com/v1/charges/ch_3f2a9c1e77?expand=1"},
            "POST api.stripe.com/v1/charges/{id}",
        ),
        ("HTTP GET", CLIENT, {"http.method": "GET", "http.url": "http://a:b@10.0.0.7:9200/x"}, "GET {ip}/x"),
        ("GET", CLIENT, {"http.method": "GET", "net.peer.name": "cart", "http.target": "/items/12"}, "GET cart/items/{id}"),
        ("GET", CLIENT, {"http.request.method": "GET", "server.address": "cart", "url.template": "/i/{x}"}, "GET cart/i/{x}"),
        ("GET", CLIENT, {"http.request.method": "GET", "server.address": "cart"}, "GET cart"),
        ("GET", SERVER, {"http.method": "GET", "http.route": r"^users/(?P<pk>\d+)/$"}, r"GET ^users/(?P<pk>\d+)/$"),
        ("GET", SERVER, {"http.method": "GET", "http.route": r"^users/(?P<pk>\d+)/x$"}, r"GET ^users/(?P<pk>\d+)/x$"),
        ("GET", SERVER, {"http.method": "GET", "http.route": "/users/:id?"}, "GET /users/:id?"),
        ("GET", SERVER, {"http.method": "GET", "http.route": "/users?page=7"}, "GET /users"),
        ("GET", SERVER, {"http.method": "GET", "http.route": "/v2/us/71", "http.target": "/v2/us/71?a=b"}, "GET /v2/us/{id}"),
        (
            "GET", SERVER, {"http.method": "GET", "http.route": "/users/123e4567-e89b-12d3-a456-426614174000/orders"},
            "GET /users/{id}/orders",
        ),
        ("GET /users/{name}", SERVER, {"http.method": "GET", "url.path": "/users/alice"}, "GET /users/{name}"),
        ("/users/:name", SERVER, {"http.method": "GET", "url.path": "/users/alice"}, "GET /users/:name"),
        ("HTTP GET /users/<name>?a=b", SERVER, {"http.method": "GET", "url.path": "/users/alice"}, "GET /users/<name>"),
        ("GET /users/alice", SERVER, {"http.method": "GET", "url.path": "/users/7"}, "GET /users/{id}"),
        ("GET", SERVER, {"http.method": "GET", "url.path": "/v1.0/me"}, "GET /v1.0/me"),
        ("HTTP 404", INTERNAL, {}, "HTTP 404"),
        ("order 404", INTERNAL, {}, "order {id}"),
        ("GET /users/7 http send", INTERNAL, {"http.status_code": 200}, "GET /users/{id} http send"),
        # databases
        ("SELECT", CLIENT, {"db.system.name": "postgresql", "db.query.summary": "SELECT orders 12"}, "SELECT orders {id}"),
        ("x", CLIENT, {"db.system": "postgresql", "db.statement": "select * from orders where id = 5"}, "SELECT orders"),
        ("x", CLIENT, {"db.system.name": "mysql", "db.query.text": "UPDATE a SET b=1", "db.operation": "UPDATE"}, "UPDATE a"),
        ("x", CLIENT, {"db.system": "mysql", "db.operation": "insert", "db.sql.table": "orders"}, "INSERT orders"),
        ("x", CLIENT, {"db.system": "mongodb", "db.operation": "findOne", "db.mongodb.collection": "users"}, "findOne users"),
        ("GET", CLIENT, {"db.system": "redis", "db.statement": "GET user:123"}, "GET"),
        ("x", CLIENT, {"db.system.name": "redis", "db.operation.name": "hset", "db.query.text": "HSET a b c"}, "HSET"),
        ("search", CLIENT, {"db.system": "elasticsearch", "http.method": "GET", "db.operation": "search"}, "search"),
        ("shop.connect 17", CLIENT, {"db.system": "postgresql"}, "shop.connect {id}"),
        ("x", CLIENT, {"db.system": "mysql", "db.statement": "SELECT extract(year FROM made) FROM orders"}, "SELECT orders"),
        ("SELECT * FROM users WHERE name = 'bob smith'", INTERNAL, {}, "SELECT users"),
        ("SELECT * FROM users WHERE id IN (1, 2, 3)", CLIENT, {"db.system": "mysql"}, "SELECT users"),
        ("select best from candidates", INTERNAL, {}, "select best from candidates"),
        ("select name from users where id = 7", INTERNAL, {}, "SELECT users"),
        ("Update the data set", INTERNAL, {}, "Update the data set"),
        ("fetch 1, 2, 3", INTERNAL, {}, "fetch {id}"),
        # messaging
        (
            "x", CONSUMER, {"messaging.system": "rabbitmq", "messaging.destination": "", "messaging.operation": "receive",
                            "messaging.rabbitmq.routing_key": "order.created"},
            "receive order.created",
        ),
        ("run/app.tasks.add", CONSUMER, {"celery.action": "run", "messaging.destination": "celery"}, "run/app.tasks.add"),
        ("x", PRODUCER, {"messaging.system": "kafka", "messaging.destination": "orders"}, "send orders"),
        (
            "x", CONSUMER, {"messaging.system": "nats", "messaging.operation.name": "process",
                            "messaging.destination.name": "orders.17.paid"},
            "process orders.{id}.paid",
        ),
        ("x", CONSUMER, {"messaging.system": "rabbitmq", "messaging.destination.name": "amq.gen-Xa7b"}, "process (temporary)"),
        (
            "x", PRODUCER, {"messaging.system": "jms", "messaging.operation": "publish", "messaging.destination.name": "q9x8",
                            "messaging.destination.temporary": True},
            "publish (temporary)",
        ),
        ("poll 12", CLIENT, {"messaging.system": "kafka"}, "poll {id}"),
        # RPC
        ("x", CLIENT, {"rpc.system": "grpc", "rpc.service": "shop.Cart", "rpc.method": "Add"}, "shop.Cart/Add"),
        ("x", SERVER, {"rpc.system.name": "grpc", "rpc.method": "shop.Cart/Add"}, "shop.Cart/Add"),
        ("x", CLIENT, {"rpc.system": "aws-api", "rpc.service": "S3", "rpc.method": "Put", "http.method": "PUT"}, "S3/Put"),
        # generative AI
        ("chat", CLIENT, {"gen_ai.operation.name": "chat", "gen_ai.request.model": "o3-2025-04-16"}, "chat o3-2025-04-16"),
        ("openai.chat", CLIENT, {"llm.request.type": "chat", "gen_ai.request.model": "gpt-4o"}, "chat gpt-4o"),
        ("ChatOpenAI", INTERNAL, {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o"}, "chat gpt-4o"),
        ("x", CLIENT, {"gen_ai.operation.name": "chat", "gen_ai.request.model": "ft:gpt-4o:me::8Xa"}, "chat ft:gpt-4o:{id}"),
        ("x", INTERNAL, {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather"}, "execute_tool weather"),
        ("x", INTERNAL, {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}, "invoke_agent planner"),
        ("RunnableSequence", INTERNAL, {"openinference.span.kind": "CHAIN"}, "RunnableSequence"),
        (
            "gen", INTERNAL, {"langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt-4o"},
            "chat gpt-4o",
        ),
        # GraphQL and functions
        ("query", INTERNAL, {"graphql.operation.type": "query", "graphql.operation.name": "GetUser"}, "query GetUser"),
        ("graphql.execute", INTERNAL, {"graphql.operation.type": "mutation"}, "mutation"),
        ("Invoke 4f3e", CLIENT, {"faas.invoked_name": "resize-image"}, "invoke resize-image"),
        # anything else
        ("resize image 12", INTERNAL, {}, "resize image {id}"),
        ("", INTERNAL, {}, ""),
    ],
)  # fmt: skip
def test_a_span_counts_under_its_operation(name: str, kind: SpanKind, attributes: dict[str, Any], operation: str) -> None:
    assert operation_of(name, kind, attributes) == operation


def test_class_of_a_statement() -> None:
    assert statement_class({"db.system": "postgresql", "db.statement": "select 1"}) == "SELECT"
    assert statement_class({"db.system": "redis", "db.operation": "get"}) == "GET"
    assert statement_class({"http.method": "GET"}) is None


_VALUES = st.one_of(st.text(max_size=200), st.integers(), st.booleans(), st.none(), st.lists(st.text(), max_size=2))
_NAMES = (
    "gen_ai.operation.name gen_ai.request.model gen_ai.tool.name openinference.span.kind db.system db.system.name db.statement "
    "db.operation db.query.summary db.collection.name messaging.system messaging.operation.name messaging.destination.name "
    "rpc.system rpc.service rpc.method http.method http.request.method http.route url.path url.full http.url http.target "
    "server.address url.template http.status_code"
)


@given(
    st.text(max_size=300),
    st.sampled_from(list(SpanKind)),
    st.dictionaries(st.sampled_from(_NAMES.split()), _VALUES, max_size=8),
)
def test_whatever_attributes_say_the_operation_is_a_short_text(name: str, kind: SpanKind, attributes: dict[str, Any]) -> None:
    operation = operation_of(name, kind, attributes)
    assert isinstance(operation, str)
    assert len(operation) <= MAX_OPERATION


@pytest.mark.parametrize(
    "hostile",
    ["a", "a@", "@a.", "1-", "{id}", "-", "a.b/", "/a", "%20", "é", "2024-01-01", "1.1.1.1.", "aB1_", "{", "a ", "a@b.c"],
)
def test_no_operation_takes_long(hostile: str) -> None:
    long = (hostile * 8_192)[:8_192]
    began = time.process_time()
    for attributes in (
        {},
        {"http.method": "GET", "http.target": f"/{long}?{long}"},
        {"http.method": "GET", "http.url": f"http://{long}/{long}"},
        {"messaging.system": "kafka", "messaging.destination.name": long},
        {"db.system": "mysql", "db.operation": long, "db.sql.table": long},
        {"db.system": "mysql", "db.statement": f"SELECT {long}"},
        {"rpc.system": "grpc", "rpc.service": long, "rpc.method": long},
        {"gen_ai.operation.name": long, "gen_ai.request.model": long},
    ):
        for kind in (SERVER, CLIENT):
            assert len(operation_of(long[:512], kind, attributes)) <= MAX_OPERATION
    assert time.process_time() - began < 1
