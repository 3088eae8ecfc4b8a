"""Migrations are applied in the order of their numbers."""

from __future__ import annotations

from analytics.storage import sql


def test_every_migration_has_a_number_of_its_own() -> None:
    numbers = [migration.version for migration in sql.migrations()]
    assert len(numbers) == len(set(numbers))
