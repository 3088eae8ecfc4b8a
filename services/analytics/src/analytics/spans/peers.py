"""Whom a span calls, by its attributes: a database, a cache, a broker, a model, or another host. Pure.

Both the current and the older names of OpenTelemetry's conventions count; for models also those of OpenInference and
OpenLLMetry.
"""

from __future__ import annotations

import enum
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from analytics.spans import conventions
from analytics.spans.conventions import Names, text
from analytics.spans.operations import destination, model_name
from analytics.spans.span import Attributes, Span, SpanKind


class NodeKind(enum.StrEnum):
    """What is drawn on the service map."""

    SERVICE = "service"
    DATABASE = "database"
    CACHE = "cache"
    BROKER = "broker"
    MODEL = "model"
    EXTERNAL = "external"
    """A host or service that sends no spans."""
    ENTRY = "entry"
    """Who calls from outside: nobody that sends spans."""


class Node(NamedTuple):
    kind: NodeKind
    name: str


MAX_NAME = 128
"""Characters of a node's name."""

ON = " on "
"""Between the name of a database and that of its server."""

MAX_SERVER = 64
"""Characters of a server's name."""

_WORDS = re.compile(r"[-_]|(?<=\D)(?=\d+$)")
_REPLICAS = frozenset({
    "primary", "replica", "replicas", "secondary", "standby", "master", "slave", "leader", "follower", "reader", "writer",
    "read", "write", "ro", "rw", "r", "pooler", "headless",
})  # fmt: skip

UNKNOWN = "unknown"
"""The name of whom a span calls without saying who it is."""

CACHES = frozenset({
    "redis", "valkey", "keydb", "dragonfly", "memcached", "memcache", "hazelcast", "infinispan", "aerospike", "aws.elasticache",
})  # fmt: skip
"""Systems of databases that are caches."""

_USUAL_PORTS = frozenset({"80", "443"})
_NO_MODEL = frozenset({
    "invoke_agent", "create_agent", "execute_tool", "invoke_workflow", "agent", "chain", "tool", "workflow", "task",
})  # fmt: skip
"""Operations of ``gen_ai`` that are no call of a model, but contain some."""

_INTERFACES = (".chat", ".responses", ".messages", ".completion", ".embedding")

PEER_SERVICE: Names = ("peer.service", "service.peer.name")
DB_NAMESPACE: Names = ("db.namespace", "db.name", "db.instance")
MESSAGE_COUNT: Names = ("messaging.batch.message_count",)
OPERATION_TYPE: Names = ("messaging.operation.type", "messaging.operation")
FUNCTION: Names = ("faas.invoked_name",)
PORT: Names = ("server.port", "net.peer.port", "network.peer.port")


def peer_of(span: Span) -> Node | None:
    """Whom ``span`` calls: of a CLIENT always somebody; of a PRODUCER whom it names, or nobody; of others a model or a database
    that they name, or nobody."""
    attributes, kind = span.attributes, span.kind
    if attributes:
        model = _model(attributes)
        if model is not None:
            return model
    is_call = kind is SpanKind.CLIENT or kind is SpanKind.PRODUCER
    if attributes:
        system = conventions.db_system(attributes)
        if system is not None:
            return _database(attributes, system)
    if not is_call:
        return None
    found = broker(attributes)
    if found is not None:
        return found
    host = (
        text(attributes, PEER_SERVICE)
        or text(attributes, FUNCTION)
        or address(attributes)
        or text(attributes, conventions.RPC_SERVICE)
    )
    if host is None and kind is SpanKind.PRODUCER:
        return None
    return Node(NodeKind.EXTERNAL, _cut(host or UNKNOWN))


def broker(attributes: Attributes) -> Node | None:
    """System and destination of the messages that a span sends or receives."""
    system = conventions.messaging_system(attributes)
    if system is None:
        return None
    where = destination(attributes)
    return Node(NodeKind.BROKER, _cut(f"{system} {where}" if where else system))


def address(attributes: Attributes) -> str | None:
    """The host that is called, with the port where it is not one of HTTP."""
    host, port = text(attributes, conventions.PEER), text(attributes, PORT)
    if host is None:
        url = text(attributes, conventions.HTTP_URL)
        host = None if url is None else _netloc(url)
        if host is None:
            return None
    name, colon, behind = host.rpartition(":")
    if colon and behind.isdigit() and ":" not in name:
        host, port = name, port or behind
    host = host.lower().removesuffix(".")
    return host if port is None or port in _USUAL_PORTS else f"{host}:{port}"


def _model(attributes: Attributes) -> Node | None:
    model = text(attributes, conventions.GEN_AI_MODEL)
    if model is None:
        return None
    done = text(attributes, conventions.GEN_AI_OPERATION)
    if done is not None and done.lower() in _NO_MODEL:
        return None
    provider = text(attributes, conventions.GEN_AI_SYSTEM)
    if provider is None:
        return Node(NodeKind.MODEL, _cut(model_name(model)))
    provider = provider.lower()
    for interface in _INTERFACES:  # ``openai.chat``, as the AI SDK of Vercel says it
        provider = provider.removesuffix(interface)
    return Node(NodeKind.MODEL, _cut(f"{provider} {model_name(model)}"))


def _database(attributes: Attributes, system: str) -> Node:
    if system in CACHES:
        where = address(attributes)
        return Node(NodeKind.CACHE, _cut(f"{system} {where}" if where else system))
    namespace, host = text(attributes, DB_NAMESPACE), address(attributes)
    if namespace is None:
        return Node(NodeKind.DATABASE, _cut(f"{system} {host}" if host else system))
    server = "" if host is None else _server(host)
    return Node(NodeKind.DATABASE, _cut(f"{system} {namespace}{ON}{server}" if server else f"{system} {namespace}"))


def named_on(name: str) -> tuple[str, str]:
    """The name of a database without its server, and the server; empty where none is said."""
    before, on, server = name.rpartition(ON)
    return (before, server) if on else (name, "")


def _server(host: str) -> str:
    """What tells servers of databases apart: the host without what differs between the replicas of one (its domain, numbers,
    whether it may be written to). Empty for addresses of IP: they change with each pod."""
    name = host.partition(":")[0].partition(".")[0]
    if not name or name.isdigit() or host.count(":") > 1 or "[" in host:
        return ""
    words = [word for word in _WORDS.split(name) if word]
    while len(words) > 1 and (words[-1].isdigit() or words[-1] in _REPLICAS):
        words.pop()
    return "-".join(words)[:MAX_SERVER]


def _netloc(url: str) -> str | None:
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or None
    except ValueError:  # brackets that are no address of IPv6
        return None


def _cut(name: str) -> str:
    return name[:MAX_NAME]
