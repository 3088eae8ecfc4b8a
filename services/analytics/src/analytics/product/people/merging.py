"""Which ids are one person. Pure: the answer depends on the set of edges alone, never on the order in which they came.

Definition
----------
An *identify* edge says that an anonymous id is the user ``to_id``, an *alias* edge that ``from_id`` is another id of ``to_id``.
An edge that a person has undone joins nothing.

- An id that is the ``to_id`` of any identify edge, undone ones included, is a user and no anonymous id: identify edges that
  lead away from it join nothing. So a device that two users share never glues the two (PostHog has the same rule).
- An anonymous id belongs to the user of its earliest identify edge, by the time of the event and then its id; later ones join
  nothing.
- Alias edges are explicit: they join whatever they connect.

Ids that are connected by what joins are one person. Its id is the member that no joining edge leads away from; the first of
several by the order of their characters; and where there is none, since edges go in a circle, the first of those that are not
anonymous.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal, NamedTuple

Kind = Literal["identify", "alias"]


class Edge(NamedTuple):
    """``at``: µs since 1970, when the event happened that has ``event_id``. An identify edge from an id to itself joins nothing
    and says that the id is a user."""

    kind: Kind
    from_id: str
    to_id: str
    at: int = 0
    event_id: str = ""
    undone: bool = False


def joining(edges: Iterable[Edge]) -> list[tuple[str, str, bool]]:
    """The edges that join, without repetitions: from, to, and whether the first is an anonymous id of the second."""
    known = list(edges)
    users = {edge.to_id for edge in known if edge.kind == "identify"}
    found: set[tuple[str, str, bool]] = set()
    earliest: dict[str, Edge] = {}
    for edge in known:
        if edge.undone or edge.from_id == edge.to_id:
            continue
        if edge.kind == "alias":
            found.add((edge.from_id, edge.to_id, False))
        elif edge.from_id not in users:
            first = earliest.setdefault(edge.from_id, edge)
            if _order(edge) < _order(first):
                earliest[edge.from_id] = edge
    found.update((edge.from_id, edge.to_id, True) for edge in earliest.values())
    return sorted(found)


def persons(edges: Iterable[Edge]) -> dict[str, str]:
    """The id of the person of each id that any edge names; of most, their own."""
    known = list(edges)
    joins = joining(known)
    members = _Members()
    for edge in known:
        members.find(edge.from_id)
        members.find(edge.to_id)
    for from_id, to_id, _ in joins:
        members.join(from_id, to_id)
    led_away = {from_id for from_id, _, _ in joins}
    anonymous = {from_id for from_id, _, is_anonymous in joins if is_anonymous}
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for member in members:
        groups[members.find(member)].append(member)
    found: dict[str, str] = {}
    for group in groups.values():
        person = min([one for one in group if one not in led_away] or [one for one in group if one not in anonymous])
        found |= dict.fromkeys(group, person)
    return found


def _order(edge: Edge) -> tuple[int, str, str]:
    return edge.at, edge.event_id, edge.to_id


class _Members(dict[str, str]):
    """Union and find: each id with another of its group, or itself."""

    def find(self, member: str) -> str:
        root = member
        while (above := self.setdefault(root, root)) != root:
            root = above
        while (above := self[member]) != root:
            self[member] = root
            member = above
        return root

    def join(self, one: str, other: str) -> None:
        self[self.find(one)] = self.find(other)
