"""Who is closed to make room, with connections that only say what they wait for."""

from __future__ import annotations

import resource
from dataclasses import dataclass, field, replace

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from drishti.messages import attributes
from drishti.service.http import server as http_server
from drishti.service.http.limits import UNREAD_BYTES, Closed, Connections, Evictable, HttpLimits, Waiting, most_connections


@dataclass(eq=False)
class Connection:
    since: float
    waiting: Waiting | None = Waiting.REQUEST
    peer: str = "10.0.0.1"
    is_websocket: bool = False
    broken: bool = False
    held: int = 0
    said: list[str] = field(default_factory=list)

    def check(self, now: float) -> None:
        if self.broken:
            raise KeyError(now)
        self.said.append("checked")

    def evictable(self) -> Evictable | None:
        return None if self.waiting is None else Evictable(self.waiting, self.since)

    def evict(self) -> None:
        self.said.append("evicted")

    def unread(self) -> int:
        return self.held

    def abort(self) -> None:
        self.said.append("aborted")


def filled(*connections: Connection, **limits: int) -> Connections:
    result = Connections(replace(HttpLimits(), **limits))
    for connection in connections:
        assert result.add(connection)
    return result


def test_oldest_without_a_complete_request_goes_first_then_the_oldest_that_waits_for_its_next() -> None:
    idle, young, served = Connection(1.0, Waiting.NEXT_REQUEST), Connection(3.0), Connection(0.0, None)
    old, idle_young = Connection(2.0), Connection(4.0, Waiting.NEXT_REQUEST)
    order = (old, young, idle, idle_young)
    connections = filled(idle, young, served, old, idle_young, connections=5)
    for count, expected in enumerate(order):
        newcomer = Connection(10.0 + count, None)
        assert connections.add(newcomer)
        assert [c for c in order if c.said] == list(order[: count + 1])
        assert expected.said == ["evicted"]
    assert not connections.add(Connection(20.0))
    assert connections.closed == {Closed.EVICTED: 4}


def test_newcomer_is_never_the_one_that_goes() -> None:
    connections = filled(Connection(0.0, None), connections=1)
    newcomer = Connection(1.0)
    assert not connections.add(newcomer)
    assert not newcomer.said


def test_one_that_was_served_meanwhile_is_spared() -> None:
    first, second, third = Connection(1.0), Connection(2.0), Connection(3.0)
    connections = filled(first, second, third, connections=3)
    assert connections.add(Connection(4.0, None))
    second.waiting = None
    assert connections.add(Connection(5.0, None))
    assert (first.said, second.said, third.said) == (["evicted"], [], ["evicted"])


def test_address_with_too_many_makes_room_among_its_own() -> None:
    other, mine = Connection(1.0, peer="10.0.0.2"), Connection(2.0)
    connections = filled(other, mine, connections=10, connections_per_peer=1)
    assert connections.add(Connection(3.0))
    assert (other.said, mine.said) == ([], ["evicted"])
    assert len(connections) == 2


def test_those_that_leave_make_room() -> None:
    first = Connection(1.0, None)
    connections = filled(first, connections=1, connections_per_peer=1)
    connections.remove(first)
    connections.remove(first)
    assert connections.add(Connection(2.0, None))


def test_websockets_are_counted_as_long_as_they_are_open() -> None:
    connections = filled(connections=8)
    socket = Connection(1.0, None, is_websocket=True)
    connections.adopt(socket)
    assert (connections.websockets, connections.most_websockets) == (1, 6)
    connections.remove(socket)
    assert connections.websockets == 0


def test_connection_that_cannot_be_checked_is_closed_and_the_others_are_checked(caplog: pytest.LogCaptureFixture) -> None:
    broken, sound = Connection(1.0, broken=True), Connection(2.0)
    connections = filled(broken, sound)
    list(connections.sweep(5.0))
    assert (broken.said, sound.said) == (["aborted"], ["checked"])
    assert "could not be checked" in caplog.text


def test_those_who_let_most_pile_up_are_dropped_where_all_hold_too_much() -> None:
    some, most, more = (Connection(1.0, None, held=UNREAD_BYTES * share // 100) for share in (30, 50, 45))
    connections = filled(some, most, more)
    list(connections.sweep(5.0))
    assert (some.said, most.said, more.said) == (["checked"], ["checked", "aborted"], ["checked"])
    most.held = 0
    list(connections.sweep(6.0))
    assert connections.closed == {Closed.ANSWER_UNREAD: 1}


def test_as_many_connections_as_the_open_files_allow() -> None:
    assert most_connections(4096, 2, resource.RLIM_INFINITY) == 4096
    assert most_connections(4096, 2, 1_000_000) == 4096
    assert most_connections(4096, 2, 1024) == (1024 - 128) // 2
    assert most_connections(4096, 1, 64) == 32
    assert most_connections(4096, 2, 1) == 1


@pytest.mark.parametrize("wrong", [{"header_bytes": 10}, {"header_count": 1}, {"header_s": 0}, {"connections": 0}])
def test_limits_that_would_serve_nobody_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"DRISHTI_HTTP_{next(iter(wrong)).upper()}: must be"):
        HttpLimits(**wrong)


def test_what_is_open_and_what_was_closed_and_why_are_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(http_server.metrics, "get_meter", provider.get_meter)
    connections = filled(Connection(1.0), connections=1)
    connections.add(Connection(2.0))
    http_server.observe(connections, port=8000)
    collected = reader.get_metrics_data()
    assert collected is not None
    [metric_scope] = collected.resource_metrics[0].scope_metrics
    seen = {metric.name: [(p.value, dict(p.attributes)) for p in metric.data.data_points] for metric in metric_scope.metrics}
    assert seen == {
        attributes.HTTP_CONNECTIONS_CLOSED: [(1, {attributes.CLOSE_REASON: "evicted", attributes.SERVER_PORT: 8000})],
        attributes.HTTP_CONNECTIONS_OPEN: [(1, {attributes.SERVER_PORT: 8000})],
    }
    provider.shutdown()
