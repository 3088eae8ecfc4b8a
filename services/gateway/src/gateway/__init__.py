"""The gateway: the only service that the public can reach.

Consumes HTTP: events as JSON, OpenTelemetry's OTLP/HTTP, questions, and everything below ``/api/dashboard``. Produces EVENTS,
SPANS, METRICS, LOGS, and one request event in REQUESTS for each request it served. Asks ``query.v1.metrics``. Owns the check of
API keys and the limits. Never touches PostgreSQL, never answers 202 before JetStream has confirmed, and never keeps an event
that it has not accepted.
"""
