-- The rows of a tenant, some blocks of a day's partition at a time. Parameters are listed in order.

-- name: export_snapshot
-- What is committed now, and the cluster in which that means something.
SELECT txid_current_snapshot()::text AS snapshot, (SELECT system_identifier FROM pg_control_system()) AS cluster

-- name: export_blocks
-- parent. How many blocks each of its partitions has.
SELECT c.relname AS partition, pg_relation_size(c.oid) / current_setting('block_size')::bigint AS blocks
FROM pg_inherits AS i JOIN pg_class AS p ON p.oid = i.inhparent JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE p.relname = $1 AND p.relnamespace = current_schema()::regnamespace

-- name: keep_order_of_rows
-- Until the end of the transaction: rows come in the order of their places.
SELECT set_config('synchronize_seqscans', 'off', true), set_config('max_parallel_workers_per_gather', '0', true)

-- name: export_events
-- tenant, from, to, snapshot, after, before, types. Of one day, so of one partition: only there a place is that of one row.
SELECT ctid AS place, event_id, event_type, time, user_id, session_id, service, version, data, trace_id
FROM events
WHERE tenant = $1 AND time >= $2 AND time < $3 AND (xid IS NULL OR txid_visible_in_snapshot(xid, $4::text::txid_snapshot))
    AND ctid > $5::tid AND ctid < $6::tid AND ($7::text[] IS NULL OR event_type = ANY ($7::text[]))

-- name: export_requests
-- tenant, from, to, snapshot, after, before. The same.
SELECT ctid AS place, event_id, service, method, route, status, duration_ms, time, error, user_id, session_id, model, trace_id
FROM requests
WHERE tenant = $1 AND time >= $2 AND time < $3 AND (xid IS NULL OR txid_visible_in_snapshot(xid, $4::text::txid_snapshot))
    AND ctid > $5::tid AND ctid < $6::tid
