"""What dashboards need together is what each needs, merged, whatever came and went."""

from __future__ import annotations

import random

from dashboard_stream.live.history import Needs, TableKey, merge
from dashboard_stream.live.needed import Needed

LABELS = [(), ("service",), ("route",)]
QUANTITIES = ["count", "sum", "p95"]


def some(random_: random.Random) -> dict[TableKey, Needs]:
    keys = [TableKey(metric, resolution, ()) for metric in "abc" for resolution in ("1s", "1m")]
    return {
        key: Needs(frozenset(random_.sample(LABELS, random_.randint(1, 3))), frozenset(random_.sample(QUANTITIES, 2)))
        for key in random_.sample(keys, random_.randint(1, 4))
    }


def test_tables_and_bytes_are_those_of_all_that_are_there() -> None:
    random_ = random.Random(7)
    needed, there = Needed(), list[dict[TableKey, Needs]]()
    for _ in range(400):
        if there and random_.random() < 0.45:
            needed.remove(there.pop(random_.randrange(len(there))))
        else:
            more = some(random_)
            before = needed.bytes_with(more)
            needed.add(more)
            there.append(more)
            assert needed.bytes == before
        expected = merge(pair for needs in there for pair in needs.items())
        assert needed.tables == expected
        assert needed.bytes == sum(need.bytes(key.resolution) for key, need in expected.items())
