"""Analytics: turns what happened into rows, rollups and answers.

Consumes EVENTS, REQUESTS and METRICS through durable pull consumers that its replicas share. Produces AGGREGATES (one replica
leads, the others stand by), DEAD (what it refuses, with the reason), and the answers to ``query.v1.metrics``. Owns PostgreSQL,
alone. Never answers HTTP but about its own health, never acks before the commit, and never counts an event twice: rows, rollups
and the list of what was seen change in one transaction.
"""
