"""NATS permissions, derived from the catalogue: each user may publish and subscribe what its role needs, nothing else.

JetStream's own subjects follow from the roles: a durable's owner may ask for its messages, ack them, and declare that one
durable again; a reader may make its own ephemeral consumers on that one stream; a service that produces may ask whether the
stream is there; and every reply goes to an inbox prefix that only its user may read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from msgspec import Struct

from drishti import catalogue
from drishti.catalogue import ADMIN, MESSAGES, PRODUCER, QUERIES


class Permissions(Struct, frozen=True):
    """Subjects that a user may publish and subscribe."""

    publish: list[str]
    subscribe: list[str]


def of(user: str) -> Permissions:
    """What ``user`` may do. ``admin`` may do everything: it declares the bus, manages keys and replays dead letters."""
    if user == ADMIN:
        return Permissions([">"], [">"])
    publish: list[str] = []
    # Producers are any NATS client with its default inbox; services have prefixes of their own, so none reads another's.
    subscribe = ["_INBOX.>"] if user == PRODUCER else [f"_INBOX_{user}.>"]
    for message in MESSAGES:
        if user in message.producers:
            publish.append(message.wildcard)
        for durable in message.durables:
            if durable.name.startswith(f"{user}-"):
                publish += _durable(message.stream, durable.name)
            elif user in catalogue.CONSUMPTION_WATCHERS:
                publish.append(f"$JS.API.CONSUMER.INFO.{message.stream}.{durable.name}")
        if user in message.readers:
            publish += _reader(message.stream)
        elif user in message.producers and user != PRODUCER:
            publish.append(f"$JS.API.STREAM.INFO.{message.stream}")
    for query in QUERIES:
        if user == query.asker:
            publish.append(query.subject)
        if user == query.answerer:
            subscribe.append(query.subject)
    if any(user == query.answerer for query in QUERIES):
        publish += [f"_INBOX_{asker}.>" for asker in sorted({q.asker for q in QUERIES if q.answerer == user})]
    for bucket, roles in catalogue.BUCKETS.items():
        if user in roles["read"]:
            publish += [*_reader(f"KV_{bucket}"), f"$JS.API.DIRECT.GET.KV_{bucket}.>"]
        if user in roles["write"]:
            publish.append(f"$KV.{bucket}.>")
    for bucket, roles in catalogue.OBJECT_STORES.items():
        stream = f"OBJ_{bucket}"
        if user in roles["read"]:
            publish += [*_reader(stream), f"$JS.API.DIRECT.GET.{stream}.>", f"$JS.API.STREAM.MSG.GET.{stream}"]
            publish.append("$JS.API.STREAM.NAMES")  # nats-py looks for the stream of an object's chunks by their subject
        if user in roles["write"]:
            publish += [f"$O.{bucket}.>", f"$JS.API.STREAM.PURGE.{stream}"]
    if publish and user != PRODUCER:
        publish.append("$JS.API.INFO")
    return Permissions(publish, subscribe)


def _durable(stream: str, durable: str) -> list[str]:
    return [
        f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}",
        f"$JS.API.CONSUMER.INFO.{stream}.{durable}",
        f"$JS.API.CONSUMER.CREATE.{stream}.{durable}",
        f"$JS.API.CONSUMER.DELETE.{stream}.{durable}",
        f"$JS.ACK.{stream}.{durable}.>",
    ]


def _reader(stream: str) -> list[str]:
    return [
        f"$JS.API.STREAM.INFO.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}.>",
        f"$JS.API.CONSUMER.DELETE.{stream}.*",
        f"$JS.API.CONSUMER.INFO.{stream}.*",
        f"$JS.API.CONSUMER.MSG.NEXT.{stream}.*",
        f"$JS.ACK.{stream}.>",
        f"$JS.FC.{stream}.>",
    ]


def users(passwords: Mapping[str, str]) -> str:
    """The ``authorization`` block of a NATS server's configuration, for every user of the catalogue."""
    return authorization({user: json.dumps(passwords[user]) for user in catalogue.USERS})


def template() -> str:
    """The same block with each password taken from the server's environment (``NATS_PASSWORD_<USER>``)."""
    return authorization({user: f"$NATS_PASSWORD_{user.upper().replace('-', '_')}" for user in catalogue.USERS})


def authorization(passwords: Mapping[str, str]) -> str:
    """The block with ``passwords`` written as they are: quoted texts or names of variables."""
    lines = ["authorization {", "  users = ["]
    for user, password in passwords.items():
        allowed = of(user)
        lines += [
            f"    {{ user: {json.dumps(user)}, password: {password}, permissions: {{",
            f"      publish: {{ allow: {json.dumps(allowed.publish)} }}",
            f"      subscribe: {{ allow: {json.dumps(allowed.subscribe)} }}",
            "    } }",
        ]
    return "\n".join([*lines, "  ]", "}", ""])
