"""Faults that are put into quiet traces: what they change, and that they are ranked."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from benchmarks.rca import hard, slowness, synthetic
from benchmarks.rca.nezha import LogRow, SpanRow
from benchmarks.rca.quiet import Quiet

MS = 10**6
BEGIN_NS = 1_661_140_800 * 10**9
FRONT, STOCK, MAIL = "front-579b9bff58-t2dbm", "stock-6cfdd55578-gfj6q", "mail-9cdb6588f-554sm"


def request(number: int, at_ns: int) -> list[SpanRow]:
    """20 ms in all: 8 in the stock, 6 in the mail, 2 in the network before each, 2 of its own."""

    def row(span: int, parent: int, pod: str, name: str, start_ms: int, end_ms: int) -> SpanRow:
        trace = number.to_bytes(16, "big")
        above = (number * 100 + parent).to_bytes(8, "big") if parent else b""
        times = (at_ns + start_ms * MS, at_ns + end_ms * MS)
        return SpanRow(trace, (number * 100 + span).to_bytes(8, "big"), above, pod, name, *times)

    return [
        row(1, 0, FRONT, "/buy", 0, 20),
        row(2, 1, FRONT, "HTTP GET", 1, 11),
        row(3, 2, STOCK, "/stock", 2, 10),
        row(4, 1, FRONT, "HTTP POST", 11, 19),
        row(5, 4, MAIL, "/mail", 12, 18),
    ]


def durations(roots: list[synthetic.Node]) -> dict[str, int]:
    return {node.row.name: round((node.end - node.start) / MS) for root in roots for node in root.walk()}


def test_a_delayed_network_makes_callers_wait_and_what_follows_late() -> None:
    roots = synthetic.trees(request(1, BEGIN_NS), {})
    slowness.delay(roots, "stock", 100 * MS, random.Random(1))
    took = durations(roots)
    more = took["HTTP GET"] - 10
    assert 40 < more < 250
    assert took == {"/buy": 20 + more, "HTTP GET": 10 + more, "/stock": 8, "HTTP POST": 8, "/mail": 6}
    _, post = roots[0].calls
    assert abs((post.start - BEGIN_NS) / MS - 11 - more) < 1
    assert abs((post.calls[0].start - BEGIN_NS) / MS - 12 - more) < 1


def test_a_processor_that_is_fought_over_makes_its_own_work_longer() -> None:
    roots = synthetic.trees(request(1, BEGIN_NS), {})
    assert [round(slowness.own_ns(node) / MS) for node in roots[0].walk()] == [2, 2, 8, 2, 6]
    slowness.contend(roots, "mail", 10.0, random.Random(1))
    took = durations(roots)
    assert took["/mail"] > 18
    assert (took["/stock"], took["HTTP GET"]) == (8, 10)
    assert took["/buy"] == 14 + took["/mail"]


@pytest.fixture(scope="module")
def quiet() -> Quiet:
    """Six stretches of 40 requests each."""
    stretches, logs, number = [], {}, 0
    for stretch in range(6):
        rows = []
        for place in range(40):
            number += 1
            rows += request(number, BEGIN_NS + stretch * 300 * 10**9 + place * 10**9)
            for span, text in ((rows[-5], "buying"), (rows[-3], "looking"), (rows[-1], "sending")):
                logs[span.span_id] = [LogRow(span.start_ns + MS // 2, span.pod, span.trace_id, span.span_id, f"INFO {text}")]
        stretches.append(rows)
    return Quiet(stretches, logs, [[("front", 50.0), ("stock", 40.0), ("mail", 30.0)]] * 6)


def test_faults_of_every_kind_are_put_into_traces_and_ranked(quiet: Quiet) -> None:
    found = list(hard.faults(quiet, 6, seed=1))
    kinds = Counter(each.setting.kind for each in found)
    assert [kinds[kind] for kind in (hard.DELAY, hard.CONTENTION, hard.CONSUMED)] == [6, 6, 6]
    assert min(kinds[hard.EXCEPTION], kinds[hard.RETURN]) > 3  # without log lines not every service has a fit place
    assert found == list(hard.faults(quiet, 6, seed=1))
    assert all(3 <= each.setting.met <= each.setting.traces for each in found)
    assert {each.setting.missing for each in found} == set(hard.MISSING)
    assert sum(each.place == 1 for each in found) >= len(found) / 2
    for by in hard.GROUPS.values():
        assert all(by(each.setting) for each in found)
