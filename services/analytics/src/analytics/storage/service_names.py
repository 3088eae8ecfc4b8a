"""The display names of services, kept for people beside the tokens that everything else knows a service by. Pure.

A writer remembers for a minute which names it has put into the table, so that ordinary batches bring nothing to write. The
newest name of a service is kept: when two spellings come at once it is the one that was noticed last.

Bounds: one tenant has at most :data:`MAX_OF_TENANT` services in the table and as many names in memory; :data:`MAX_NAMES` are
in memory in all. Further ones are not kept; the caller counts them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from drishti.messages import subjects

MAX_OF_TENANT = 1_000
MAX_NAMES = 20_000


class ServiceName(NamedTuple):
    """A service's token, and the name as it was given."""

    tenant: str
    service: str
    name: str


class RecentNames:
    """Names that were written lately and need not be written again."""

    def __init__(self) -> None:
        self._known: set[ServiceName] = set()
        self._of_tenant: Counter[str] = Counter()

    def new(self, names: Iterable[ServiceName]) -> tuple[list[ServiceName], int]:
        """Those of ``names`` that are not known, and how many of them are dropped because there are too many."""
        fresh = [one for one in names if one not in self._known]
        if not fresh:
            return fresh, 0
        room = MAX_NAMES - len(self._known)
        places = Counter(self._of_tenant)
        kept: list[ServiceName] = []
        for one in fresh:
            if len(kept) < room and places[one.tenant] < MAX_OF_TENANT:
                places[one.tenant] += 1
                kept.append(one)
        return kept, len(fresh) - len(kept)

    def remember(self, names: Iterable[ServiceName]) -> None:
        """``names`` are in the table now, or will never be."""
        for one in names:
            self._known.add(one)
            self._of_tenant[one.tenant] += 1

    def forget(self) -> None:
        """All of them are written again when they come again: so the table says what is given now, and what is used still."""
        self._known.clear()
        self._of_tenant.clear()


def displayed(names: Iterable[ServiceName]) -> list[ServiceName]:
    """``names`` as people are shown them, without those that say no more than the token, or that are another service's."""
    return [
        ServiceName(one.tenant, one.service, name)
        for one in names
        if (name := subjects.given_name(one.name)) is not None and subjects.token(name) == one.service
    ]
