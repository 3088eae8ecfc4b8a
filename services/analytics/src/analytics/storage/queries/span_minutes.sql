-- Minutes of spans: which are to be counted, and what was counted. Parameters are listed in order.

-- name: try_count_minutes
-- Whether nobody else counts at the moment. Held until the connection ends.
SELECT pg_try_advisory_lock(hashtext('drishti.span_minutes'))

-- name: due_minutes
-- seconds after its end until a minute is quiet, seconds without a change, seconds after which it does not matter, limit. The
-- minutes to count: of each tenant the latest first, and of all tenants in turn, so that whoever sends spans of a thousand minutes
-- that are over keeps nobody else waiting.
SELECT tenant, minute FROM (
    SELECT tenant, minute, row_number() OVER (PARTITION BY tenant ORDER BY minute DESC) AS turn
    FROM span_changes
    WHERE minute < now() - interval '1 minute' - $1::float8 * interval '1 second'
    GROUP BY tenant, minute
    HAVING max(at) < now() - $2::float8 * interval '1 second' OR min(at) < now() - $3::float8 * interval '1 second'
) AS due
ORDER BY turn, minute, tenant LIMIT $4

-- name: take_changes
-- tenant, minute
DELETE FROM span_changes WHERE tenant = $1 AND minute = $2

-- name: waiting_minutes
-- tenant, from, to. Minutes that have changed and are not counted yet.
SELECT DISTINCT minute FROM span_changes WHERE tenant = $1 AND minute >= $2 AND minute < $3 ORDER BY minute DESC

-- name: put_minute
-- tenant, kind, minute, traces, one in, sums. Its hour is to be added up anew.
WITH gone AS (DELETE FROM span_hours WHERE tenant = $1 AND kind = $2 AND hour = date_trunc('hour', $3::timestamptz, 'UTC'))
INSERT INTO span_minutes (tenant, kind, minute, traces, one_in, sums) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant, kind, minute) DO UPDATE SET traces = excluded.traces, one_in = excluded.one_in, sums = excluded.sums

-- name: first_minute
-- tenant, kind. The earliest that is stored.
SELECT min(minute) FROM span_minutes WHERE tenant = $1 AND kind = $2

-- name: minutes
-- tenant, kind, from, to
SELECT minute, traces, one_in, sums FROM span_minutes
WHERE tenant = $1 AND kind = $2 AND minute >= $3 AND minute < $4 ORDER BY minute

-- name: minutes_outside_hours
-- tenant, kind, from, to, hours. As `minutes`, without those of some hours.
SELECT minute, traces, one_in, sums FROM span_minutes
WHERE tenant = $1 AND kind = $2 AND minute >= $3 AND minute < $4
    AND date_trunc('hour', minute, 'UTC') <> ALL ($5::timestamptz[]) ORDER BY minute

-- name: hours
-- tenant, kind, from, to. Hours that lie in the range, as a whole.
SELECT hour, traces, sums FROM span_hours
WHERE tenant = $1 AND kind = $2 AND hour >= $3 AND hour <= $4::timestamptz - interval '1 hour' ORDER BY hour

-- name: due_hours
-- kind, seconds after its end until an hour is added up, limit. The newest first.
SELECT DISTINCT m.tenant, date_trunc('hour', m.minute, 'UTC') AS hour FROM span_minutes AS m
WHERE m.kind = $1 AND m.minute < date_trunc('hour', now() - $2::float8 * interval '1 second', 'UTC')
    AND NOT EXISTS (
        SELECT FROM span_hours AS h
        WHERE h.tenant = m.tenant AND h.kind = m.kind AND h.hour = date_trunc('hour', m.minute, 'UTC')
    )
ORDER BY hour DESC, m.tenant LIMIT $3

-- name: minutes_of_hour
-- tenant, kind, hour
SELECT traces, one_in, sums FROM span_minutes
WHERE tenant = $1 AND kind = $2 AND minute >= $3 AND minute < $3::timestamptz + interval '1 hour'

-- name: put_hour
-- tenant, kind, hour, traces, sums
INSERT INTO span_hours (tenant, kind, hour, traces, sums) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant, kind, hour) DO UPDATE SET traces = excluded.traces, sums = excluded.sums

