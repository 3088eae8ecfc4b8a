-- Erasure of users. Parameters are listed in order.

-- name: add_erasure
-- tenant, hash of the user, ids, asked by, forever, seconds. While no transaction of a writer runs. One that runs is extended.
INSERT INTO erasures (tenant, user_hash, users, asked_by, before)
VALUES ($1, $2, $3::text[], $4, CASE WHEN $5 THEN timestamptz '9999-01-01Z'
    ELSE date_trunc('milliseconds', clock_timestamp() + make_interval(secs => $6)) END)
ON CONFLICT (tenant, user_hash) WHERE finished_at IS NULL DO UPDATE
SET before = greatest(erasures.before, EXCLUDED.before), users = EXCLUDED.users, rows_erased = false
RETURNING *

-- name: put_tombstones
-- tenant, hashes, before
INSERT INTO tombstones AS t (tenant, user_hash, before) SELECT $1, hash, $3 FROM unnest($2::bytea[]) AS hash
ON CONFLICT (tenant, user_hash) DO UPDATE SET before = greatest(t.before, EXCLUDED.before)

-- name: next_tombstone_epoch
UPDATE event_metrics_state SET epoch = epoch + 1

-- name: tombstones
SELECT tenant, user_hash, before FROM tombstones

-- name: tombstones_now
-- tenant. Those of users of whom nothing that happens at this moment is stored.
SELECT user_hash FROM tombstones WHERE tenant = $1 AND before > clock_timestamp()

-- name: expire_tombstones
-- before. Those that nothing can come before any more.
DELETE FROM tombstones WHERE before < $1

-- name: erasure
-- tenant, id
SELECT * FROM erasures WHERE tenant = $1 AND id = $2

-- name: erasures
-- tenant, limit
SELECT * FROM erasures WHERE tenant = $1 ORDER BY asked_at DESC LIMIT $2

-- name: running_erasures
SELECT * FROM erasures WHERE finished_at IS NULL ORDER BY asked_at

-- name: try_erase
-- Whether nobody else erases at the moment. Held until the connection ends.
SELECT pg_try_advisory_lock(hashtext('drishti.erasure'))

-- name: add_removed
-- id, store, how many more
UPDATE erasures SET removed = removed || jsonb_build_object($2::text, coalesce((removed ->> $2)::bigint, 0) + $3::bigint)
WHERE id = $1

-- name: erasure_rows_done
-- id, before. Unless it was extended meanwhile.
UPDATE erasures SET rows_erased = true WHERE id = $1 AND before = $2

-- name: finish_erasure
-- id, before. Its ids go, unless it was extended meanwhile.
UPDATE erasures SET users = NULL, finished_at = clock_timestamp() WHERE id = $1 AND before = $2 AND rows_erased

-- name: hashes_of_users
-- ids. As segments have them.
SELECT hashtextextended(id, 0) AS hash FROM unnest($1::text[]) AS id

-- name: persons_of_hashes
-- tenant, hashes of ids. Whose their rows are in segments.
SELECT g.hash, coalesce(p.person, g.hash) AS person
FROM unnest($2::bigint[]) AS g (hash) LEFT JOIN person_ids AS p ON p.tenant = $1 AND p.hash = g.hash

-- name: days_of_user_in_segments
-- tenant, bucket, the bytes of the user's hash. Nearly always no others: the bytes may also be parts of two hashes.
SELECT day FROM segments JOIN valid_segment_marks USING (day)
WHERE tenant = $1 AND bucket = $2 AND col = 'users' AND position($3::bytea IN data) > 0

-- name: days_of_users_beyond
-- tenant, days, ids. Of those whose events are not in segments yet.
SELECT DISTINCT (time AT TIME ZONE 'UTC')::date AS day FROM events_beyond($1, $2) WHERE user_id = ANY ($3::text[])

-- name: lock_mark
-- day. Nobody drops the day until the transaction ends.
SELECT FROM segment_marks WHERE day = $1 FOR UPDATE

-- name: erase_{events|requests}
-- tenant, from, to, ids
DELETE FROM {events|requests} WHERE tenant = $1 AND time >= $2 AND time < $3 AND user_id = ANY ($4::text[])

-- name: erase_{spans|kept_spans}
-- tenant, from, to, ids, attributes that name the user
DELETE FROM {spans|kept_spans} AS s
WHERE s.started >= $2 AND s.started < $3 AND (s.user_id = ANY ($4::text[]) OR s.attributes @> ANY ($5::jsonb[]))
    AND EXISTS (SELECT FROM span_operations AS o WHERE o.id = s.operation AND o.tenant = $1)

-- name: erase_log_records
-- tenant, from, to, attributes that name the user, the same as they stand in the text of a structured body
DELETE FROM log_records
WHERE tenant = $1 AND time >= $2 AND time < $3 AND (
    attributes @> ANY ($4::jsonb[])
    OR (structured AND EXISTS (SELECT FROM unnest($5::text[]) AS named WHERE position(named IN body) > 0))
)

-- name: erase_users_of_errors
-- tenant, from, to, ids. The errors stay counted.
UPDATE span_errors SET user_id = NULL WHERE tenant = $1 AND started >= $2 AND started < $3 AND user_id = ANY ($4::text[])

-- name: erase_labels
-- tenant, ids, what stands for them. Series that a metric keeps apart by user.
UPDATE series AS s SET labels = (
    SELECT jsonb_object_agg(l.key, CASE WHEN l.value = ANY ($2::text[]) THEN $3 ELSE l.value END) FROM jsonb_each_text(s.labels) AS l
)
WHERE metric IN (SELECT id FROM metric_ids WHERE tenant = $1)
    AND EXISTS (SELECT FROM jsonb_each_text(s.labels) AS l WHERE l.value = ANY ($2::text[]))

-- name: erase_person_edges
-- tenant, ids, before
DELETE FROM person_edges WHERE tenant = $1 AND (from_id = ANY ($2::text[]) OR to_id = ANY ($2::text[])) AND at < $3

-- name: erase_person_ids
-- tenant, ids
DELETE FROM person_ids WHERE tenant = $1 AND (user_id = ANY ($2::text[]) OR person_id = ANY ($2::text[]))

-- name: erase_user_ids
-- tenant, hashes
DELETE FROM user_ids WHERE tenant = $1 AND hash = ANY ($2::bigint[])

-- name: lock_exclusion_rules
-- tenant
SELECT rules FROM exclusion_rules WHERE tenant = $1 FOR UPDATE

-- name: replace_exclusion_rules
-- tenant, rules
UPDATE exclusion_rules SET rules = $2::jsonb, revision = revision + 1 WHERE tenant = $1

-- name: erase_property_changes
-- tenant, hashes, before. Also what the user's events said about accounts.
DELETE FROM property_changes WHERE tenant = $1 AND user_hash = ANY ($2::bigint[]) AND at < $3
