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

-- Attributes that many spans of an operation have in common, and their name, as it was given.
CREATE TABLE span_attributes (
    id         bigint PRIMARY KEY,
    tenant     text COLLATE "C" NOT NULL,
    name       text NOT NULL,
    attributes jsonb NOT NULL,
    seen_on    date NOT NULL DEFAULT current_date
);
CREATE INDEX span_attributes_tenant ON span_attributes (tenant);

-- `attributes` are those of the span alone, beside the `common` ones. `more` holds what few spans have: events, links, status
-- message, trace state. `start_ns` are the nanoseconds
-- that `started` does not show; `flags` are null where they are those of nearly every span: sampled, with a parent of the same process.
CREATE TABLE spans (
    operation   bigint NOT NULL,
    resource    bigint NOT NULL,
    common      bigint NOT NULL,
    started     timestamptz NOT NULL,
    duration_ns bigint NOT NULL,
    start_ns    smallint NOT NULL,
    flags       smallint,
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
-- What is looked for is either the latest, or what was slow, or what has an attribute that few have.
CREATE INDEX spans_started ON spans USING brin (started) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX spans_duration ON spans (operation, duration_ns);
CREATE INDEX spans_attributes ON spans USING gin (attributes jsonb_path_ops) WITH (gin_pending_list_limit = 512);

-- Spans of traces that are kept for days. They get here when their hour goes, in the same transaction.
CREATE TABLE kept_spans (LIKE spans) PARTITION BY RANGE (started);
CREATE INDEX kept_spans_trace ON kept_spans (trace_id);
CREATE INDEX kept_spans_started ON kept_spans USING brin (started) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX kept_spans_duration ON kept_spans (operation, duration_ns);
CREATE INDEX kept_spans_attributes ON kept_spans USING gin (attributes jsonb_path_ops) WITH (gin_pending_list_limit = 512);

CREATE VIEW all_spans AS SELECT * FROM spans UNION ALL SELECT * FROM kept_spans;

-- Which traces are kept, and why: for each reason a row.
CREATE TABLE kept_traces (
    tenant   text COLLATE "C" NOT NULL,
    trace_id bytea NOT NULL,
    reason   text NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, trace_id, reason)
);
CREATE INDEX kept_traces_at ON kept_traces USING brin (at);
