-- Events by user as columns, the marks up to which they are there, and the rows beyond. Parameters are listed in order.

-- name: try_compact
-- Whether nobody else makes segments at the moment. Held until the connection ends.
SELECT pg_try_advisory_lock(hashtext('drishti.segments'))

-- name: lock_segments
-- Waits until nobody else rewrites segments, and keeps others from it until unlock_segments.
SELECT pg_advisory_lock(hashtext('drishti.segments.rewrite'))

-- name: unlock_segments
SELECT pg_advisory_unlock(hashtext('drishti.segments.rewrite'))

-- name: compress_fast
-- For this connection, where the server has it.
SELECT set_config('default_toast_compression', 'lz4', false)
FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)

-- name: new_events_by_day
-- days. For each how many events are not in segments yet, and the seconds since it was last compacted; NULL where it never was,
-- and then 1 stands for any number of events.
SELECT d.day, date_part('epoch', clock_timestamp() - m.at) AS age_s,
    CASE WHEN m.below IS NULL THEN (
        SELECT count(*) FROM (
            SELECT FROM events AS e WHERE e.time >= d.day AND e.time < d.day + interval '1 day' LIMIT 1
        ) AS any_event
    ) ELSE (
        SELECT count(*) FROM events AS e
        WHERE e.time >= d.day AND e.time < d.day + interval '1 day' AND e.xid >= m.below
    ) END AS events
FROM unnest($1::timestamptz[]) AS d (day) LEFT JOIN valid_segment_marks AS m ON m.day = (d.day AT TIME ZONE 'UTC')::date
ORDER BY d.day DESC

-- name: summarize_new_blocks
-- partition. Blocks without a summary are read by every question, whatever is in them. Of many rows at once, as of an import,
-- PostgreSQL makes most summaries not before the next vacuum.
SELECT brin_summarize_new_values(i.indexrelid)
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS a ON a.oid = c.relam
WHERE i.indrelid = to_regclass($1) AND a.amname = 'brin'

-- name: settled_below
-- All transactions below this one have ended, and what they stored is seen.
SELECT txid_snapshot_xmin(txid_current_snapshot())

-- name: mark_of_day
-- day
SELECT below FROM valid_segment_marks WHERE day = $1

-- name: forget_foreign_transactions
-- from, to. Events of a dump that was restored here have numbers that this cluster has not given out yet: they are older than
-- every mark.
UPDATE events SET xid = NULL WHERE time >= $1 AND time < $2 AND xid >= txid_snapshot_xmax(txid_current_snapshot())

-- name: new_events_by_tenant
-- from, to, mark or NULL, below. Events that are to go into segments.
SELECT tenant, count(*) AS events FROM events
WHERE time >= $1 AND time < $2 AND ($3::bigint IS NULL OR xid >= $3) AND (xid IS NULL OR xid < $4) AND user_id IS NOT NULL
GROUP BY tenant ORDER BY tenant

-- name: new_event_rows
-- tenant, from, to, mark or NULL, below, buckets. Rows as analytics.product.event_rows reads them.
SELECT coalesce(p.person, hashtextextended(e.user_id, 0)),
    ((date_part('epoch', e.time - $2) * 1000000)::bigint / 1000)::integer, e.event_type, e.service, e.version, e.data, p.hash
FROM events AS e LEFT JOIN person_ids AS p ON p.tenant = $1 AND p.hash = hashtextextended(e.user_id, 0)
WHERE e.tenant = $1 AND e.time >= $2 AND e.time < $3 AND ($4::bigint IS NULL OR e.xid >= $4) AND (e.xid IS NULL OR e.xid < $5)
    AND e.user_id IS NOT NULL AND ((coalesce(p.person, hashtextextended(e.user_id, 0)) >> 60) & 15) = ANY ($6::bigint[])

