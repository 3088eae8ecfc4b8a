-- Spans, one row each, by the hour of their start. What many have in common is kept once and referred to by a hash of it, which every
-- replica computes alike.

-- What a span counts under. The scope, which is the instrumentation library, hangs on the operation nearly always.
CREATE TABLE span_operations (
    id            bigint PRIMARY KEY,
    tenant        text COLLATE "C" NOT NULL,
    service       text COLLATE "C" NOT NULL,
    operation     text COLLATE "C" NOT NULL,
    kind          smallint NOT NULL,
    scope         text NOT NULL,
    scope_version text NOT NULL,
    seen_on       date NOT NULL DEFAULT current_date
);
CREATE INDEX span_operations_service ON span_operations (tenant, service);

-- Who sent spans: attributes of the resource, as OpenTelemetry has them.
CREATE TABLE span_resources (
    id         bigint PRIMARY KEY,
    attributes jsonb NOT NULL,
    seen_on    date NOT NULL DEFAULT current_date
);

-- `more` holds what few spans have: a name of its own, events, links, status message, trace state. `start_ns` are the nanoseconds
-- that `started` does not show.
CREATE TABLE spans (
    operation   bigint NOT NULL,
    resource    bigint NOT NULL,
    started     timestamptz NOT NULL,
    duration_ns bigint NOT NULL,
    start_ns    smallint NOT NULL,
    flags       smallint NOT NULL,
    status      smallint NOT NULL,
    status_code smallint,
    trace_id    bytea NOT NULL,
    span_id     bytea NOT NULL,
    parent_id   bytea,
    user_id     text,
    session_id  text,
    error_type  text,
    attributes  jsonb,
    more        jsonb
) PARTITION BY RANGE (started);
CREATE INDEX spans_trace ON spans (trace_id);
CREATE INDEX spans_operation ON spans (operation, started);
