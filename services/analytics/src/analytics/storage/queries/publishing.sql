-- Which windows a transaction changed, and which replica publishes them. Parameters are listed in order.

-- name: add_change
-- windows. The transaction's number comes by itself.
INSERT INTO changes (windows) VALUES ($1)

-- name: changes_since
-- xid, xids, limit. What was committed since a snapshot whose oldest running transaction was `xid`, but for `xids`, in order and
-- up to a limit; this snapshot's oldest running transaction, and the clock. Always at least one row.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon,
       (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms,
       c.xid::text::bigint AS xid, c.windows
FROM (SELECT 1) AS one LEFT JOIN (
    SELECT xid, windows FROM changes WHERE xid >= $1::text::xid8 AND xid <> ALL ($2::text[]::xid8[]) ORDER BY xid LIMIT $3
) AS c ON true
ORDER BY c.xid

-- name: note_progress
-- xid, partitions. Of these partitions everything is published that changed before it.
UPDATE publish_progress SET horizon = $1 WHERE partition = ANY ($2::int[]) AND horizon < $1

-- name: forget_changes
-- Forgets what is published of all partitions.
DELETE FROM changes WHERE xid < (SELECT min(horizon) FROM publish_progress)::text::xid8

-- name: join_publishers
-- Whether this connection is one of those that publish now. Until it ends.
SELECT pg_try_advisory_lock_shared(hashtext('drishti.publisher'))

-- name: publishers
-- The connections that publish, and this one's own number beside each of them.
SELECT pid, pg_backend_pid() AS own FROM pg_locks
WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted AND objsubid = 1
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (classid::bigint << 32 | objid::bigint) = hashtext('drishti.publisher')::bigint

-- name: take_partitions
-- partitions. Those of them that nobody held. Until the connection ends, or they are given back.
SELECT p AS partition FROM unnest($1::int[]) AS p WHERE pg_try_advisory_lock(hashtext('drishti.partition'), p)

-- name: release_partitions
-- partitions.
SELECT pg_advisory_unlock(hashtext('drishti.partition'), p) FROM unnest($1::int[]) AS p

-- name: clock
-- Everything that is committed before this instant is seen by the next statement.
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint
