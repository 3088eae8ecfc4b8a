-- Which traces are kept when their hour goes. Parameters are listed in order.

-- name: keep_failed
-- from, to, most of an operation. Traces with a failed span.
INSERT INTO kept_traces (tenant, trace_id, reason)
SELECT DISTINCT tenant, trace_id, 'error' FROM (
    SELECT o.tenant, s.trace_id, row_number() OVER (PARTITION BY s.operation ORDER BY s.trace_id) AS place
    FROM (
        SELECT DISTINCT operation, trace_id FROM spans WHERE started >= $1 AND started < $2 AND status = 2
    ) AS s JOIN span_operations AS o ON o.id = s.operation
) AS failed
WHERE place <= $3
ON CONFLICT DO NOTHING

-- name: keep_slow
-- from, to, share, least, most. Of each root operation with so many traces at least, those that took as long as its quantile or
-- longer.
INSERT INTO kept_traces (tenant, trace_id, reason)
SELECT DISTINCT o.tenant, s.trace_id, 'slow' FROM (
    SELECT s.operation, s.trace_id, s.duration_ns, q.slow_ns,
        row_number() OVER (PARTITION BY s.operation ORDER BY s.duration_ns DESC, s.trace_id) AS place
    FROM spans AS s JOIN (
        SELECT operation, percentile_disc($3::float8) WITHIN GROUP (ORDER BY duration_ns) AS slow_ns
        FROM spans WHERE started >= $1 AND started < $2 AND parent_id IS NULL GROUP BY operation HAVING count(*) >= $4
    ) AS q USING (operation)
    WHERE s.started >= $1 AND s.started < $2 AND s.parent_id IS NULL AND s.duration_ns >= q.slow_ns
) AS s JOIN span_operations AS o ON o.id = s.operation
WHERE place <= $5
ON CONFLICT DO NOTHING

-- name: keep_sampled
-- from, to, one in, most. Of each root operation one trace in so many, and one at least: those with the lowest ids, which are random.
INSERT INTO kept_traces (tenant, trace_id, reason)
SELECT DISTINCT o.tenant, s.trace_id, 'sampled' FROM (
    SELECT operation, trace_id, row_number() OVER (PARTITION BY operation ORDER BY trace_id) AS place,
        count(*) OVER (PARTITION BY operation) AS traces
    FROM (SELECT DISTINCT operation, trace_id FROM spans WHERE started >= $1 AND started < $2 AND parent_id IS NULL) AS r
) AS s JOIN span_operations AS o ON o.id = s.operation
WHERE place <= LEAST($4::bigint, (traces + $3::bigint - 1) / $3::bigint)
ON CONFLICT DO NOTHING

-- name: lock_for_marking
-- Before somebody looks for what it marks: an hour that is about to go waits until that is marked.
LOCK TABLE kept_traces IN ROW EXCLUSIVE MODE

-- name: lock_for_fading
-- Before the kept traces of an hour are copied: nobody marks any until the hour is gone.
LOCK TABLE kept_traces IN SHARE MODE

-- name: copy_kept
-- from, to. The spans of kept traces, to where they stay for days.
INSERT INTO kept_spans SELECT s.* FROM spans AS s JOIN span_operations AS o ON o.id = s.operation
WHERE s.started >= $1 AND s.started < $2
    AND EXISTS (SELECT FROM kept_traces AS k WHERE k.tenant = o.tenant AND k.trace_id = s.trace_id)

-- name: cite_traces
-- tenant, trace ids, reason. Returns how many are kept for this reason now that were not before.
WITH kept AS (
    INSERT INTO kept_traces (tenant, trace_id, reason) SELECT $1, trace_id, $3 FROM unnest($2::bytea[]) AS t (trace_id)
    ON CONFLICT DO NOTHING RETURNING 1
)
SELECT count(*)::int FROM kept

-- name: worst_traces
-- tenant, services (none: all), from, to, most. Of the traces with a span in the range: failed ones first, then those with the
-- longest spans.
SELECT s.trace_id, max(s.status) = 2 AS failed, max(s.duration_ns) AS longest FROM all_spans AS s
WHERE s.started >= $3 AND s.started < $4 AND s.operation = ANY (ARRAY(
    SELECT id FROM span_operations WHERE tenant = $1 AND (cardinality($2::text[]) = 0 OR service = ANY ($2::text[]))
))
GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1 LIMIT $5

-- name: has_trace
-- tenant, trace id
SELECT EXISTS (
    SELECT FROM all_spans AS s JOIN span_operations AS o ON o.id = s.operation WHERE s.trace_id = $2 AND o.tenant = $1
)

-- name: pin_trace
-- tenant, trace id
INSERT INTO kept_traces (tenant, trace_id, reason) VALUES ($1, $2, 'pinned') ON CONFLICT DO NOTHING

-- name: unpin_trace
-- tenant, trace id
DELETE FROM kept_traces WHERE tenant = $1 AND trace_id = $2 AND reason = 'pinned'

-- name: kept_reasons
-- tenant, trace id
SELECT reason FROM kept_traces WHERE tenant = $1 AND trace_id = $2 ORDER BY reason

-- name: expire_kept_traces
-- before
DELETE FROM kept_traces WHERE at < $1

-- name: take_explanation
-- tenant, start of the window. Whether nobody has explained it; waits for whoever does so at the moment.
WITH taken AS (
    INSERT INTO explanations (tenant, window_start) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1
)
SELECT EXISTS (SELECT FROM taken)

-- name: expire_explanations
-- before
DELETE FROM explanations WHERE window_start < $1