-- name: event_rows_beyond
-- tenant, days, event types or NULL, buckets. Rows of these days that are not in segments: the day, then as new_event_rows.
SELECT date_trunc('day', e.time, 'UTC') AS day, coalesce(p.person, hashtextextended(e.user_id, 0)),
    ((date_part('epoch', e.time - date_trunc('day', e.time, 'UTC')) * 1000000)::bigint / 1000)::integer,
    e.event_type, e.service, e.version, e.data, p.hash
FROM events_beyond($1, $2) AS e LEFT JOIN person_ids AS p ON p.tenant = $1 AND p.hash = hashtextextended(e.user_id, 0)
WHERE ($3::text[] IS NULL OR e.event_type = ANY ($3))
    AND ((coalesce(p.person, hashtextextended(e.user_id, 0)) >> 60) & 15) = ANY ($4::bigint[])

-- name: event_types_beyond
-- tenant, days. Types of events that are not in segments.
SELECT DISTINCT event_type FROM events_beyond($1, $2)

-- name: properties_beyond
-- tenant, days. Keys of the data of events that are not in segments.
SELECT DISTINCT jsonb_object_keys(data) AS name FROM events_beyond($1, $2) WHERE jsonb_typeof(data) = 'object'

-- name: user_ids_beyond
-- tenant, days, hashes. Of those who have events that are not in segments.
SELECT DISTINCT hashtextextended(user_id, 0) AS hash, user_id
FROM events_beyond($1, $2) WHERE hashtextextended(user_id, 0) = ANY ($3::bigint[])

-- name: user_ids
-- tenant, hashes
SELECT hash, user_id FROM user_ids WHERE tenant = $1 AND hash = ANY ($2::bigint[])

-- name: traces_of_users
-- tenant, user_ids, since, until. A trace for each user and span of time in which an event of the user has one, the first.
SELECT found.trace_id
FROM unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) AS wanted (user_id, since, until)
CROSS JOIN LATERAL (
    SELECT trace_id FROM events
    WHERE tenant = $1 AND user_id = wanted.user_id AND time >= wanted.since AND time <= wanted.until AND trace_id IS NOT NULL
    ORDER BY time, trace_id LIMIT 1
) AS found

-- name: users_between
-- tenant, first, last, limit. Users whose ids lie between them, in the order of their bytes, with the day of their latest event.
SELECT user_id, day FROM user_ids
WHERE tenant = $1 AND user_id COLLATE "C" BETWEEN $2 AND $3 ORDER BY user_id COLLATE "C" LIMIT $4

-- name: users_between_beyond
-- tenant, days, first, last, limit. The same of events that are not in segments.
SELECT user_id, (max(time) AT TIME ZONE 'UTC')::date AS day FROM events_beyond($1, $2)
WHERE user_id COLLATE "C" BETWEEN $3 AND $4 GROUP BY user_id ORDER BY user_id COLLATE "C" LIMIT $5

-- name: users_lately
-- tenant, limit. Users by the day of their latest event, the latest first.
SELECT user_id, day FROM user_ids WHERE tenant = $1 ORDER BY day DESC, user_id COLLATE "C" LIMIT $2

-- name: users_lately_beyond
-- tenant, days, limit. The same of events that are not in segments.
SELECT user_id, (max(time) AT TIME ZONE 'UTC')::date AS day FROM events_beyond($1, $2)
GROUP BY user_id ORDER BY day DESC, user_id COLLATE "C" LIMIT $3

-- name: person_texts
-- tenant, hashes. The ids of persons and of ids that edges connect, among which are those that have no event.
SELECT hash, user_id FROM person_ids WHERE tenant = $1 AND hash = ANY ($2::bigint[])
UNION
SELECT person, person_id FROM person_ids WHERE tenant = $1 AND person = ANY ($2::bigint[])
UNION
SELECT hashtextextended(g.id, 0), g.id FROM person_edges AS e CROSS JOIN LATERAL (VALUES (e.from_id), (e.to_id)) AS g (id)
WHERE e.tenant = $1 AND e.pending AND hashtextextended(g.id, 0) = ANY ($2::bigint[])

