"""Whom a span calls, by its attributes: a database, a cache, a broker, a model, or another host. Pure.

Both the current and the older names of OpenTelemetry's conventions count; for models also those of OpenInference and
OpenLLMetry.
"""

from __future__ import annotations

import enum
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from analytics.spans.conventions import Names, text
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

UNKNOWN = "unknown"
"""The name of whom a span calls without saying who it is."""

CACHES = frozenset({
    "redis", "valkey", "keydb", "dragonfly", "memcached", "memcache", "hazelcast", "infinispan", "aerospike", "aws.elasticache",
})  # fmt: skip
"""Systems of databases that are caches."""

_USUAL_PORTS = frozenset({"80", "443"})
_NO_MODEL = frozenset({"invoke_agent", "create_agent", "execute_tool", "invoke_workflow"})
"""Operations of ``gen_ai`` that are no call of a model, but contain some."""

PEER_SERVICE: Names = ("peer.service", "service.peer.name")
DB_SYSTEM: Names = ("db.system.name", "db.system", "db.type")
DB_NAMESPACE: Names = ("db.namespace", "db.name", "db.instance")
MESSAGING_SYSTEM: Names = ("messaging.system",)
DESTINATION: Names = (
    "messaging.destination.template", "messaging.destination.name", "messaging.destination", "messaging.source.name",
)  # fmt: skip
MESSAGING_OPERATION: Names = ("messaging.operation.type", "messaging.operation")
MODEL: Names = ("gen_ai.request.model", "gen_ai.response.model", "llm.model_name", "llm.request.model", "embedding.model_name")
PROVIDER: Names = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "llm.vendor")
RPC_SERVICE: Names = ("rpc.service",)
ADDRESS: Names = (
    "server.address",
    "net.peer.name",
    "network.peer.address",
    "net.sock.peer.name",
    "net.peer.ip",
    "net.sock.peer.addr",
)
PORT: Names = ("server.port", "net.peer.port", "network.peer.port")
URL: Names = ("url.full", "http.url")
HTTP_HOST: Names = ("http.host", "peer.hostname", "peer.address")


def peer_of(span: Span) -> Node | None:
    """Whom ``span`` calls: of spans of the kinds CLIENT and PRODUCER always somebody, of others a model or nobody, unless one
    of no kind names a database."""
    attributes, kind = span.attributes, span.kind
    if attributes:
        model = _model(attributes)
        if model is not None:
            return model
    is_call = kind is SpanKind.CLIENT or kind is SpanKind.PRODUCER
    if is_call or kind is SpanKind.UNSPECIFIED:
        system = text(attributes, DB_SYSTEM)
        if system is not None:
            return _database(attributes, system.lower())
    if not is_call:
        return None
    found = broker(attributes)
    if found is not None:
        return found
    return Node(NodeKind.EXTERNAL, _cut(text(attributes, PEER_SERVICE) or address(attributes) or _rpc(attributes) or UNKNOWN))


def broker(attributes: Attributes) -> Node | None:
    """System and destination of the messages that a span sends or receives. Destinations that exist for one answer only, or
    have a made-up name, are one."""
    system = text(attributes, MESSAGING_SYSTEM)
    if system is None:
        return None
    destination = text(attributes, DESTINATION)
    temporary = attributes.get("messaging.destination.temporary") or attributes.get("messaging.destination.anonymous")
    if temporary and "messaging.destination.template" not in attributes:
        destination = "(temporary)"
    return Node(NodeKind.BROKER, _cut(f"{system.lower()} {destination}" if destination else system.lower()))


def address(attributes: Attributes) -> str | None:
    """The host that is called, with the port where it is not one of HTTP."""
    host, port = text(attributes, ADDRESS), text(attributes, PORT)
    if host is None:
        whole = text(attributes, URL)
        host = _netloc(whole) if whole is not None else text(attributes, HTTP_HOST)
        if host is None:
            return None
        name, colon, behind = host.rpartition(":")
        if colon and behind.isdigit() and not name.endswith(":"):
            host, port = name, behind
    host = host.lower()
    return host if port is None or port in _USUAL_PORTS else f"{host}:{port}"


def _model(attributes: Attributes) -> Node | None:
    model = text(attributes, MODEL)
    if model is None or attributes.get("gen_ai.operation.name") in _NO_MODEL:
        return None
    kind: Any = attributes.get("openinference.span.kind") or attributes.get("traceloop.span.kind")
    if isinstance(kind, str) and kind.lower() in {"agent", "chain", "tool", "workflow", "task"}:
        return None
    provider = text(attributes, PROVIDER)
    return Node(NodeKind.MODEL, _cut(f"{provider.lower()} {model}" if provider else model))


def _database(attributes: Attributes, system: str) -> Node:
    if system in CACHES:
        where = address(attributes)
        return Node(NodeKind.CACHE, _cut(f"{system} {where}" if where else system))
    where = text(attributes, DB_NAMESPACE) or address(attributes)
    return Node(NodeKind.DATABASE, _cut(f"{system} {where}" if where else system))


def _rpc(attributes: Attributes) -> str | None:
    return text(attributes, RPC_SERVICE)


def _netloc(url: str) -> str | None:
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or None
    except ValueError:  # brackets that are no address of IPv6
        return None


def _cut(name: str) -> str:
    return name[:MAX_NAME]
