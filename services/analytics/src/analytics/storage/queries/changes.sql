-- Which windows a transaction changed, and who publishes them. Parameters are listed in order.

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

-- name: forget_changes
-- xid. Published all before it.
DELETE FROM changes WHERE xid < $1::text::xid8

-- name: try_lead
-- Whether this connection is now the one that publishes. Held until the connection ends.
SELECT pg_try_advisory_lock(hashtext('drishti.publisher'))

-- name: clock
-- Everything that is committed before this instant is seen by the next statement.
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint
