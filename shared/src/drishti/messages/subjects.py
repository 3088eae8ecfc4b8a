"""Subjects of the bus, ours and those of JetStream's API: built and parsed here, nowhere else.

A subject's tokens are ``[a-z0-9_-]``. :func:`token` makes one out of the name that people gave a service, for subjects and for
the label ``service`` of every metric: nothing else normalises a name.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from typing import Any, NamedTuple

from drishti.errors import InvalidSubject
from drishti.messages.attributes import SERVICE_NAME, SERVICE_NAMESPACE

DEFAULT_TENANT = "default"

_TOKEN = re.compile(r"[a-z0-9_-]{1,64}\Z")
_NORMAL = re.compile(r"[a-z0-9_]+(?:-[a-z0-9_]+)*\Z")
_UNNAMED = re.compile(r"unknown_service(:.*)?\Z", re.DOTALL | re.IGNORECASE)
"""What OpenTelemetry calls a program that nobody named, perhaps with the name of its interpreter."""

UNKNOWN = "unknown"

OWN_NAMESPACE = "drishti"
"""``service.namespace`` of Drishti's own services, which no service of a user is taken for, whatever its name."""

OWN_PREFIX = f"{OWN_NAMESPACE}--"
"""What the tokens of these begin with, and those of no other name."""

_OWN = re.compile(rf"{OWN_NAMESPACE}(?:/|--)([a-z0-9_]+(?:-[a-z0-9_]+)*)\Z")

_NAMES = frozenset({"string_value", "int_value", "double_value", "bool_value"})

NAME_LENGTH = 256
"""Characters of a given name that is kept for people."""

_STEERING = frozenset({"Cc", "Cf", "Zl", "Zp"})
_SURROGATE = re.compile("[\ud800-\udfff]")

_LENGTH = 64
_MAX_NAME = 1024
"""Characters of a name that are looked at one by one; of a longer one the rest counts through its hash."""

DEAD_SUBJECT_CHARACTERS = 512
"""Of the original subject. The server ends a connection whose command line, with subject and inbox, has more than 4 kB."""

_NOT_PUBLISHED = re.compile(r"[^!-~]|(?<![^.])[*>](?![^.])")


class Subject(NamedTuple):
    """The parts of a parsed subject; ``rest`` is what follows the tenant."""

    family: str
    tenant: str
    rest: tuple[str, ...]


def is_token(text: str) -> bool:
    """Whether ``text`` can be a part of a subject as it is, as every tenant's name is."""
    return _TOKEN.match(text) is not None


