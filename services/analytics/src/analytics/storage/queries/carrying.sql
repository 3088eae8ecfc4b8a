-- Rows of before series had ids, carried over in the background. Parameters are listed in order.

-- name: try_carry
-- Whether nobody else carries at the moment. Held until the connection ends.
SELECT pg_try_advisory_lock(hashtext('drishti.carrying'))

-- name: partitions_to_carry
-- What is left, the newest first, with the number of pages of each. The last row is that of the table itself, without a partition.
SELECT p.relname AS parent, c.relname AS partition, pg_relation_size(c.oid) / current_setting('block_size')::bigint AS pages
FROM pg_class AS top
JOIN pg_inherits AS i ON i.inhparent = top.oid JOIN pg_class AS p ON p.oid = i.inhrelid
LEFT JOIN (pg_inherits AS j JOIN pg_class AS c ON c.oid = j.inhrelid) ON j.inhparent = p.oid
WHERE top.relname = 'rollups_before_series' AND top.relnamespace = current_schema()::regnamespace
ORDER BY right(c.relname, 8) DESC NULLS LAST, c.relname

-- name: carry_rollups
-- partition, target, first page, page after the last one
SELECT carry_rollups($1, $2, $3, $4)

-- name: end_carrying
-- Whether all is carried over, and the table of before is gone.
SELECT end_carrying()
