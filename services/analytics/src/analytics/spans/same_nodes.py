"""Which nodes of a service map are one: hosts that are services of the map, and databases named in several ways. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from analytics.spans.peers import UNKNOWN, Node, NodeKind, named_on
from drishti.messages import subjects


def same_nodes(
    services: Collection[str], called: Collection[Node], addresses: Mapping[str, Mapping[str, int]]
) -> dict[Node, Node]:
    """As what those of ``called`` are drawn that are drawn as another node. ``addresses`` counts which service answered at
    which address."""
    hosts = {node for node in called if node.kind is NodeKind.EXTERNAL}
    servers = _only_servers(called)
    return {host: _service_at(host, services, addresses) for host in hosts} | servers | _named_databases(called, servers)


def _only_servers(called: Collection[Node]) -> dict[Node, Node]:
    """Databases by their names alone where all of one name are on one server, as far as that is known."""
    servers: dict[str, set[Node]] = {}
    for node in called:
        if node.kind is NodeKind.DATABASE and named_on(node.name)[1]:
            servers.setdefault(named_on(node.name)[0], set()).add(node)
    return {node: Node(NodeKind.DATABASE, name) for name, nodes in servers.items() if len(nodes) == 1 for node in nodes}


def _named_databases(called: Collection[Node], servers: Mapping[Node, Node]) -> dict[Node, Node]:
    """Databases of which only the system was said, as in spans that connect, by the only one of that system that is named,
    where there is only one. ``servers``: what is drawn under another name already."""
    named: dict[tuple[NodeKind, str], set[Node]] = {}
    for one in called:
        node = servers.get(one, one)
        if node.kind is NodeKind.DATABASE or node.kind is NodeKind.CACHE:
            named.setdefault((node.kind, node.name.partition(" ")[0]), set()).add(node)
    found: dict[Node, Node] = {}
    for (kind, system), nodes in named.items():
        if len(nodes) == 2 and (nameless := Node(kind, system)) in nodes:
            (found[nameless],) = nodes - {nameless}
    return found


def _service_at(host: Node, services: Collection[str], addresses: Mapping[str, Mapping[str, int]]) -> Node:
    answered = addresses.get(host.name)
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
