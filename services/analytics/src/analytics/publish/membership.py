"""The replicas that publish, and the partitions that this one holds: advisory locks of PostgreSQL.

Every replica holds one lock shared with the others, which makes the list of those that live, and for itself the lock of each
partition that it publishes. A partition's lock is given back between two rounds, with nothing in flight, and only then can
another replica take it: so no window has two publishers. Locks end with the connection: those of a replica that was killed are
free at once.
"""

from __future__ import annotations

from analytics.publish.shares import assigned
from analytics.storage.database import Session


class Membership:
    """Of one session: ``join`` until it is true; then ``refresh``, ``release`` and ``take`` now and then."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.replicas = 0
        """How many publish, this one among them."""
        self.assigned: frozenset[int] = frozenset()
        """The partitions that should be held."""
        self.held: frozenset[int] = frozenset()

    @property
    def is_settled(self) -> bool:
        """Whether exactly those partitions are held that should be."""
        return self.held == self.assigned

    async def join(self) -> bool:
        """Whether this replica may publish: not while one of an earlier version does, of which there is one at a time."""
        return bool(await self._session.value("join_publishers"))

    async def refresh(self) -> None:
        """Reads who lives, and assigns the partitions anew."""
        records = await self._session.fetch("publishers")
        self.replicas = max(1, len(records))
        self.assigned = assigned(records[0]["own"], [record["pid"] for record in records]) if records else frozenset()

    async def release(self) -> None:
        """Gives back the partitions that others should have."""
        if lost := self.held - self.assigned:
            self.held &= self.assigned
            await self._session.execute("release_partitions", sorted(lost))

    async def take(self) -> frozenset[int]:
        """Takes the partitions that this replica should have, as far as nobody holds them still; returns the new ones."""
        wanted = self.assigned - self.held
        if not wanted:
            return frozenset()
        gained = frozenset(record["partition"] for record in await self._session.fetch("take_partitions", sorted(wanted)))
        self.held |= gained
        return gained
