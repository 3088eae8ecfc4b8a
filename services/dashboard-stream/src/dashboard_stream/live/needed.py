"""What all dashboards of a tenant together need of the history, kept up as dashboards come and go. Pure.

One that comes or goes costs what it needs itself, however many others there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from dashboard_stream.live.history import Needs, TableKey, merge

_NOTHING = Needs(frozenset(), frozenset())


class Needed:
    """``tables`` is what is needed of each table; ``bytes`` what all of them take at most, about."""

    def __init__(self, all_needs: Iterable[Mapping[TableKey, Needs]] = ()) -> None:
        self.tables: dict[TableKey, Needs] = {}
        self.bytes = 0
        self._counts: dict[TableKey, Counter[Needs]] = {}
        for needs in all_needs:
            self.add(needs)

    def add(self, needs: Mapping[TableKey, Needs]) -> None:
        """One more dashboard needs these."""
        for key, need in needs.items():
            self._counts.setdefault(key, Counter())[need] += 1
            self._put(key, _both(self.tables.get(key, _NOTHING), need))

    def remove(self, needs: Mapping[TableKey, Needs]) -> None:
        """A dashboard that was added is gone."""
        for key, need in needs.items():
            counts = self._counts[key]
            counts[need] -= 1
            if not counts[need]:
                del counts[need]
            if counts:
                self._put(key, merge((key, one) for one in counts)[key])
            else:
                del self._counts[key]
                self.bytes -= self.tables.pop(key).bytes(key.resolution)

    def bytes_with(self, needs: Mapping[TableKey, Needs]) -> int:
        """What all take with one more dashboard, which needs these."""
        more = 0
        for key, need in needs.items():
            known = self.tables.get(key)
            more += _both(known or _NOTHING, need).bytes(key.resolution) - (known.bytes(key.resolution) if known else 0)
        return self.bytes + more

    def _put(self, key: TableKey, need: Needs) -> None:
        known = self.tables.get(key)
        if need != known:
            self.bytes += need.bytes(key.resolution) - (known.bytes(key.resolution) if known else 0)
            self.tables[key] = need


def _both(one: Needs, other: Needs) -> Needs:
    return Needs(one.labels | other.labels, one.quantities | other.quantities)
