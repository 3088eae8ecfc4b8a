"""The names that services were given, which are kept for people beside the tokens that everything else knows them by. Pure.

A writer remembers for a minute which names it has put into the table, so that ordinary batches bring nothing to write. The
newest name of a service is kept: when two spellings come at once it is the one that was noticed last.

Bounds: of one tenant :data:`OF_ONE_TENANT` services in the table and as many names in memory, :data:`IN_ALL` names in memory.
Further ones are not kept, and counted by whoever asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from analytics.ingest.items import Item
from drishti.messages import subjects

OF_ONE_TENANT = 1_000
IN_ALL = 20_000


class Given(NamedTuple):
    """What one item says: the service's token, and the name as it was given."""

    tenant: str
    service: str
    name: str


def given(items: Iterable[Item]) -> list[Given]:
    """The names that ``items`` carry, one of each service: the last."""
    names: dict[tuple[str, str], str] = {}
    last: tuple[str | None, str | None, str | None] = (None, None, None)
    for item in items:
        name = item.body.service_name
        # Items of one service come in company: most are compared with the one before, and that is all.
        if name is not None and (name != last[2] or item.body.service != last[1] or item.tenant != last[0]):
            last = item.tenant, item.body.service, name
            if item.body.service is not None:
                names[item.tenant, item.body.service] = name
    return [Given(tenant, service, name) for (tenant, service), name in names.items()]


class LatelyGiven:
    """Names that need not be written again."""

    def __init__(self) -> None:
        self._known: set[Given] = set()
        self._of_tenant: Counter[str] = Counter()

    def new(self, names: Iterable[Given]) -> tuple[list[Given], int]:
        """Those of ``names`` that are not known, and how many of them there is no room for: these come to nothing."""
        fresh = [one for one in names if one not in self._known]
        if not fresh:
            return fresh, 0
        room = IN_ALL - len(self._known)
        places = Counter(self._of_tenant)
        kept: list[Given] = []
        for one in fresh:
            if len(kept) < room and places[one.tenant] < OF_ONE_TENANT:
                places[one.tenant] += 1
                kept.append(one)
        return kept, len(fresh) - len(kept)

    def remember(self, names: Iterable[Given]) -> None:
        """``names`` are in the table now, or will never be."""
        for one in names:
            self._known.add(one)
            self._of_tenant[one.tenant] += 1

    def forget(self) -> None:
        """All of them are written again when they come again: so the table says what is given now, and what is used still."""
        self._known.clear()
        self._of_tenant.clear()


def shown(names: Iterable[Given]) -> list[Given]:
    """``names`` as people are shown them, without those that say no more than the token, or that are another service's."""
    return [
        Given(one.tenant, one.service, name)
        for one in names
        if (name := subjects.given_name(one.name)) is not None and subjects.token(name) == one.service
    ]
