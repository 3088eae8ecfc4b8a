"""The semantic conventions, old and new: under which names an attribute comes, and what spans are searched by. Pure.

The one table of aliases. Each constant lists the names of one thing, the current one first; of several that a span has, the
first one counts. Names of other dialects (OpenLLMetry, OpenInference, Langfuse) stand behind those of OpenTelemetry.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from analytics.spans.span import Attributes, Span

Names = Sequence[str]
"""Names of one attribute, the current one first."""

MAX_ID = 256
"""Characters of a user's or a session's id, as events have it."""

MAX_ERROR_TYPE = 256
"""Characters of the type of an error; the rest is cut off."""

HTTP_STATUS: Names = ("http.response.status_code", "http.status_code")
HTTP_METHOD: Names = ("http.request.method", "http.method")
HTTP_ROUTE: Names = ("http.route", "url.template")
HTTP_PATH: Names = ("url.path", "http.target")
HTTP_URL: Names = ("url.full", "http.url")

PEER: Names = (
    "server.address", "net.peer.name", "peer.hostname", "http.host", "net.sock.peer.name", "network.peer.address",
    "net.sock.peer.addr", "net.peer.ip", "peer.service", "peer.address",
)  # fmt: skip
"""The host that a client asks."""

DB_SYSTEM: Names = ("db.system.name", "db.system", "db.type")
DB_OPERATION: Names = ("db.operation.name", "db.operation")
DB_COLLECTION: Names = (
    "db.collection.name", "db.sql.table", "db.mongodb.collection", "db.cassandra.table", "db.cosmosdb.container",
    "db.elasticsearch.path_parts.index", "db.operation.parameter.index", "db.stored_procedure.name",
)  # fmt: skip
DB_SUMMARY: Names = ("db.query.summary",)
DB_STATEMENT: Names = ("db.query.text", "db.statement")

DB_SYSTEMS = {
    "postgres": "postgresql", "microsoft.sql_server": "mssql", "aws.dynamodb": "dynamodb", "aws.redshift": "redshift",
    "azure.cosmosdb": "cosmosdb", "gcp.spanner": "spanner", "oracle.db": "oracle", "sap.hana": "hanadb",
    "ibm.informix": "informix", "ibm.netezza": "netezza", "intersystems.cache": "intersystems_cache", "mongo": "mongodb",
}  # fmt: skip
"""Systems of databases by other names that they have: newer ones of the conventions, and common ones."""

MESSAGING_SYSTEM: Names = ("messaging.system",)
MESSAGING_OPERATION: Names = ("messaging.operation.name", "messaging.operation.type", "messaging.operation")
MESSAGING_DESTINATION: Names = (
    "messaging.destination.template", "messaging.destination.name", "messaging.destination",
    "messaging.destination_publish.name", "messaging.source.name",
)  # fmt: skip
MESSAGING_ROUTING_KEY: Names = ("messaging.rabbitmq.destination.routing_key", "messaging.rabbitmq.routing_key")
"""Where messages of the exchange without a name go."""

MESSAGING_TEMPORARY: Names = (
    "messaging.destination.temporary", "messaging.destination.anonymous", "messaging.temp_destination",
)  # fmt: skip
"""Truth values: the destination has a name that was made for this moment."""

RPC_SYSTEM: Names = ("rpc.system.name", "rpc.system")
RPC_SERVICE: Names = ("rpc.service",)
RPC_METHOD: Names = ("rpc.method",)

GEN_AI_OPERATION: Names = (
    "gen_ai.operation.name", "llm.request.type", "openinference.span.kind", "traceloop.span.kind",
    "langfuse.observation.type",
)  # fmt: skip
GEN_AI_SYSTEM: Names = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "llm.vendor")
GEN_AI_MODEL: Names = (
    "gen_ai.request.model", "llm.request.model_name", "llm.model_name", "llm.request.model", "embedding.model_name",
    "langfuse.observation.model.name",
    "gen_ai.response.model", "llm.response.model_name", "llm.response.model",
)  # fmt: skip
"""The model that was asked for, before the one that answered."""

GEN_AI_TOOL: Names = ("gen_ai.tool.name", "tool.name", "traceloop.entity.name")
GEN_AI_AGENT: Names = ("gen_ai.agent.name", "agent.name", "gen_ai.workflow.name", "traceloop.entity.name")

USER_ID: Names = (
    "user.id", "enduser.id", "enduser.pseudo.id", "langfuse.user.id", "traceloop.association.properties.user_id",
)  # fmt: skip
SESSION_ID: Names = (
    "session.id", "langfuse.session.id", "traceloop.association.properties.session_id", "gen_ai.conversation.id",
)  # fmt: skip

_PERSONAL = frozenset((*USER_ID, *SESSION_ID))

ERROR_TYPE: Names = ("error.type", "exception.type")
EXCEPTION_EVENT = "exception"
EXCEPTION_TYPE = "exception.type"


class Promoted(NamedTuple):
    """What spans are searched by most: ``None`` where a span does not say it.

    ``status_code`` is HTTP's. ``error_type`` is that of a failed call or of the last exception that the span recorded.
    """

    status_code: int | None
    user_id: str | None
    session_id: str | None
    error_type: str | None


def promoted(span: Span) -> Promoted:
    """The searched fields of ``span``."""
    attributes, derived = span.attributes, span.derived
    if derived is None:
        status_code, error = http_status(attributes), error_type(attributes)
    else:
        status_code, error = derived.status_code, derived.error_type
    if error is None and span.events:
        for event in reversed(span.events):
            if event.name == EXCEPTION_EVENT:
                error = text(event.attributes, (EXCEPTION_TYPE,))
                error = None if error is None else error[:MAX_ERROR_TYPE]
                break
    if _PERSONAL.isdisjoint(attributes):
        return Promoted(status_code, None, None, error)
    user, session = text(attributes, USER_ID), text(attributes, SESSION_ID)
    return Promoted(
        status_code,
        None if user is None else user[:MAX_ID],
        None if session is None else session[:MAX_ID],
        error,
    )


def error_type(attributes: Attributes) -> str | None:
    """The type of the error that attributes name."""
    error = text(attributes, ERROR_TYPE)
    return None if error is None else error[:MAX_ERROR_TYPE]


def http_status(attributes: Attributes) -> int | None:
    """The status code of HTTP, 100 to 999."""
    code = whole(attributes, HTTP_STATUS)
    return code if code is not None and 100 <= code <= 999 else None


def db_system(attributes: Attributes) -> str | None:
    """The system of a database, by one name of those that it has, in small letters."""
    system = text(attributes, DB_SYSTEM)
    if system is None:
        return None
    system = system.lower()
    return DB_SYSTEMS.get(system, system)


def messaging_system(attributes: Attributes) -> str | None:
    """The broker's kind, in small letters. Celery's instrumentation names none."""
    system = text(attributes, MESSAGING_SYSTEM)
    if system is None:
        return "celery" if "celery.action" in attributes else None
    return system.lower()


def users_of(attributes: Attributes) -> set[str]:
    """The ids of all users that attributes name."""
    if _PERSONAL.isdisjoint(attributes):
        return set()
    found = (text(attributes, (name,)) for name in USER_ID)
    return {user[:MAX_ID] for user in found if user is not None}


def text(attributes: Attributes, names: Names) -> str | None:
    """The first of ``names`` that has a text which is not empty; a whole number is taken as its digits."""
    for name in names:
        value = attributes.get(name)
        if value is None:
            continue
        if type(value) is str:
            if value:
                return value
        elif type(value) is int:
            return str(value)
    return None


def whole(attributes: Attributes, names: Names) -> int | None:
    """The first of ``names`` that has a whole number, which some SDKs send as a text or a float."""
    for name in names:
        value = attributes.get(name)
        if value is None:
            continue
        if type(value) is int:
            return value
        if type(value) is float and value.is_integer() and abs(value) < 2**53:
            return int(value)
        if type(value) is str and len(value) < 19 and value.isascii() and value.isdigit():
            return int(value)
    return None
