"""How many operations a tenant may have: further ones are stored and counted together. Pure.

Names of operations hold no ids where the semantic conventions are kept (:mod:`analytics.spans.operations`); where they do all
the same, what is kept of each operation must not grow without end.
"""

from __future__ import annotations

from collections.abc import Hashable

MAX_OPERATIONS = 5_000
"""Of one tenant in an hour, as one process sees it."""

MAX_TENANTS = 1_000
AGES = 60
"""After so many calls of :meth:`OperationLimit.age` every tenant begins anew."""

OTHER = "(other)"


class OperationLimit:
    """Remembers the operations of tenants."""

    def __init__(self) -> None:
        self._known: dict[str, set[Hashable]] = {}
        self._ages = 0
        self.refused = 0

    def admits(self, tenant: str, operation: Hashable) -> bool:
        """Whether ``operation`` counts by itself."""
        known = self._known.get(tenant)
        if known is None:
            if len(self._known) >= MAX_TENANTS:
                self._known.clear()
            known = self._known[tenant] = set()
        if operation in known:
            return True
        if len(known) >= MAX_OPERATIONS:
            self.refused += 1
            return False
        known.add(operation)
        return True

    def age(self) -> None:
        """To be called every minute."""
        self._ages += 1
        if self._ages >= AGES:
            self._ages = 0
            self._known.clear()
