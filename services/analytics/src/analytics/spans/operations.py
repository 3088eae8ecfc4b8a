"""What a span counts under: the name of its operation, without what makes every call different. Pure.

======================== ============================================== =====================================
a span of                is called                                      for example
======================== ============================================== =====================================
HTTP, as server          method, route                                  ``GET /users/{id}``
HTTP, as client          method, host and path                          ``POST api.example.com/v1/charges``
a database               class of the statement, table                  ``SELECT orders``
messaging                what is done, destination                      ``send orders``
RPC                      service, method                                ``shop.Cart/AddItem``
generative AI            what is done, model (or tool, agent)           ``chat gpt-4o-mini``
GraphQL                  type and name of the operation                 ``query GetUser``
a function in the cloud  as its caller: its name                        ``invoke resize-image``
anything else            its name; a statement of SQL as a database has ``resize image {id}``
======================== ============================================== =====================================

A route is taken as the framework says it, unless it is the very path of the request; where only the span's name has the route,
the name counts. A path is folded (:mod:`.name_folding`), and that of a request that no route matched is left out. No name is
longer than :data:`~analytics.spans.name_folding.MAX_OPERATION`; how many there are is bounded where they become labels, by the
registry's ``max_series``.
"""

from __future__ import annotations

import re
from functools import lru_cache

from analytics.spans import conventions
from analytics.spans.conventions import text
from analytics.spans.name_folding import CUT, ID, MAX_OPERATION, MAX_READ, fold_host, fold_name, fold_path, fold_unit
from analytics.spans.span import Attributes, SpanKind
from analytics.spans.statements import COMMANDS, VERBS, read_statement, table_name

UNMATCHED = "unmatched"
"""The route of a request that no route matched, as the SDK calls it."""

TEMPORARY = "(temporary)"
"""A destination of messages whose name was made for one moment: an inbox, a reply queue."""

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "QUERY"})
_OTHER_METHOD = "HTTP"
_TEMPORARY_BEGINNINGS = ("_INBOX.", "amq.gen-", "amq.rabbitmq.reply-to", "amq_", "celery@", "reply-")
_AI_OPERATIONS = {"llm": "chat", "embedding": "embeddings", "completion": "text_completion", "generation": "chat"}
"""By the names of other dialects."""

_QUERY = re.compile(r"\?[\w.%\[\]-]*=")
"""How the query of a URL begins; a route may have other question marks: ``(?P<id>\\d+)``, ``/:id?``."""

_UUID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")

_NAMED_ROUTE = re.compile(r"(?:HTTP )?(?:[A-Z]+ )?(/\S*(?:\{[^}\s]+\}|/:[A-Za-z]|<[^>\s]+>|\[[^\]\s]+\]|\*)\S*)")
"""A span's name that has a route with parameters."""

_SQL = re.compile(
    r"\s*(SELECT\b(?=.*\bFROM\b)|INSERT\b(?=\s+(?:IGNORE\s+)?INTO\b)|UPDATE\b(?=.*\bSET\b)|DELETE\b(?=\s+FROM\b)"
    r"|WITH\b(?=.*\bAS\s*\()|MERGE\b(?=\s+INTO\b))",
    re.IGNORECASE | re.DOTALL,
)
_SIGNS = re.compile(r"[*=?$;(]")
"""A span's name that is a statement."""

_CACHED = 4_096


def operation_of(name: str, kind: SpanKind, attributes: Attributes) -> str:
    """The operation of a span."""
    get = attributes.get
    if get("gen_ai.operation.name") or get("llm.request.type") or get("openinference.span.kind"):
        found = _generative_ai(name, attributes)
    elif get("db.system.name") or get("db.system"):
        found = _database(name, attributes)
    elif get("messaging.system"):
        found = _messaging(name, kind, attributes)
    elif get("rpc.system.name") or get("rpc.system"):
        found = _rpc(name, attributes)
    elif get("http.request.method") or get("http.method"):
        found = _http(name, kind, attributes)
    elif get("langfuse.observation.model.name"):
        found = _generative_ai(name, attributes)
    elif get("graphql.operation.type"):
        found = fold_name(f"{get('graphql.operation.type')} {get('graphql.operation.name') or ''}")
    elif kind is SpanKind.CLIENT and (function := get("faas.invoked_name")):
        found = f"invoke {fold_name(str(function))}"
    else:
        return _named(name)
    return found if len(found) <= MAX_OPERATION else found[: MAX_OPERATION - 1] + CUT


@lru_cache(_CACHED)
def _named(name: str) -> str:
    """What the name of a span says, where nothing else does."""
    begin = name[:MAX_READ]
    statement = _SQL.match(begin)
    if statement is None or not (statement[1].isupper() or _SIGNS.search(begin)):  # "select best from all" is a plain name
        return fold_name(name)
    return str(read_statement(name))


def _http(name: str, kind: SpanKind, attributes: Attributes) -> str:
    method = _method(text(attributes, conventions.HTTP_METHOD) or "")
    url = text(attributes, conventions.HTTP_URL)
    if kind is SpanKind.CLIENT or (kind is not SpanKind.SERVER and url is not None):
        host = text(attributes, conventions.PEER)
        if host is None:
            host = _parts(_plain(url or ""))[0]
        route = attributes.get("url.template")
        path = route if type(route) is str and route else _path(attributes, url)
        return f"{method} {fold_host(host)}{path}" if host else f"{method} {path}"
    if kind is not SpanKind.SERVER:
        return fold_name(name)
    route = text(attributes, conventions.HTTP_ROUTE)
    if route is not None:
        route = _without_query(route[:MAX_READ])
        if route == _raw_path(attributes, url):  # as some set it
            return f"{method} {fold_path(route)}"
        return f"{method} {_UUID.sub(ID, route) if route.count('-') >= 4 else route}"
    path = _path(attributes, url)
    if not path:
        return fold_name(name)
    if (named := _NAMED_ROUTE.fullmatch(name)) is not None:
        return f"{method} {_without_query(named[1])}"
    if conventions.http_status(attributes) in (404, 405):
        return f"{method} {UNMATCHED}"
    return f"{method} {path}"


