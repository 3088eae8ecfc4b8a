-- What one person did, by all of their ids. Parameters are listed in order.

-- name: prefer_indexes
-- Until the transaction ends. The index by user is made of filters, of which the planner expects too little.
SELECT set_config('enable_seqscan', 'off', true)

-- name: timeline_rows
-- tenant, ids, from, to, kinds, types of events or none, time, kind and id of the last row of the page before or NULLs, limit. An
-- error stands where it began, in a trace of which a failed span names the user; its service and title are those of its group.
WITH failed AS MATERIALIZED (
    SELECT DISTINCT trace_id FROM span_errors
    WHERE 'error' = ANY ($5::text[]) AND tenant = $1 AND user_id = ANY ($2::text[])
        AND started >= $3::timestamptz - interval '1 hour' AND started < $4::timestamptz + interval '1 hour'
)
SELECT * FROM (
    (
        SELECT 'event' AS kind, event_id COLLATE "C" AS id, time, user_id, event_type AS name, service, version, trace_id, data,
            NULL::int AS status, NULL::float8 AS duration_ms, NULL::text AS model, NULL::text AS error, NULL::bigint AS fingerprint
        FROM events
        WHERE 'event' = ANY ($5) AND tenant = $1 AND user_id = ANY ($2) AND time >= $3 AND time < $4
            AND ($6::text[] = '{}' OR event_type = ANY ($6))
            AND ($7::timestamptz IS NULL OR (time, 'event' COLLATE "C", event_id COLLATE "C") < ($7, $8::text, $9::text))
        ORDER BY time DESC, event_id COLLATE "C" DESC LIMIT $10
    ) UNION ALL (
        SELECT 'request', event_id COLLATE "C", time, user_id, method || ' ' || route, service, NULL, trace_id, NULL,
            status, duration_ms, model, error, NULL
        FROM requests
        WHERE 'request' = ANY ($5) AND tenant = $1 AND user_id = ANY ($2) AND time >= $3 AND time < $4
            AND ($7 IS NULL OR (time, 'request' COLLATE "C", event_id COLLATE "C") < ($7, $8, $9))
        ORDER BY time DESC, event_id COLLATE "C" DESC LIMIT $10
    ) UNION ALL (
        SELECT 'error', e.id, e.started, e.user_id, g.title, e.service, e.version, encode(e.trace_id, 'hex'), NULL,
            NULL, NULL, NULL, g.type, e.fingerprint
        FROM (
            SELECT s.*, (encode(s.trace_id, 'hex') || encode(s.span_id, 'hex')) COLLATE "C" AS id
            FROM failed JOIN span_errors AS s USING (trace_id)
            WHERE s.tenant || '' = $1 AND NOT s.passed_on AND s.started >= $3 AND s.started < $4
        ) AS e LEFT JOIN error_groups AS g ON g.tenant = e.tenant AND g.fingerprint = e.fingerprint
        WHERE $7 IS NULL OR (e.started, 'error' COLLATE "C", e.id) < ($7, $8, $9)
        ORDER BY e.started DESC, e.id DESC LIMIT $10
    )
) AS rows
ORDER BY time DESC, kind COLLATE "C" DESC, id DESC LIMIT $10

-- name: times_of_user
-- tenant, ids, from, to, limit. When events happened, in ms since 1970, the newest first.
SELECT (date_part('epoch', time) * 1000000)::bigint / 1000 AS ms FROM events WHERE tenant = $1 AND user_id = ANY ($2::text[]) AND time >= $3 AND time < $4 ORDER BY time DESC LIMIT $5

-- name: requests_of_user_by_day
-- tenant, ids. Requests by UTC day, and how many of them failed.
SELECT (time AT TIME ZONE 'UTC')::date AS day, count(*) AS requests, count(*) FILTER (WHERE status >= 500 OR error <> '') AS failed
FROM requests WHERE tenant = $1 AND user_id = ANY ($2::text[]) GROUP BY 1
