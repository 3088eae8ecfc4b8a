-- Partitions of tables, made ahead and dropped when their time is over. Parameters are listed in order.

-- name: make_partition
-- parent, partition, starts, ends, storage parameters
SELECT make_partition($1, $2, $3, $4, $5)

-- name: drop_partition
-- parent, partition
SELECT drop_partition($1, $2)

-- name: list_partitions
-- parents
SELECT p.relname AS parent, c.relname AS partition
FROM pg_inherits AS i JOIN pg_class AS p ON p.oid = i.inhparent JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE p.relname = ANY ($1::text[]) AND p.relnamespace = current_schema()::regnamespace

-- name: partition_sizes
-- parent. Bytes on disk, those of indexes among them.
SELECT c.relname AS partition, pg_total_relation_size(c.oid) AS bytes
FROM pg_inherits AS i JOIN pg_class AS p ON p.oid = i.inhparent JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE p.relname = $1 AND p.relnamespace = current_schema()::regnamespace

-- name: try_maintain
-- Whether nobody else tidies up at the moment. Held until the connection ends.
SELECT pg_try_advisory_lock(hashtext('drishti.maintenance'))

-- name: limit_lock_wait
-- How long statements of this transaction wait for a lock.
SELECT set_config('lock_timeout', $1, true)
