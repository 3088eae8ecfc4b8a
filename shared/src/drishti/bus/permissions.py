"""NATS accounts and permissions, derived from the catalogue: each user may publish and subscribe what its role needs.

JetStream's own subjects follow from the roles: a durable's owner may ask for its messages, ack them, and declare that one
durable again; a reader may make its own ephemeral consumers on that one stream; a service that produces may ask whether the
stream is there; and every reply goes to an inbox prefix that only its user may read.

How producers are kept apart
----------------------------
JetStream sends the ack of a publish to the *reply subject* that the publisher named, with the server's own rights: in one
common account, a permission to publish events is a permission to write acks into every other stream. So producers have an
account of their own, without JetStream. The services' account exports to it, as services, the subjects that producers may
send. The server replaces the reply subject at the border by one of its own and maps the answer back, so an ack reaches
subjects of the producers' account only. Nothing there is stored, and nobody there may subscribe anything but inboxes.

All producers are one user, and an inbox of theirs is readable to all of them: they can see each other's acks (stream, sequence,
whether it was a duplicate), never a message.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from msgspec import Struct

from drishti.messages import catalogue, subjects
from drishti.messages.called_addresses import TRACE_CONTEXT
from drishti.messages.catalogue import ADMIN, ANALYTICS, GATEWAY, MESSAGES, PRODUCER
from drishti.messages.queries import QUERIES

SERVICES_ACCOUNT, PRODUCERS_ACCOUNT = "DRISHTI", "PRODUCERS"
"""JetStream keeps its files in a folder named after the account: another name is another, empty bus."""

ACK_MAX_S = 30
"""How long the server remembers where the ack of one producer's publish belongs. Clients wait for five seconds."""

PRODUCER_CONNECTIONS = 1000
PRODUCER_SUBSCRIPTIONS = 64
"""Of one connection: a client needs one or two inboxes."""


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
    subscribe = [subjects.ANY_INBOX] if user == PRODUCER else [subjects.inboxes(user)]
    for message in MESSAGES:
        if user in message.producers:
            publish.append(message.wildcard)
        if user in catalogue.ERASERS:
            publish.append(subjects.stream_message_delete(message.stream))
        for durable in message.durables:
            if durable.owner == user:
                publish += _durable(message.stream, durable.name)
            elif user in catalogue.CONSUMPTION_WATCHERS:
                publish.append(subjects.consumer_info(message.stream, durable.name))
        if user in message.readers or user in catalogue.ERASERS:
            publish += _reader(message.stream)
        elif user in message.producers and user != PRODUCER:
            publish.append(subjects.stream_info(message.stream))
    for query in QUERIES:
        if user == query.asker:
            publish.append(query.subject)
        if user == query.answerer:
            subscribe.append(query.subject)
    if user == GATEWAY:
        publish.append(subjects.query(TRACE_CONTEXT))
    if user == ANALYTICS:
        subscribe.append(subjects.query(TRACE_CONTEXT))
    if askers := {query.asker for query in QUERIES if query.answerer == user}:
        # Who administers the bus may ask as well, also with a client that has its default inbox, which no service can read.
        publish += [*(subjects.inboxes(asker) for asker in sorted({*askers, ADMIN})), subjects.ANY_INBOX]
    for name, bucket in catalogue.BUCKETS.items():
        if user in bucket.readers:
            stream = catalogue.bucket_stream(name)
            publish += [*_reader(stream), subjects.direct_get(stream)]
        if user in bucket.writers:
            publish.append(subjects.bucket_entry(name, ">"))
    for name, roles in catalogue.OBJECT_STORES.items():
        stream = catalogue.object_stream(name)
        if user in roles["read"]:
            publish += [*_reader(stream), subjects.direct_get(stream), subjects.stream_message(stream)]
            publish.append(subjects.STREAM_NAMES)  # nats-py looks for the stream of an object's chunks by their subject
        if user in roles["write"]:
            publish += [subjects.objects(name), subjects.stream_purge(stream)]
    if publish and user != PRODUCER:
        publish.append(subjects.JETSTREAM_INFO)
    return Permissions(publish, subscribe)


def _durable(stream: str, durable: str) -> list[str]:
    return [
        subjects.consumer_next(stream, durable),
        subjects.consumer_info(stream, durable),
        subjects.consumer_create(stream, durable),
        subjects.consumer_delete(stream, durable),
        subjects.acknowledgements(stream, durable),
    ]


def _reader(stream: str) -> list[str]:
    return [
        subjects.stream_info(stream),
        subjects.consumer_create(stream),
        subjects.consumer_create(stream, ">"),
        subjects.consumer_delete(stream, "*"),
        subjects.consumer_info(stream, "*"),
        subjects.consumer_next(stream, "*"),
        subjects.acknowledgements(stream),
        subjects.flow_control(stream),
    ]


def users(passwords: Mapping[str, str]) -> str:
    """The ``accounts`` block of a NATS server's configuration, for every user of the catalogue."""
    return accounts({user: json.dumps(passwords[user]) for user in catalogue.USERS})


def template() -> str:
    """The same block with each password taken from the server's environment (``NATS_PASSWORD_<USER>``)."""
    return accounts({user: f"$NATS_PASSWORD_{user.upper().replace('-', '_')}" for user in catalogue.USERS})


def accounts(passwords: Mapping[str, str]) -> str:
    """The block with ``passwords`` written as they are: quoted texts or names of variables."""
    exported = of(PRODUCER).publish
    exports = [
        f'{{ service: "{subject}", accounts: [{PRODUCERS_ACCOUNT}], response_threshold: "{ACK_MAX_S}s" }}'
        for subject in exported
    ]
    imports = [f'{{ service: {{ account: {SERVICES_ACCOUNT}, subject: "{subject}" }} }}' for subject in exported]
    limits = f"limits {{ max_connections: {PRODUCER_CONNECTIONS}, max_subscriptions: {PRODUCER_SUBSCRIPTIONS} }}"
    inside = [user for user in passwords if user != PRODUCER]
    return "\n".join(
        [
            "accounts {",
            f"  {SERVICES_ACCOUNT} {{",
            "    jetstream: enabled",
            *_block("exports", exports),
            *_block("users", [_user(user, passwords[user]) for user in inside]),
            "  }",
            f"  {PRODUCERS_ACCOUNT} {{",
            f"    {limits}",
            *_block("imports", imports),
            *_block("users", [_user(PRODUCER, passwords[PRODUCER])]),
            "  }",
            "}",
            "",
        ]
    )


def _user(user: str, password: str) -> str:
    allowed = of(user)
    return (
        f"{{ user: {json.dumps(user)}, password: {password}, permissions: {{\n"
        f"        publish: {{ allow: {json.dumps(allowed.publish)} }}\n"
        f"        subscribe: {{ allow: {json.dumps(allowed.subscribe)} }}\n"
        "      } }"
    )


def _block(name: str, entries: list[str]) -> list[str]:
    return [f"    {name} = [", *(f"      {entry}" for entry in entries), "    ]"]
