"""Pages of the documentation that nobody writes by hand: ``docs/contracts.md`` and ``docs/settings.md``. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from drishti import settings
from drishti.bus import permissions
from drishti.contracts import schemas
from drishti.contracts.schemas import Schema
from drishti.measures.built_in import FED
from drishti.measures.fields import fields_of
from drishti.messages import subjects
from drishti.messages.catalogue import BUCKETS, DUPLICATE_WINDOW_S, MESSAGES, OBJECT_STORES, PRODUCER, USERS, MessageType
from drishti.messages.field_types import OPEN_ENUM
from drishti.messages.queries import QUERIES
from drishti.settings import REQUIRED, Secret

MADE = "<!-- Made by `drishti contracts write`. Not to be changed by hand. -->"


def contracts_page() -> str:
    """Every message, question and metric, with its fields."""
    documents = schemas.documents()
    lines = [
        MADE,
        "# Contracts",
        "",
        "What travels on the bus. Subjects are versioned: within `v1` only optional fields are added. The same as JSON Schemas",
        "is in `shared/contracts/schemas/`, as AsyncAPI in `shared/contracts/asyncapi.json`, and with examples in",
        "`shared/contracts/examples/`.",
        "",
        "## Messages",
        "",
        *_table(
            ("message", "subject", "stream", "kept", "from", "to"),
            (
                (f"[{m.name}](#{m.name})", _subjects(m), m.stream, _kept(m), ", ".join(m.producers), _consumers(m))
                for m in MESSAGES
            ),
        ),
        "A message of `event` or `request` is one object or an array of objects. What is older than its stream keeps, or does",
        "not fit any more, gives way (the oldest first).",
        "",
    ]
    for message in MESSAGES:
        lines += [f"### {message.name}", "", message.description, ""]
        if message.model is None:
            lines += [f"`{message.media_type}`", ""]
        else:
            lines += _fields(documents[message.name])
    lines += ["## Questions", ""]
    for query in QUERIES:
        name = f"query_{query.name}"
        lines += [f"### `{query.subject}`", "", f"{query.description} {query.asker} asks, {query.answerer} answers.", ""]
        for part in (name, f"{name}_answer", "query_failure"):
            lines += [f"**{part}**", "", *_fields(documents[part])]
    lines += ["## Frames", "", *_fields(documents["frame"]), *_metrics(), *_rights()]
    return "\n".join(lines).rstrip() + "\n"


def settings_page(groups: Mapping[str, type[Any]]) -> str:
    """Every setting of ``groups``: program → its settings type."""
    lines = [
        MADE,
        "# Settings",
        "",
        "Environment variables, read once when a program starts. A wrong one ends the start with a line for each problem.",
        "",
        "Every program also heeds `LOG_LEVEL` (INFO), `LOG_FORMAT` (`text` or `json`) and OpenTelemetry's standard `OTEL_*`",
        "variables. Spans of a service go where `OTEL_EXPORTER_OTLP_…ENDPOINT` says, else to the gateway at `DRISHTI_URL` with",
        "`DRISHTI_API_KEY`, which `make run` and Docker set; with neither it makes none",
        "([own spans](traces.md#spans-of-drishti-itself)). What an application with the SDK does is in",
        "[sdk.md](sdk.md#where-spans-metrics-and-log-records-go).",
        "",
        "A service whose event loop is blocked for `DRISHTI_WATCHDOG_S` is started anew by `make run`, Docker or Kubernetes.",
        "Seconds in which it computes or waits count; those in which it gets no processor, waits for a disk, or the machine",
        "sleeps do not.",
        "",
    ]
    for program, cls in groups.items():
        lines += [
            f"## {program}",
            "",
            *_table(
                ("variable", "default", "meaning"),
                ((f"`{e.env}`", _default(e.default), e.doc) for e in settings.entries(cls)),
            ),
        ]
    return "\n".join(lines).rstrip() + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return [line(head), "|" + "---|" * len(head), *(line(row) for row in rows), ""]


def _subjects(message: MessageType) -> str:
    return ", ".join(f"`{subject}`" for subject in (message.subject, *message.other_subjects.values()))


def _kept(message: MessageType) -> str:
    hours = message.max_age_s // 3600
    return f"{hours} h" if hours <= 72 else f"{hours // 24} d"


def _consumers(message: MessageType) -> str:
    return ", ".join(dict.fromkeys([*(d.name.partition("-")[0] for d in message.durables), *message.readers])) or "–"


def _fields(schema: Schema) -> list[str]:
    lines = [schema.get("description", ""), "", *_field_table(schema)] if "properties" in schema else _kinds(schema)
    for name, definition in schema.get("$defs", {}).items():
        lines += [f"*{name}*: {definition.get('description', '')}", "", *_field_table(definition)]
    return lines


def _kinds(schema: Schema) -> list[str]:
    kinds = ", ".join(f"`{kind}` (*{_type({'$ref': to})}*)" for kind, to in schema["discriminator"]["mapping"].items())
    return [f"One of several kinds, by `{schema['discriminator']['propertyName']}`: {kinds}.", ""]


def _field_table(schema: Schema) -> list[str]:
    required = schema.get("required", ())
    rows = (
        (f"`{name}`", _type(value), "yes" if name in required else "", _words(value))
        for name, value in schema["properties"].items()
    )
    return _table(("field", "type", "needed", ""), rows)


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if OPEN_ENUM in schema:
        return ", ".join(f"`{value}`" for value in schema[OPEN_ENUM]) + ", perhaps others"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(entry) for entry in schema["anyOf"]))
    if "prefixItems" in schema:
        return f"[{', '.join(_type(item) for item in schema['prefixItems'])}]"
    if schema.get("type") == "array":
        return f"array of {_type(schema['items'])}" if schema.get("items") else "array"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return str(schema.get("format") or schema.get("contentEncoding") or schema.get("type", "any"))


def _words(schema: Schema) -> str:
    """The description, and the limits where there are any."""
    inner = next((entry for entry in schema.get("anyOf", ()) if entry.get("type") != "null"), schema)
    limits = {"maxLength": "at most {} characters", "minimum": "at least {}", "maximum": "at most {}"}
    parts = [schema.get("description") or inner.get("description", "")]
    parts += [text.format(inner[key]) for key, text in limits.items() if key in inner]
    return ", ".join(part for part in parts if part)


def _metrics() -> list[str]:
    rows = (
        (
            f"`{metric.name}`",
            metric.unit,
            metric.kind.value,
            ", ".join(f"`{d}`" for d in metric.dimensions),
            ", ".join(fields_of(metric)),
            metric.description,
        )
        for metric in FED.values()
    )
    return ["## Metrics", "", *_table(("metric", "unit", "kind", "dimensions", "aggregates", ""), rows)]


def _rights() -> list[str]:
    """Who may do what at NATS, JetStream's own subjects left out."""
    rows = []
    for user in USERS:
        allowed = permissions.of(user)
        own = [s for s in allowed.publish if not s.startswith((subjects.JETSTREAM, "_INBOX"))]
        account = permissions.PRODUCERS_ACCOUNT if user == PRODUCER else permissions.SERVICES_ACCOUNT
        rows.append((user, account, ", ".join(f"`{s}`" for s in own), ", ".join(f"`{s}`" for s in allowed.subscribe)))
    buckets = ", ".join(f"`{name}`" for name in (*BUCKETS, *OBJECT_STORES))
    return [
        "## Users of NATS",
        "",
        inspect.cleandoc(
            """Beside these, each service may use what JetStream needs for its own consumers, and its replies come to an inbox
            that no other user may read. Nobody else may publish or read anything."""
        ),
        "",
        *_table(("user", "account", "publishes", "subscribes"), rows),
        inspect.cleandoc(
            f"""Streams, buckets and consumers are in the account `{permissions.SERVICES_ACCOUNT}`. Producers are in an account
            of their own, without JetStream, into which nothing but the subjects that they may publish is exported. So a reply
            subject of theirs, to which JetStream sends its ack, is one of their account, whatever its name. Of the headers that
            JetStream acts on, these streams take `Nats-Msg-Id` and `Nats-Expected-*`; rollups, schedules, counters, batches and
            times to live are refused with an error in the ack, and a trace of a message (`Nats-Trace-Dest`) goes to those two
            kinds of subjects at most. A producer's connection may have
            {permissions.PRODUCER_SUBSCRIPTIONS} subscriptions, and all producers together {permissions.PRODUCER_CONNECTIONS}
            connections. An ack that takes longer than {permissions.ACK_MAX_S} seconds is not delivered.

            What producers share is their user: each of them may send for any tenant, and may read the acks of the others
            (stream, sequence, whether it was a duplicate; never a message). Where tenants must not be able to speak for each
            other, give them keys for the gateway, and keep NATS' password.

            A `Nats-Msg-Id` is of the whole stream, not of its sender: the second message with the same id within
            {DUPLICATE_WINDOW_S} seconds is not stored, and its ack says `duplicate: true`. The SDK and the gateway use ids that
            nobody can know before. A client of your own should do the same (a UUID for each message, kept for its retries), or
            send none: an event's id counts once all the same. If an ack says `duplicate` and it was no retry, the id was
            another sender's, and the message has to be sent again under a new one."""
        ),
        "",
        f"Buckets and object stores: {buckets}.",
    ]


def _default(value: object) -> str:
    if value is REQUIRED:
        return "**needed**"
    if value is None or value == "" or value == () or (isinstance(value, Secret) and not value):
        return "–"
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if isinstance(value, tuple):
        return f"`{','.join(map(str, value))}`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{value.as_posix() if isinstance(value, Path) else value}`"
