-- Errors of spans: groups by fingerprint, and the spans that had them. Parameters are listed in order. Where spans are found by their
-- trace, tenants are compared in a way that no index knows: in a new partition, any index may seem as good.

-- name: put_span_errors
-- tenants, starts, times of the errors in ns, fingerprints, places, trace ids, span ids, parents, whether handled, services, entries,
-- versions, users, what groups say; most groups of a tenant, most of a place. Returns how many were counted as `other`.
SELECT put_span_errors(
    $1::text[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[], $7::bytea[], $8::bytea[], $9::boolean[],
    $10::text[], $11::text[], $12::text[], $13::text[], $14::text[]::jsonb[], $15, $16
)

-- name: expire_error_groups
-- days
DELETE FROM error_groups WHERE last_seen < now() - make_interval(days => $1)

-- name: error_groups
-- tenant, from, to, services or none, status or '', type or '', patterns or none, order, key of the last one of the page before or NULL, its
-- fingerprint, limit, most occurrences that are counted of each, the id of a trace that has them or NULL, services that are left out.
-- Those of a tenant are few enough to sort.
SELECT g.*, n.in_range, t.trace_id
FROM (
    SELECT * FROM (
        SELECT g.*, CASE $8::text WHEN 'count' THEN g.count
            WHEN 'first_seen' THEN (extract(epoch FROM g.first_seen) * 1000000)::bigint
            ELSE (extract(epoch FROM g.last_seen) * 1000000)::bigint END AS key
        FROM error_groups AS g
        WHERE g.tenant = $1 AND g.count > 0 AND ($13::bytea IS NOT NULL OR (g.last_seen >= $2 AND g.first_seen < $3))
          AND ($4::text[] = '{}' OR g.service = ANY ($4)) AND g.service <> ALL ($14::text[]) AND ($5::text = '' OR g.status = $5) AND ($6::text = '' OR g.type = $6)
          AND ($7::text[] = '{}' OR g.title ILIKE ANY ($7) OR g.culprit ILIKE ANY ($7))
          AND ($13 IS NULL OR g.fingerprint = ANY (ARRAY(
              SELECT s.fingerprint FROM span_errors AS s WHERE s.trace_id = $13 AND s.tenant || '' = $1 AND NOT s.passed_on
          )))
    ) AS g
    WHERE $9::bigint IS NULL OR (g.key, g.fingerprint) < ($9, $10::bigint)
    ORDER BY g.key DESC, g.fingerprint DESC LIMIT $11
) AS g
CROSS JOIN LATERAL (SELECT count(*) AS in_range FROM (
    SELECT FROM span_errors AS s WHERE s.tenant = g.tenant AND s.fingerprint = g.fingerprint AND NOT s.passed_on
      AND s.started >= $2 AND s.started < $3 LIMIT $12
) AS s) AS n
LEFT JOIN LATERAL (
    SELECT s.trace_id FROM span_errors AS s WHERE s.tenant = g.tenant AND s.fingerprint = g.fingerprint AND NOT s.passed_on
      AND s.started >= $2 AND s.started < $3 ORDER BY s.started DESC LIMIT 1
) AS t ON true
ORDER BY g.key DESC, g.fingerprint DESC

-- name: error_steps
-- tenant, fingerprints, from, to, steps, most occurrences that are counted of each. How often each came in each of so many equal parts
-- of the range, and in which versions.
SELECT f.fingerprint, n.step, count(*)::int AS count,
    (array_agg(DISTINCT s.version) FILTER (WHERE s.version IS NOT NULL))[1:20] AS versions
FROM unnest($2::bigint[]) AS f (fingerprint)
CROSS JOIN LATERAL (
    SELECT s.started, s.version FROM span_errors AS s
    WHERE s.tenant = $1 AND s.fingerprint = f.fingerprint AND NOT s.passed_on AND s.started >= $3 AND s.started < $4
    ORDER BY s.started DESC LIMIT $6
) AS s
CROSS JOIN LATERAL (SELECT floor(
    extract(epoch FROM s.started - $3::timestamptz) / extract(epoch FROM $4::timestamptz - $3::timestamptz) * $5::int
)::int AS step) AS n
GROUP BY 1, 2

-- name: error_group
-- tenant, fingerprint, from, to, most occurrences that are counted
SELECT g.*, (SELECT count(*) FROM (
    SELECT FROM span_errors AS s WHERE s.tenant = g.tenant AND s.fingerprint = g.fingerprint AND NOT s.passed_on
      AND s.started >= $3 AND s.started < $4 LIMIT $5
) AS s) AS in_range, NULL::bytea AS trace_id
FROM error_groups AS g WHERE g.tenant = $1 AND g.fingerprint = $2

-- name: error_rate
-- tenant, fingerprint, from, to, step. In how many spans the error began in each step that has some.
SELECT date_bin($5::interval, started, '2000-01-01') AS step, count(*) AS count
FROM span_errors
WHERE tenant = $1 AND fingerprint = $2 AND NOT passed_on AND started >= $3 AND started < $4
GROUP BY 1 ORDER BY 1

-- name: error_occurrences
-- tenant, fingerprint, from, to, limit. The newest spans in which it began. A request's entry and user are those of the outermost
-- span that passed the error on, where they are known.
SELECT l.trace_id, l.span_id, l.started, l.version, coalesce(o.entry, l.entry) AS entry, coalesce(l.user_id, o.user_id) AS user_id
FROM (
    SELECT * FROM span_errors
    WHERE tenant = $1 AND fingerprint = $2 AND NOT passed_on AND started >= $3 AND started < $4
    ORDER BY started DESC LIMIT $5
) AS l
LEFT JOIN LATERAL (
    SELECT (array_agg(e.entry ORDER BY e.started) FILTER (WHERE e.entry IS NOT NULL))[1] AS entry, max(e.user_id) AS user_id
    FROM span_errors AS e
    WHERE e.trace_id = l.trace_id AND e.tenant || '' = l.tenant
      AND e.started BETWEEN l.started - interval '1 hour' AND l.started + interval '1 hour'
) AS o ON true
ORDER BY l.started DESC

-- name: change_error
-- tenant, fingerprint, status, version or ''. Resolved in a version: those before are the ones that were seen by now.
UPDATE error_groups AS g SET status = $3, status_at = now(), resolved_in = nullif($4::text, ''), fixed_from =
    CASE WHEN $3 = 'resolved' AND $4 <> '' THEN ARRAY(
        SELECT DISTINCT s.version FROM span_errors AS s
        WHERE s.tenant = g.tenant AND s.fingerprint = g.fingerprint AND s.version IS NOT NULL AND s.version <> $4
    ) ELSE '{}' END
WHERE g.tenant = $1 AND g.fingerprint = $2
RETURNING g.fingerprint

-- name: failing_traces
-- tenant, trace ids, from, to, fingerprint or NULL. Those of them that have an error that was not handled, or just that error.
SELECT DISTINCT trace_id FROM span_errors
WHERE tenant || '' = $1 AND trace_id = ANY ($2::bytea[]) AND started >= $3 AND started < $4
  AND CASE WHEN $5::bigint IS NULL THEN NOT handled ELSE fingerprint = $5 END

-- name: traces_with_errors
-- tenant, from, to, fingerprint or NULL, limit. Traces with an error that was not handled, or with just that error.
SELECT trace_id, min(started) AS started FROM (
    SELECT trace_id, started FROM span_errors
    WHERE tenant = $1 AND started >= $2 AND started < $3 AND NOT passed_on
      AND CASE WHEN $4::bigint IS NULL THEN NOT handled ELSE fingerprint = $4 END
    ORDER BY started DESC LIMIT $5
) AS s GROUP BY 1

-- name: longest_of_traces
-- operations of the tenant, from, to, most spans. The traces of the newest spans, with the longest of these spans of each, and how
-- many they are.
SELECT s.trace_id, max(s.duration_ns) AS duration_ns, (array_agg(s.operation ORDER BY s.duration_ns DESC))[1] AS operation,
    count(*)::int AS spans, min(s.started) AS started
FROM (
    SELECT trace_id, duration_ns, operation, started FROM all_spans
    WHERE operation = ANY ($1::bigint[]) AND started >= $2 AND started < $3
    ORDER BY started DESC LIMIT $4
) AS s
GROUP BY 1

-- name: traces_of_operations
-- trace ids, operations, from, to. The traces that have a span of one of the operations.
SELECT DISTINCT trace_id FROM all_spans
WHERE trace_id = ANY ($1::bytea[]) AND operation = ANY ($2::bigint[]) AND started >= $3 AND started < $4