-- name: put_user_ids
-- tenant, from, to, mark or NULL, below. The ids of the users of events that are to go into segments.
INSERT INTO user_ids (tenant, hash, user_id, day)
SELECT tenant, hashtextextended(user_id, 0), min(user_id), ($2::timestamptz AT TIME ZONE 'UTC')::date FROM events
WHERE tenant = $1 AND time >= $2 AND time < $3 AND ($4::bigint IS NULL OR xid >= $4) AND (xid IS NULL OR xid < $5)
    AND user_id IS NOT NULL
GROUP BY tenant, hashtextextended(user_id, 0)
ON CONFLICT (tenant, hash) DO UPDATE SET day = EXCLUDED.day WHERE user_ids.day < EXCLUDED.day

-- name: forget_user_ids
-- day. Of those who have had no event since.
DELETE FROM user_ids WHERE day <= $1

-- name: segments_of_bucket
-- tenant, bucket, first day, last day, columns or NULL for all. Columns of a day follow one another.
SELECT day, col, rows, data, dictionary, numbers FROM segments JOIN valid_segment_marks USING (day)
WHERE tenant = $1 AND bucket = $2 AND day BETWEEN $3 AND $4 AND ($5::text[] IS NULL OR col = ANY ($5))
ORDER BY day

-- name: users_of_bucket
-- tenant, bucket. Who has rows in the segments of each day, whether their marks mean something or not.
SELECT day, col, data, dictionary FROM segments
WHERE tenant = $1 AND bucket = $2 AND col IN ('users', 'counts', 'own_id') ORDER BY day

-- name: columns_of_segment
-- tenant, bucket, day, columns or NULL for all
SELECT col, data, dictionary, numbers FROM segments
WHERE tenant = $1 AND bucket = $2 AND day = $3 AND ($4::text[] IS NULL OR col = ANY ($4))

-- name: names_of_segment
-- tenant, bucket, day. The names of its columns.
SELECT col FROM segments WHERE tenant = $1 AND bucket = $2 AND day = $3

-- name: segment_columns
-- tenant, first day, last day
SELECT DISTINCT col FROM segments WHERE tenant = $1 AND day BETWEEN $2 AND $3

-- name: segment_dictionaries
-- tenant, column
SELECT DISTINCT dictionary FROM segments WHERE tenant = $1 AND col = $2

-- name: segment_days
-- tenant
SELECT min(day) AS first, max(day) AS last FROM segments WHERE tenant = $1 AND col = 'users'

-- name: delete_segment
-- tenant, day, bucket, columns or NULL for all
DELETE FROM segments WHERE tenant = $1 AND day = $2 AND bucket = $3 AND ($4::text[] IS NULL OR col = ANY ($4))

-- name: put_mark
-- day, below
INSERT INTO segment_marks (day, below) VALUES ($1, $2)
ON CONFLICT (day) DO UPDATE SET below = $2, at = clock_timestamp(), cluster = DEFAULT

-- name: delete_segments_of_day
-- day
DELETE FROM segments WHERE day = $1

-- name: delete_mark
-- day
DELETE FROM segment_marks WHERE day = $1

-- name: segment_rows_of_day
-- day. Events in its segments.
SELECT coalesce(sum(rows), 0)::bigint FROM segments WHERE day = $1 AND col = 'users'

-- name: compacted_days
-- days. How many of them have segments.
SELECT count(*) FROM valid_segment_marks WHERE day = ANY ($1::date[])

-- name: event_days
-- first, last. The days of which there is a partition of events.
SELECT day FROM (
    SELECT to_timestamp(right(c.relname, 8), 'YYYYMMDD') AS day
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'events'::regclass AND c.relname ~ '^events_[0-9]{8}$'
) AS partitions
WHERE (day AT TIME ZONE 'UTC')::date BETWEEN $1 AND $2 ORDER BY day
