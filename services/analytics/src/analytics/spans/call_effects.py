"""Whether a call changes something, only manages a transaction, or asks a model: what its attributes and its name say. Pure."""

from __future__ import annotations

import re

from analytics.spans import conventions, gen_ai
from analytics.spans.conventions import text
from analytics.spans.operations import statement_class
from analytics.spans.span import Span, SpanKind

_READING = frozenset(
    {"SELECT", "GET", "MGET", "HGET", "HGETALL", "HMGET", "EXISTS", "FIND", "COUNT", "AGGREGATE", "QUERY", "SCAN", "SEARCH"}
)  # fmt: skip
_MANAGING = frozenset(
    {
        "BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET", "RESET", "DISCARD", "PREPARE", "DEALLOCATE",
        "SHOW", "USE", "END", "ABORT", "PING", "AUTH", "CONNECT",
    }
)  # fmt: skip
_STORES_OF_KEYS = frozenset({"redis", "valkey", "memcached", "keydb", "dragonfly"})
"""Where ``SET`` is a change."""

_UNSAFE_METHODS = frozenset({"PUT", "PATCH", "DELETE"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "QUERY"})
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_CHANGING = frozenset(
    {
        "create", "update", "delete", "remove", "insert", "upsert", "save", "store", "write", "send", "ship", "charge", "pay",
        "place", "cancel", "book", "reserve", "publish", "commit", "upload", "register", "add", "put", "set", "empty", "clear",
        "confirm", "submit", "refund", "capture", "authorize", "checkout", "login", "logout", "lock", "unlock", "increment",
        "append", "drop", "purge", "push", "enqueue", "notify", "transfer", "purchase", "subscribe", "unsubscribe",
    }
)  # fmt: skip
"""Words of names of methods that change something."""


def changes_data(span: Span) -> bool:
    """Whether a call changes something, so that another one may need it to have come first."""
    if span.kind is SpanKind.PRODUCER:
        return True
    statement = statement_class(span.attributes)
    if statement is not None:
        return statement.upper() not in _READING
    if text(span.attributes, conventions.GEN_AI_MODEL) is not None:
        return False
    method = text(span.attributes, conventions.HTTP_METHOD)
    if method is not None and method.upper() in _SAFE_METHODS:
        return False
    if method is not None and method.upper() in _UNSAFE_METHODS:
        return True
    named = span.operation.rpartition("/")[2]
    return not _CHANGING.isdisjoint(word.lower() for word in _WORDS.findall(named))


def manages(span: Span) -> bool:
    """Whether a call of a database asks for no data: ``BEGIN``, ``SET search_path``."""
    statement = statement_class(span.attributes)
    if statement is None or statement not in _MANAGING:
        return False
    return statement != "SET" or (text(span.attributes, conventions.DB_SYSTEM) or "").lower() not in _STORES_OF_KEYS


def asks_model(span: Span) -> bool:
    """Whether a call has a model write something: several of these cannot be one, other than of embeddings."""
    return gen_ai.is_call(span) and not gen_ai.is_embedding(span.attributes)
