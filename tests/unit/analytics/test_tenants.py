"""Who has a place among the tenants that are counted."""

from __future__ import annotations

from analytics.ingest.tenants import QUIET_S, Tenants

NOW = 1_800_000_000.0


def test_tenants_without_end_take_nobody_the_place_that_he_uses() -> None:
    tenants = Tenants(3)
    assert tenants.admits("ours", NOW)
    admitted = [name for name in (f"made-up-{n}" for n in range(1000)) if tenants.admits(name, NOW)]
    assert admitted == ["made-up-0", "made-up-1"]
    assert tenants.admits("ours", NOW + 1)
    assert not tenants.admits("late", NOW + QUIET_S - 1)
    assert len(tenants) == 3
    assert "'late'" in tenants.refusal("late")


def test_a_tenant_that_was_quiet_gives_its_place_to_a_new_one() -> None:
    tenants = Tenants(2)
    tenants.admits("quiet", NOW)
    tenants.admits("busy", NOW)
    tenants.admits("busy", NOW + QUIET_S)
    assert tenants.admits("new", NOW + QUIET_S)
    assert not tenants.admits("quiet", NOW + QUIET_S + 1)
    assert tenants.admits("busy", NOW + QUIET_S + 1)


def test_after_a_restart_those_who_were_counted_are_known_before_anybody_sends() -> None:
    tenants = Tenants(2)
    tenants.restore([("newest", NOW), ("oldest", NOW - 20), ("second", NOW - 10)])
    assert not tenants.admits("made-up", NOW)
    assert tenants.admits("second", NOW)
    assert tenants.admits("newest", NOW)
    assert not tenants.admits("oldest", NOW)


def test_a_message_that_comes_again_late_makes_nobody_older() -> None:
    tenants = Tenants(1)
    tenants.admits("ours", NOW)
    tenants.admits("ours", NOW - QUIET_S)
    assert not tenants.admits("other", NOW + QUIET_S - 1)
