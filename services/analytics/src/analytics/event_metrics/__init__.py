"""Metrics that tenants draw from events: compiled, counted live in every writer's transaction, and filled from rows."""
