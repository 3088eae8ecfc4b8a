"""Subjects of the bus: built and parsed here, nowhere else.

A subject's tokens are ``[a-z0-9_-]``. :func:`token` makes one out of free text (a service's name, say).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from drishti.errors import InvalidSubject

DEFAULT_TENANT = "default"

_TOKEN = re.compile(r"[a-z0-9_-]{1,64}\Z")
_NOT_TOKEN = re.compile(r"[^a-z0-9_-]+")


class Subject(NamedTuple):
    """The parts of a parsed subject; ``rest`` is what follows the tenant."""

    family: str
    tenant: str
    rest: tuple[str, ...]


def token(text: str) -> str:
    """``text`` as one token: lower case, other characters as ``-``; ``unknown`` where nothing is left."""
    return _NOT_TOKEN.sub("-", text.lower()).strip("-")[:64] or "unknown"


def _checked(*parts: str) -> str:
    for part in parts:
        if not _TOKEN.match(part):
            raise InvalidSubject(f"{part!r} cannot be part of a subject: use 1 to 64 of a-z, 0-9, _ and -")
    return ".".join(parts)


def events(tenant: str, event_type: str) -> str:
    return _checked("events", "v1", tenant, event_type)


def requests(tenant: str, service: str) -> str:
    return _checked("requests", "v1", tenant, service)


def spans(tenant: str, service: str) -> str:
    return _checked("spans", "v1", tenant, service)


def metrics(tenant: str, service: str) -> str:
    return _checked("metrics", "v1", tenant, service)


def aggregates(tenant: str, resolution: str, metric: str) -> str:
    return _checked("aggregates", "v1", tenant, resolution, metric)


def insights(tenant: str, kind: str, metric: str) -> str:
    return _checked("insights", "v1", tenant, kind, metric)


def dead(original: str) -> str:
    return f"dead.v1.{original}"


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