def _method(given: str) -> str:
    if given in _METHODS:
        return given
    method = given[:16].upper()
    return method if method in _METHODS else _OTHER_METHOD


def _without_query(route: str) -> str:
    if "?" not in route:
        return route
    query = _QUERY.search(route)
    return route if query is None else route[: query.start()]


def _path(attributes: Attributes, url: str | None) -> str:
    """The folded path of a request; empty where it is not known."""
    path = _raw_path(attributes, url)
    return fold_path(path) if path else ""


def _raw_path(attributes: Attributes, url: str | None) -> str:
    path = text(attributes, conventions.HTTP_PATH)
    if path is not None and path[0] == "/":
        return _plain(path)
    return _parts(_plain((url if path is None else path) or ""))[1]


def _plain(url: str) -> str:
    """``url`` without query and fragment, which differ most."""
    return url.partition("?")[0].partition("#")[0][:MAX_READ]


@lru_cache(_CACHED)
def _parts(url: str) -> tuple[str, str]:
    """Host and path of a plain ``url``. The path begins with a slash; where it has none, it is empty."""
    before, found, rest = url.partition("://")
    if not found:
        return "", f"/{before.lstrip('/')}" if before else ""
    host, _, path = rest.partition("/")
    return host.rpartition("@")[2], f"/{path}"


def _database(name: str, attributes: Attributes) -> str:
    summary = text(attributes, conventions.DB_SUMMARY)
    if summary is not None:
        return fold_name(summary)
    system = (text(attributes, conventions.DB_SYSTEM) or "").lower()
    statement = text(attributes, conventions.DB_STATEMENT)
    verb = text(attributes, conventions.DB_OPERATION)
    table = text(attributes, conventions.DB_COLLECTION)
    if verb is not None and (table is not None or statement is None or system in COMMANDS):
        return f"{_verb(verb, system)} {table_name(table)}" if table else _verb(verb, system)
    if statement is None:
        return _named(name) if table is None else table_name(table)
    read = read_statement(statement, system)
    if read.is_known:
        return str(read) if read.table or table is None else f"{read.verb} {table_name(table)}"
    return _named(verb or name)


def _verb(given: str, system: str) -> str:
    """An operation of a database; several of them in one are as they are given."""
    upper = given[:64].upper()
    return upper if upper in VERBS or system in COMMANDS else fold_name(given)


def statement_class(attributes: Attributes) -> str | None:
    """What a span's statement does: ``SELECT``, ``INSERT``, ``GET``; ``None`` where it is none of a database."""
    system = text(attributes, conventions.DB_SYSTEM)
    if system is None:
        return None
    verb = text(attributes, conventions.DB_OPERATION)
    if verb is not None:
        return _verb(verb, system.lower())
    statement = text(attributes, conventions.DB_STATEMENT) or text(attributes, conventions.DB_SUMMARY)
    return None if statement is None else read_statement(statement, system.lower()).verb


def _messaging(name: str, kind: SpanKind, attributes: Attributes) -> str:
    done = text(attributes, conventions.MESSAGING_OPERATION)
    if done is None:
        done = "send" if kind is SpanKind.PRODUCER else "process" if kind is SpanKind.CONSUMER else None
    where = destination(attributes)
    if done is None or where is None:
        return fold_name(name) if done is None else fold_name(f"{done} {where or ''}")
    return f"{fold_unit(done.lower())} {where}"


def destination(attributes: Attributes) -> str | None:
    """The queue, topic or subject of a span of messaging, without what makes every one different."""
    where = text(attributes, conventions.MESSAGING_DESTINATION) or text(attributes, conventions.MESSAGING_ROUTING_KEY)
    if any(attributes.get(said) is True for said in conventions.MESSAGING_TEMPORARY):
        return TEMPORARY
    if where is None:
        return None
    return TEMPORARY if where.startswith(_TEMPORARY_BEGINNINGS) else fold_name(where)


def _rpc(name: str, attributes: Attributes) -> str:
    service, method = text(attributes, conventions.RPC_SERVICE), text(attributes, conventions.RPC_METHOD)
    if method is None:
        return fold_name(service or name)
    return fold_name(method if service is None or "/" in method else f"{service}/{method}")


def _generative_ai(name: str, attributes: Attributes) -> str:
    done = (text(attributes, conventions.GEN_AI_OPERATION) or "").lower()
    done = _AI_OPERATIONS.get(done, done)
    if done in ("execute_tool", "tool"):
        what = text(attributes, conventions.GEN_AI_TOOL)
        return fold_name(name) if what is None else f"execute_tool {fold_name(what)}"
    if done in ("invoke_agent", "create_agent", "agent", "invoke_workflow", "workflow", "chain", "task"):
        what = text(attributes, conventions.GEN_AI_AGENT)
        return fold_name(name) if what is None else f"{fold_unit(done)} {fold_name(what)}"
    model = text(attributes, conventions.GEN_AI_MODEL)
    return fold_name(name) if model is None else f"{fold_unit(done)} {model_name(model)}"


def model_name(model: str) -> str:
    """A model's name as a label: one that was tuned counts under what it was made of."""
    if model.startswith("ft:"):
        return ":".join([*model.split(":")[:2], ID])[:MAX_OPERATION]
    return model[:MAX_OPERATION]
