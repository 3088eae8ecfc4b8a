-- Spans, and what many of them have in common. Parameters are listed in order.

-- name: put_span_operations
-- ids, tenants, services, operations, kinds, scopes, versions of these. What is there is seen again.
INSERT INTO span_operations AS s (id, tenant, service, operation, kind, scope, scope_version)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::text[], $7::text[])
ON CONFLICT (id) DO UPDATE SET seen_on = now() WHERE s.seen_on < now() - interval '1 hour'

-- name: put_span_resources
-- ids, attributes. What is there is seen again.
INSERT INTO span_resources AS s (id, attributes)
SELECT id, text::jsonb FROM unnest($1::bigint[], $2::text[]) AS given (id, text)
ON CONFLICT (id) DO UPDATE SET seen_on = now() WHERE s.seen_on < now() - interval '1 hour'

-- name: put_span_attributes
-- ids, tenants, names, attributes. What is there is seen again.
INSERT INTO span_attributes AS s (id, tenant, name, attributes)
SELECT id, tenant, name, text::jsonb FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS given (id, tenant, name, text)
ON CONFLICT (id) DO UPDATE SET seen_on = now() WHERE s.seen_on < now() - interval '1 hour'

-- name: expire_span_attributes
-- days
DELETE FROM span_attributes WHERE seen_on < now() - make_interval(days => $1)

-- name: expire_span_operations
-- days
DELETE FROM span_operations WHERE seen_on < now() - make_interval(days => $1)

-- name: expire_span_resources
-- days
DELETE FROM span_resources WHERE seen_on < now() - make_interval(days => $1)

-- name: lookup_sizes
-- tables. Bytes on disk, those of indexes among them.
SELECT name, pg_total_relation_size(to_regclass(name)) AS bytes FROM unnest($1::text[]) AS t (name)

-- name: wait_for_locks
-- How long the statements of this session wait for a lock; 0: without end.
SELECT set_config('lock_timeout', $1, false)

-- name: forget_span_operations
-- seconds. Those that were not seen for so long, and that nothing refers to.
DELETE FROM span_operations AS l WHERE l.seen_on < now() - $1::float8 * interval '1 second' AND NOT EXISTS (
    SELECT FROM (SELECT DISTINCT operation FROM all_spans) AS u WHERE u.operation = l.id
)

-- name: live_bytes_span_operations
-- What the rows take, with their places in indexes.
SELECT coalesce(sum(octet_length(tenant) + octet_length(service) + octet_length(operation) + octet_length(scope) + octet_length(scope_version) + 100), 0)::bigint FROM span_operations

-- name: rewrite_span_operations
VACUUM FULL span_operations

-- name: forget_span_resources
-- seconds. Those that were not seen for so long, and that nothing refers to.
DELETE FROM span_resources AS l WHERE l.seen_on < now() - $1::float8 * interval '1 second' AND NOT EXISTS (
    SELECT FROM (SELECT DISTINCT resource FROM all_spans UNION SELECT DISTINCT resource FROM log_records) AS u WHERE u.resource = l.id
)

-- name: live_bytes_span_resources
-- What the rows take, with their places in indexes.
SELECT coalesce(sum(pg_column_size(attributes) + 100), 0)::bigint FROM span_resources

-- name: rewrite_span_resources
VACUUM FULL span_resources

-- name: forget_span_attributes
-- seconds. Those that were not seen for so long, and that nothing refers to.
DELETE FROM span_attributes AS l WHERE l.seen_on < now() - $1::float8 * interval '1 second' AND NOT EXISTS (
    SELECT FROM (SELECT DISTINCT common FROM all_spans) AS u WHERE u.common = l.id
)

-- name: live_bytes_span_attributes
-- What the rows take, with their places in indexes.
SELECT coalesce(sum(octet_length(name) + pg_column_size(attributes) + 100), 0)::bigint FROM span_attributes

-- name: rewrite_span_attributes
VACUUM FULL span_attributes

-- name: spans_of_trace
-- tenant, trace id, limit. The spans of one trace, the earliest first. The spans are found first, by their traces
-- alone: with the tenant's operations as a condition that an index knows, a large trace would be read for each of them.
SELECT s.*, o.service, o.operation AS operation_name, o.kind, o.scope, o.scope_version, r.attributes AS resource_attributes,
    c.name, c.attributes AS common_attributes
FROM (
    SELECT * FROM all_spans WHERE trace_id = $2 AND operation + 0 IN (SELECT id FROM span_operations WHERE tenant = $1)
    ORDER BY started, start_ns, span_id LIMIT $3
) AS s JOIN span_operations AS o ON o.id = s.operation JOIN span_resources AS r ON r.id = s.resource
    JOIN span_attributes AS c ON c.id = s.common
ORDER BY s.started, s.start_ns, s.span_id

-- name: outline_of_trace
-- tenant, trace id, limit. As `spans_of_trace`, without attributes, events and links; of messages of failed ones the beginning.
SELECT s.*, o.service, o.operation AS operation_name, o.kind, o.scope, o.scope_version, r.attributes AS resource_attributes,
    c.name, '{}' AS common_attributes