-- name: traces_of_minute
-- tenant, from, to, limit. The traces that have a span in the minute, with how many. Of thousands of operations a hash is made.
SELECT s.trace_id, count(*)::int AS spans FROM all_spans AS s
WHERE s.started >= $2 AND s.started < $3 AND s.operation + 0 IN (SELECT id FROM span_operations WHERE tenant = $1)
GROUP BY 1 ORDER BY 1 LIMIT $4

-- name: traces_of_some_spans
-- tenant, from, to, spans. As `traces_of_minute`, those of so many spans, whichever are read first.
SELECT s.trace_id, count(*)::int AS spans FROM (
    SELECT trace_id FROM all_spans
    WHERE started >= $2 AND started < $3 AND operation + 0 IN (SELECT id FROM span_operations WHERE tenant = $1)
    LIMIT $4
) AS s
GROUP BY 1

-- name: spans_of_traces
-- tenant, trace ids, from, to, limit. All spans of some traces, found by these alone.
SELECT s.*, o.service, o.operation AS operation_name, o.kind, o.scope, o.scope_version, r.attributes AS resource_attributes,
    c.name, c.attributes AS common_attributes
FROM (
    SELECT * FROM all_spans
    WHERE trace_id = ANY ($2::bytea[]) AND started >= $3 AND started < $4
        AND operation + 0 IN (SELECT id FROM span_operations WHERE tenant = $1)
    LIMIT $5
) AS s JOIN span_operations AS o ON o.id = s.operation JOIN span_resources AS r ON r.id = s.resource
    JOIN span_attributes AS c ON c.id = s.common

-- name: first_spans_of_traces
-- tenant, trace ids, from, to, limit. As `spans_of_traces`, of more spans the earliest.
SELECT s.*, o.service, o.operation AS operation_name, o.kind, o.scope, o.scope_version, r.attributes AS resource_attributes,
    c.name, c.attributes AS common_attributes
FROM (
    SELECT * FROM all_spans
    WHERE trace_id = ANY ($2::bytea[]) AND started >= $3 AND started < $4
        AND operation + 0 IN (SELECT id FROM span_operations WHERE tenant = $1)
    ORDER BY started, start_ns LIMIT $5
) AS s JOIN span_operations AS o ON o.id = s.operation JOIN span_resources AS r ON r.id = s.resource
    JOIN span_attributes AS c ON c.id = s.common

-- name: linked_spans
-- tenant, trace ids, span ids, from, to. The spans to which links lead.
SELECT s.*, o.service, o.operation AS operation_name, o.kind, o.scope, o.scope_version, r.attributes AS resource_attributes,
    c.name, c.attributes AS common_attributes
FROM (
    SELECT * FROM all_spans
    WHERE trace_id = ANY ($2::bytea[]) AND span_id = ANY ($3::bytea[]) AND started >= $4 AND started < $5
        AND operation + 0 IN (SELECT id FROM span_operations WHERE tenant = $1)
    OFFSET 0
) AS s JOIN span_operations AS o ON o.id = s.operation JOIN span_resources AS r ON r.id = s.resource
    JOIN span_attributes AS c ON c.id = s.common

-- name: log_lines_of_traces
-- tenant, trace ids, from, to, limit
SELECT trace_id, span_id, time, service, severity, body FROM log_records
WHERE tenant = $1 AND trace_id = ANY ($2::bytea[]) AND time >= $3 AND time < $4 AND span_id IS NOT NULL AND NOT structured
LIMIT $5

-- name: gauges_of_load
-- tenant, from, to, limit. The mean of each metric of processors by service and minute.
SELECT s.labels ->> 'service' AS service, m.metric, c.window_start AS minute, sum(c.sum) / sum(c.count) AS value
FROM metric_ids AS m JOIN series AS s ON s.metric = m.id JOIN cells_1m AS c ON c.metric = m.id AND c.series = s.id
WHERE m.tenant = $1 AND m.metric LIKE '%cpu%' AND c.window_start >= $2 AND c.window_start < $3
    AND s.labels ->> 'service' <> 'other'
GROUP BY 1, 2, 3 HAVING sum(c.count) > 0
LIMIT $4
