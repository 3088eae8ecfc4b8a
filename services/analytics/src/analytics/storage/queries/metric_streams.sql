-- The last points of streams of cumulative metrics.

-- name: lock_metric_streams
-- streams. Their states, held until the transaction ends; sorted, so that two writers never wait for each other in a circle.
SELECT stream, state FROM metric_streams WHERE stream = ANY ($1::bytea[]) ORDER BY stream FOR UPDATE

-- name: add_metric_streams
-- streams, tenants. Adds those that are not there, which locks them; returns those that it added.
INSERT INTO metric_streams (stream, tenant)
SELECT * FROM unnest($1::bytea[], $2::text[]) AS s (stream, tenant) ORDER BY stream
ON CONFLICT DO NOTHING RETURNING stream

-- name: put_metric_streams
-- streams, tenants, states. All are locked by this transaction.
INSERT INTO metric_streams AS s (stream, tenant, state)
SELECT * FROM unnest($1::bytea[], $2::text[], $3::bytea[])
ON CONFLICT (stream) DO UPDATE SET state = excluded.state, day = excluded.day

-- name: metric_streams_known_from
-- days. Since when every stream that began has a row: when the table was made, or as long as rows are kept. In ns since 1970.
SELECT (extract(epoch FROM greatest(applied_at, now() - make_interval(days => $1))) * 1000000)::bigint * 1000
FROM migrations WHERE name = 'metric_streams'

-- name: expire_metric_streams
-- days, limit. Some of the rows that did not change for longer; repeat until it removes none. One that is in use is left.
DELETE FROM metric_streams WHERE stream = ANY (ARRAY(
    SELECT stream FROM metric_streams WHERE day < current_date - $1::integer ORDER BY stream LIMIT $2 FOR UPDATE SKIP LOCKED
))