FROM (
    SELECT trace_id, span_id, parent_id, operation, resource, common, started, start_ns, duration_ns, status, flags,
        user_id, session_id, NULL::text AS attributes, NULL::text AS more,
        CASE WHEN status = 2 THEN left(more ->> 'message', 200) END AS message
    FROM all_spans WHERE trace_id = $2 AND operation + 0 IN (SELECT id FROM span_operations WHERE tenant = $1)
    ORDER BY started, start_ns, span_id LIMIT $3
) AS s JOIN span_operations AS o ON o.id = s.operation JOIN span_resources AS r ON r.id = s.resource
    JOIN span_attributes AS c ON c.id = s.common
ORDER BY s.started, s.start_ns, s.span_id

-- name: spans_of_trace_with_text
-- tenant, trace id, limit, text. Which of the first spans of a trace have the text in an attribute (`name=value`), in one of the
-- resource (`resource.name=value`) or in an event. What spans have in common is looked through once.
WITH first AS MATERIALIZED (
    SELECT span_id, started, start_ns, resource, common, attributes, more
    FROM all_spans WHERE trace_id = $2 AND operation + 0 IN (SELECT id FROM span_operations WHERE tenant = $1)
    ORDER BY started, start_ns, span_id LIMIT $3
), resources AS MATERIALIZED (
    SELECT r.id FROM span_resources AS r WHERE r.id IN (SELECT resource FROM first) AND EXISTS (
        SELECT FROM jsonb_each_text(r.attributes) AS a WHERE strpos(lower('resource.' || a.key || '=' || a.value), lower($4)) > 0
    )
), commons AS MATERIALIZED (
    SELECT c.id FROM span_attributes AS c WHERE c.id IN (SELECT common FROM first) AND EXISTS (
        SELECT FROM jsonb_each_text(c.attributes) AS a WHERE strpos(lower(a.key || '=' || a.value), lower($4)) > 0
    )
)
SELECT s.span_id FROM first AS s
WHERE s.resource IN (SELECT id FROM resources) OR s.common IN (SELECT id FROM commons)
    OR EXISTS (SELECT FROM jsonb_each_text(s.attributes) AS a WHERE strpos(lower(a.key || '=' || a.value), lower($4)) > 0)
    OR EXISTS (
        SELECT FROM jsonb_array_elements(s.more -> 'events') AS e WHERE strpos(lower(e ->> 1), lower($4)) > 0 OR EXISTS (
            SELECT FROM jsonb_each_text(e -> 2) AS a WHERE strpos(lower(a.key || '=' || a.value), lower($4)) > 0
        )
    )
ORDER BY s.started, s.start_ns, s.span_id

-- name: span_of_trace
-- tenant, trace id, span id. Of several spans with one id the first to start.
SELECT s.*, o.service, o.operation AS operation_name, o.kind, o.scope, o.scope_version, r.attributes AS resource_attributes,
    c.name, c.attributes AS common_attributes
FROM (
    SELECT * FROM all_spans
    WHERE trace_id = $2 AND span_id = $3 AND operation + 0 IN (SELECT id FROM span_operations WHERE tenant = $1)
    ORDER BY started, start_ns LIMIT 1
) AS s JOIN span_operations AS o ON o.id = s.operation JOIN span_resources AS r ON r.id = s.resource
    JOIN span_attributes AS c ON c.id = s.common

-- name: operations_of_tenant
-- tenant. All that was seen lately.
SELECT id, service, operation, kind FROM span_operations WHERE tenant = $1

-- name: traces_in_brief
-- operations of the tenant, trace ids, from, to, services. For each trace and each of its services with the most spans: spans and
-- errors; those of the whole trace, its number of services; and its first root span, which names no parent, or without one the
-- first span of all, as an array: 0 for a root, start in microseconds and the nanoseconds beyond, duration, operation.
WITH counted AS (
    SELECT s.trace_id, s.operation, count(*) AS spans, count(*) FILTER (WHERE s.status = 2) AS errors,
        min(ARRAY[
            (s.parent_id IS NOT NULL)::int::bigint, (extract(epoch FROM s.started) * 1000000)::bigint, s.start_ns::bigint,
            s.duration_ns, s.operation
        ]) AS first
    FROM all_spans AS s
    WHERE s.trace_id = ANY ($2::bytea[]) AND s.operation + 0 = ANY ($1::bigint[]) AND s.started >= $3 AND s.started < $4
    GROUP BY 1, 2
), by_service AS (
    SELECT c.trace_id, o.service, sum(c.spans)::int AS spans, sum(c.errors)::int AS errors, min(c.first) AS first
    FROM counted AS c JOIN span_operations AS o ON o.id = c.operation GROUP BY 1, 2
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY trace_id ORDER BY spans DESC, service) AS place,
        (count(*) OVER whole)::int AS services, (sum(spans) OVER whole)::int AS all_spans,
        (sum(errors) OVER whole)::int AS all_errors, min(first) OVER whole AS first_of_all
    FROM by_service WINDOW whole AS (PARTITION BY trace_id)
)
SELECT trace_id, service, spans, errors, services, all_spans, all_errors, first_of_all
FROM ranked WHERE place <= $5 ORDER BY trace_id, place

-- name: events_of_trace
-- tenant, trace id in hexadecimal digits, users, sessions, from, to, limit. Events of the trace, or of its users and sessions at
-- about that time.
SELECT event_id, event_type, time, user_id, session_id, data, coalesce(trace_id = $2, false) AS in_trace
FROM events
WHERE tenant = $1 AND time >= $5 AND time < $6
    AND (trace_id = $2 OR user_id = ANY ($3::text[]) OR session_id = ANY ($4::text[]))
ORDER BY time LIMIT $7
