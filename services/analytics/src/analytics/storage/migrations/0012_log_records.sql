-- Log records, kept for some days. `id` is a part of the key by which a record counts once: with `time` it gives records a
-- place in a list. `template` is the hash of the template of the record's text (analytics.logs.templates), `resource` refers to
-- span_resources. `structured`: `body` is not a text but a value, as JSON.
CREATE TABLE log_records (
    tenant        text NOT NULL,
    time          timestamptz NOT NULL,
    id            bigint NOT NULL,
    service       text NOT NULL,
    severity      smallint NOT NULL,
    severity_text text,
    template      bigint NOT NULL,
    trace_id      bytea,
    span_id       bytea,
    event_name    text,
    scope         text,
    resource      bigint NOT NULL,
    body          text,
    structured    boolean NOT NULL,
    attributes    jsonb
) PARTITION BY RANGE (time);
-- The newest records of a tenant first; and counts by template without reading the records themselves.
CREATE INDEX log_records_time ON log_records (tenant, time, id) INCLUDE (service, severity, template);
CREATE INDEX log_records_trace ON log_records (trace_id) WHERE trace_id IS NOT NULL;
