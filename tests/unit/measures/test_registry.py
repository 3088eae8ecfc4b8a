"""The registry in memory: what a tenant measures, whatever its bucket holds. Races and outages: ``integration/shared``."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest

from drishti.bus.entries import Entry
from drishti.measures import definition_reading
from drishti.measures.built_in import FED, METRICS, PACKS
from drishti.measures.definition_checks import InvalidDefinition
from drishti.measures.definitions import Kind, MetricDefinition
from drishti.measures.effective import TenantMetrics, faults_of, merged
from drishti.measures.registry import MetricRegistry

QUEUE = MetricDefinition(name="queue.depth", kind=Kind.GAUGE, unit="{message}", dimensions=("service",))
WISDOM = {metric.token for metric in PACKS["wisdom"]}
REVISIONS = iter(range(1, 10_000))


@pytest.fixture
def registry() -> MetricRegistry:
    return MetricRegistry()


def take(registry: MetricRegistry, key: str, value: Any, *, tenant: str = "acme") -> None:
    payload = value if value is None or isinstance(value, bytes) else msgspec.json.encode(value)
    registry.take(Entry(f"{tenant}.{key}", next(REVISIONS), payload, 0.0))


def changed(name: str, **fields: Any) -> MetricDefinition:
    return msgspec.structs.replace(FED[name], **fields)


def test_without_a_bucket_what_is_built_in_is_there(registry: MetricRegistry) -> None:
    assert set(METRICS) <= set(registry.of("anybody"))
    assert registry.view("anybody").uncounted == WISDOM


def test_the_default_tenant_has_the_pack_and_another_has_not(registry: MetricRegistry) -> None:
    assert registry.view("default").packs == {"wisdom"}
    assert registry.view("default").uncounted == frozenset()
    assert registry.view("acme").packs == frozenset()
    assert not registry.of("acme")["wisdom_score"].enabled


def test_a_pack_is_switched_for_one_tenant(registry: MetricRegistry) -> None:
    take(registry, "pack.wisdom", {"enabled": True})
    take(registry, "pack.wisdom", {"enabled": False}, tenant="default")
    assert registry.view("acme").uncounted == frozenset()
    assert registry.view("default").uncounted == WISDOM
    assert registry.view("other").uncounted == WISDOM
    take(registry, "pack.wisdom", None)
    assert registry.view("acme").uncounted == WISDOM


def test_a_definition_is_the_tenant_s_alone_and_goes_when_it_is_deleted(registry: MetricRegistry) -> None:
    take(registry, "queue-depth", QUEUE)
    assert registry.get("acme", "queue-depth") == QUEUE
    assert registry.get("default", "queue-depth") is None
    assert registry.revision("acme", "queue-depth")
    take(registry, "queue-depth", None)
    assert registry.get("acme", "queue-depth") is None
    assert registry.revision("acme", "queue-depth") == 0


def test_a_built_in_metric_is_switched_off_and_comes_back_when_the_change_is_deleted(registry: MetricRegistry) -> None:
    take(registry, "sessions", changed("sessions", enabled=False))
    assert "sessions" in registry.view("acme").uncounted
    take(registry, "sessions", None)
    assert registry.get("acme", "sessions") is METRICS["sessions"]


def test_the_mapping_is_another_object_after_a_change_and_the_same_without(registry: MetricRegistry) -> None:
    reported: list[str] = []
    registry.on_change(reported.append)
    take(registry, "queue-depth", QUEUE)
    before = registry.of("acme")
    assert registry.of("acme") is before
    take(registry, "sessions", changed("sessions", enabled=False))
    assert registry.of("acme") is not before
    assert reported == ["acme", "acme"]
    with pytest.raises(TypeError):
        before["x"] = QUEUE  # type: ignore[index]


def test_an_older_revision_changes_nothing(registry: MetricRegistry) -> None:
    take(registry, "queue-depth", QUEUE)
    registry.take(Entry("acme.queue-depth", 0, b"{}", 0.0))
    assert registry.get("acme", "queue-depth") == QUEUE


GARBAGE = [
    ("acme.queue-depth", b"\xff\x00"),
    ("acme.queue-depth", b"{}"),
    ("acme.queue-depth", b"[" * 50_000),
    ("acme.other-name", msgspec.json.encode(QUEUE)),
    ("acme.sessions", msgspec.json.encode(changed("sessions", kind=Kind.GAUGE))),
    ("acme.sessions", msgspec.json.encode(changed("sessions", origin="tenant"))),
    ("acme.sessions", msgspec.json.encode(changed("sessions", dimensions=("x",)))),
    ("acme.wisdom_score", msgspec.json.encode(changed("wisdom_score", kind=Kind.COUNTER))),
    ("acme.pack.nothing", b'{"enabled":true}'),
    ("acme.pack.wisdom", b'{"enabled":"yes"}'),
    ("Acme.queue-depth", msgspec.json.encode(QUEUE)),
    ("queue-depth", msgspec.json.encode(QUEUE)),
]


@pytest.mark.parametrize(("key", "value"), GARBAGE)
def test_garbage_in_the_bucket_is_skipped_logged_once_and_counted(
    registry: MetricRegistry, caplog: pytest.LogCaptureFixture, key: str, value: bytes
) -> None:
    before = registry.of("acme")
    with caplog.at_level(logging.WARNING):
        registry.take(Entry(key, next(REVISIONS), value, 0.0))
    assert registry.of("acme") == before
    assert registry.skipped == 1
    assert [record.message for record in caplog.records] == [
        "an entry of bucket metric_definitions cannot be read and counts for nothing"
    ]


def test_a_name_of_a_pack_is_the_pack_s_also_while_it_is_off() -> None:
    """How its rows are labelled follows from the name, at every tenant."""
    own = MetricDefinition(name="wisdom_score", kind=Kind.COUNTER)
    assert {fault.field for fault in faults_of(own)} == {"kind", "dimensions"}
    assert "of the pack wisdom" in faults_of(own)[0].error
    published = changed("wisdom_score", published=((), ("event_type",)))
    view = merged([published], frozenset())
    assert not view.definitions["wisdom_score"].enabled
    assert view.definitions["wisdom_score"].published == published.published
    assert merged([published], frozenset({"wisdom"})).definitions["wisdom_score"] == published


@pytest.mark.parametrize("field", ["kind", "unit", "dimensions"])
def test_what_drishti_feeds_keeps_what_it_is(field: str) -> None:
    other = {"kind": Kind.GAUGE, "unit": "h", "dimensions": ()}[field]
    wrong = faults_of(changed("requests", published=((),), **{field: other}))
    assert [fault.field for fault in wrong] == [field]
    assert "built in" in wrong[0].error


def test_a_metric_is_found_by_name_and_token_and_the_nearest_are_offered() -> None:
    view: TenantMetrics = merged([QUEUE], frozenset())
    assert view.find("queue.depth") == view.find("queue-depth") == QUEUE
    assert view.find("queue depth") is None
    assert view.nearest("request")[0] == "requests"
    assert view.nearest("queue_dept")[0] == "queue.depth"
    assert view.nearest("\u202e" * 10_000) == []
    assert view.nearest("") == []


def test_what_a_registry_takes_it_can_write() -> None:
    with pytest.raises(InvalidDefinition):
        definition_reading.decode(b'{"name":"a","kind":"derived"}')