def token(name: str, *, unreadable: str = "service") -> str:
    """The name of a service as one token; the same for every spelling of it, and itself for what is such a token already.

    Case, accents, spaces and ASCII punctuation do not tell services apart: ``Checkout Service.v2`` and ``checkout-service-v2``
    are one, ``checkout-service-v2``. What tells them apart and cannot be written in ASCII (other scripts, emoji), and what is
    beyond 64 characters, is in a hash at the end: ``Кассе`` is ``service-a9f2bd11``, where ``service`` is the name of what is
    ``unreadable``. ``unknown`` where there is no name.
    Drishti's own services (:func:`own_name`) are apart from all others: ``drishti/gateway`` is ``drishti--gateway``.
    """
    if len(name) <= _LENGTH and _NORMAL.match(name) and not _UNNAMED.match(name):
        return name
    if len(name) <= _LENGTH and (own := _OWN.match(name)):
        return OWN_PREFIX + own[1] if len(OWN_PREFIX + own[1]) <= _LENGTH else UNKNOWN
    if _UNNAMED.match(name):
        return UNKNOWN
    if len(name) > _MAX_NAME:
        name = name[:_MAX_NAME] + hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    whole: list[str] = []  # the name in one spelling
    kept: list[str] = []  # what of it ASCII has
    lost = False
    for character in unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold()):
        kind = unicodedata.category(character)
        if character.isascii() and (character.isalnum() or character == "_"):
            kept.append(character)
            whole.append(character)
        elif kind[0] == "M":
            continue
        elif not character.isascii() and (kind[0] in "LNS" or kind in ("Co", "Cn", "Cs")):
            lost = True
            kept.append("-")
            whole.append(character)
        else:
            kept.append("-")
            whole.append("-")
    readable = _one_dash(kept)
    if not lost and len(readable) <= _LENGTH:
        return UNKNOWN if not readable or _UNNAMED.match(readable) else readable
    digest = hashlib.blake2b(_one_dash(whole).encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{readable[: _LENGTH - len(digest) - 1].rstrip('-') or unreadable}-{digest}"


def given_name(name: str) -> str | None:
    """The name of a service as people are shown it, where its :func:`token` does not say the same; ``None`` where that is all.

    On one line, without the characters that steer text instead of being any (control characters, changes of direction), each
    of which is a space to :func:`token`, too: so the token of what is returned is the token of ``name``. A name of more than
    :data:`NAME_LENGTH` characters, or one that cannot be stored, is known by its token alone.
    """
    if len(name) > NAME_LENGTH or (len(name) <= _LENGTH and _NORMAL.match(name)):
        return None
    shown = "".join(" " if unicodedata.category(character) in _STEERING else character for character in name)
    shown = " ".join(shown.split())
    return shown if shown and token(shown) not in (UNKNOWN, shown) and not _SURROGATE.search(shown) else None


def own_name(name: str) -> str:
    """The name of one of Drishti's own services as people are shown it: with its namespace."""
    return f"{OWN_NAMESPACE}/{name}"


def is_own(service: str) -> bool:
    """Whether the token ``service`` is that of one of Drishti's own services."""
    return service.startswith(OWN_PREFIX)


def name_of(resource: Iterable[Any]) -> str:
    """The name of the service that an OTLP resource with these attributes (``KeyValue``) is; a number is a name too."""
    said: dict[str, str] = {}
    for attribute in resource:
        if attribute.key in (SERVICE_NAME, SERVICE_NAMESPACE):
            kind = attribute.value.WhichOneof("value")
            said.setdefault(attribute.key, str(getattr(attribute.value, kind)) if kind in _NAMES else "")
    return full_name(said.get(SERVICE_NAME, ""), said.get(SERVICE_NAMESPACE))


def full_name(name: str, namespace: object) -> str:
    """``name``, with the namespace where that is Drishti's own."""
    return own_name(name) if name and namespace == OWN_NAMESPACE else name


def service_of(resource: Iterable[Any]) -> str:
    """The token of :func:`name_of`."""
    return token(name_of(resource))


def _one_dash(characters: list[str]) -> str:
    return re.sub("-+", "-", "".join(characters)).strip("-")


def _checked(*parts: str) -> str:
    for part in parts:
        if not _TOKEN.match(part):
            raise InvalidSubject(f"{part!r} cannot be part of a subject: use 1 to 64 of a-z, 0-9, _ and -")
    return ".".join(parts)


def family(subject: str) -> str:
    """Family and version of a subject, or of its template: ``events.v1``."""
    return ".".join(subject.split(".", 2)[:2])


def events(tenant: str, event_type: str) -> str:
    return _checked("events", "v1", tenant, event_type)


def requests(tenant: str, service: str) -> str:
    return _checked("requests", "v1", tenant, service)


def spans(tenant: str, service: str) -> str:
    return _checked("spans", "v1", tenant, service)


def metrics(tenant: str, service: str) -> str:
    return _checked("metrics", "v1", tenant, service)


def logs(tenant: str, service: str) -> str:
    return _checked("logs", "v1", tenant, service)


def aggregates(tenant: str, resolution: str, metric: str) -> str:
    return _checked("aggregates", "v1", tenant, resolution, metric)


def aggregates_filter(resolution: str, metric: str = "*") -> str:
    """Aggregates of every tenant in one resolution; of one metric, or of all."""
    return _checked("aggregates", "v1") + f".*.{_checked(resolution)}.{metric if metric == '*' else _checked(metric)}"


def insights(tenant: str, kind: str, metric: str | None = None) -> str:
    """``metric`` is that of the kinds which are about one series; the others have none."""
    return _checked("insights", "v1", tenant, kind, *([metric] if metric is not None else []))


def series_insights(kind: str = "*", *, tenant: str = "*") -> str:
    """Insights about single series: of one kind and tenant, or of all."""
    return ".".join(["insights", "v1", *(part if part == "*" else _checked(part) for part in (tenant, kind)), "*"])


SYSTEM_INSIGHTS = "insights.v1.*.*"
"""Insights of every tenant that are not about a single series, of all kinds."""


def kind_of_insight(subject: str) -> str:
    """The kind that the subject of an insight names; raises :class:`InvalidSubject`."""
    return parse(subject).rest[0]


def dead(original: str) -> str:
    """Where a message from ``original`` goes when it is refused, whatever subject a client has sent it to.

    What is not printable ASCII or is a wildcard becomes ``_``, and a long one is cut, so that it can be published. The letter
    has the whole.
    """
    return f"dead.v1.{_NOT_PUBLISHED.sub('_', original)[:DEAD_SUBJECT_CHARACTERS].rstrip('.') or 'unknown'}"


def publishable(original: str) -> bool:
    """Whether a message can be published to that subject again: it is as :func:`dead` has it."""
    return dead(original) == f"dead.v1.{original}"


def query(name: str) -> str:
    return _checked("query", "v1", name)


def parse(subject: str) -> Subject:
    """The parts of a versioned subject with a tenant; raises :class:`InvalidSubject` for anything else.

    The tenant is a token, so that it can be part of other subjects; what follows it is the reader's business.
    """
    parts = subject.split(".")
    if len(parts) < 4 or parts[1] != "v1" or not _TOKEN.match(parts[2]):
        raise InvalidSubject(f"{subject!r} is not <family>.v1.<tenant>.<…> with a tenant of 1 to 64 of a-z, 0-9, _ and -")
    return Subject(parts[0], parts[2], tuple(parts[3:]))


# What JetStream listens to and writes. ``stream``, ``consumer`` and ``bucket`` may be wildcards, for permissions and filters.

JETSTREAM = "$JS."
JETSTREAM_INFO = "$JS.API.INFO"
STREAM_NAMES = "$JS.API.STREAM.NAMES"


def stream_info(stream: str) -> str:
    return f"$JS.API.STREAM.INFO.{stream}"


def stream_purge(stream: str) -> str:
    return f"$JS.API.STREAM.PURGE.{stream}"


def stream_message(stream: str) -> str:
    return f"$JS.API.STREAM.MSG.GET.{stream}"


def stream_message_delete(stream: str) -> str:
    return f"$JS.API.STREAM.MSG.DELETE.{stream}"


def of_tenant(wildcard: str, tenant: str) -> str:
    """Those of one tenant, of all subjects of a type of message (``events.v1.>``)."""
    return f"{wildcard.removesuffix('>')}{_checked(tenant)}.>"


def dead_of_tenant(tenant: str) -> str:
    """Dead letters of messages of one tenant."""
    return f"dead.v1.*.v1.{_checked(tenant)}.>"


def direct_get(stream: str) -> str:
    """Reads of single messages that any replica of the stream answers."""
    return f"$JS.API.DIRECT.GET.{stream}.>"


def consumer_info(stream: str, consumer: str) -> str:
    return f"$JS.API.CONSUMER.INFO.{stream}.{consumer}"


def consumer_create(stream: str, consumer: str = "") -> str:
    """Without ``consumer``: where a consumer is declared that the server names."""
    return f"$JS.API.CONSUMER.CREATE.{stream}" + (f".{consumer}" if consumer else "")


def consumer_delete(stream: str, consumer: str) -> str:
    return f"$JS.API.CONSUMER.DELETE.{stream}.{consumer}"


def consumer_next(stream: str, consumer: str) -> str:
    """Where a pull consumer is asked for messages."""
    return f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"


def acknowledgements(stream: str, consumer: str = "") -> str:
    return f"$JS.ACK.{stream}.{consumer}.>" if consumer else f"$JS.ACK.{stream}.>"


def flow_control(stream: str) -> str:
    return f"$JS.FC.{stream}.>"


def bucket_entry(bucket: str, key: str) -> str:
    """The subject of ``key`` in a key-value bucket; with ``>``, of all its keys."""
    return f"$KV.{bucket}.{key}"


def objects(bucket: str) -> str:
    return f"$O.{bucket}.>"


def object_chunks(bucket: str, nuid: str) -> str:
    """The chunks of the object that has this id; with ``>``, of all objects."""
    return f"$O.{bucket}.C.{nuid}"


def object_info(bucket: str, name: str) -> str:
    """What a store says of an object; ``name`` in base64, or ``>`` for all."""
    return f"$O.{bucket}.M.{name}"


def inboxes(user: str) -> str:
    """Where the replies to one of the services' users arrive; each has inboxes of its own."""
    return f"{inbox_prefix(user)}.>"


def inbox_prefix(user: str) -> str:
    return f"_INBOX_{user}"


ANY_INBOX = "_INBOX.>"
"""Where replies to producers arrive: any NATS client's default."""
