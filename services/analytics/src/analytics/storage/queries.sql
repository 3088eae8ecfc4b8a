-- Every statement of analytics, by name. Parameters are listed in order.

-- name: make_migrations_table
-- What was applied, so that an old migration that was changed since is noticed.
CREATE TABLE IF NOT EXISTS migrations (
    version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
)

-- name: list_migrations
SELECT version, name, checksum FROM migrations ORDER BY version

-- name: add_migration
-- version, name, checksum
INSERT INTO migrations (version, name, checksum) VALUES ($1, $2, $3)

-- name: lock_migrations
-- One replica migrates, the others wait here.
SELECT pg_advisory_xact_lock(hashtext('drishti.migrations'))

-- name: add_new_to_seen
-- keys, which must all be new. Sorted, so that two writers never wait for each other in a circle, and so that neighbours in the
-- index are written together.
INSERT INTO seen (id) SELECT id FROM unnest($1::bytea[]) AS id ORDER BY id

-- name: add_to_seen
-- keys. Returns those that were new. Sorted as above; twice as much work for PostgreSQL.
INSERT INTO seen (id) SELECT id FROM unnest($1::bytea[]) AS id ORDER BY id ON CONFLICT DO NOTHING RETURNING id

-- name: put_rollups
-- writer, then one array for each column. Replaces this writer's rows.
INSERT INTO rollups AS r (
    writer, resolution, tenant, metric, window_start, labels, count, errors, sum, min, max, histogram, uniques, exemplar
)
SELECT $1, * FROM unnest(
    $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::jsonb[], $7::bigint[], $8::bigint[], $9::float8[],
    $10::float8[], $11::float8[], $12::bytea[], $13::bytea[], $14::text[]
)
ON CONFLICT (resolution, tenant, metric, window_start, labels, writer) DO UPDATE SET
    count = excluded.count, errors = excluded.errors, sum = excluded.sum, min = excluded.min, max = excluded.max,
    histogram = excluded.histogram, uniques = excluded.uniques, exemplar = excluded.exemplar

-- name: add_change
-- windows. The transaction's number comes by itself.
INSERT INTO changes (windows) VALUES ($1)

-- name: windows_of_writer
-- resolutions, tenants, metrics, starts, writer. This writer's rows of some windows.
SELECT r.resolution, r.tenant, r.metric, r.window_start, r.labels, r.count, r.errors, r.sum, r.min, r.max, r.histogram,
       r.uniques, r.exemplar
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) AS w (resolution, tenant, metric, window_start)
CROSS JOIN LATERAL (
    SELECT * FROM rollups
    WHERE resolution = w.resolution AND tenant = w.tenant AND metric = w.metric AND window_start = w.window_start
      AND writer = $5
    OFFSET 0
) AS r

-- name: windows
-- resolutions, tenants, metrics, starts. All writers' rows of some windows.
SELECT r.resolution, r.tenant, r.metric, r.window_start, r.labels, r.count, r.errors, r.sum, r.min, r.max, r.histogram,
       r.uniques, r.exemplar
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) AS w (resolution, tenant, metric, window_start)
CROSS JOIN LATERAL (
    SELECT * FROM rollups
    WHERE resolution = w.resolution AND tenant = w.tenant AND metric = w.metric AND window_start = w.window_start
    OFFSET 0
) AS r

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

-- name: recent_windows
-- since. The windows that have rows since some time ago, at each resolution.
SELECT DISTINCT resolution, tenant, metric, window_start FROM rollups
WHERE (resolution = '1s' AND window_start >= $1)
   OR (resolution = '1m' AND window_start >= $1 - interval '1 minute')
   OR (resolution = '1h' AND window_start >= $1 - interval '1 hour')

-- name: recent_series
-- since, metrics, limit. When each series of some metrics was first and last seen; the latest ones of each metric of a tenant.
SELECT tenant, metric, labels, first, last FROM (
    SELECT tenant, metric, labels, min(window_start) AS first, max(window_start) AS last,
           row_number() OVER (PARTITION BY tenant, metric ORDER BY max(window_start) DESC, labels) AS place
    FROM rollups
    WHERE resolution = '1s' AND window_start >= $1 AND metric = ANY ($2::text[])
    GROUP BY tenant, metric, labels
) AS found
WHERE place <= $3

-- name: recent_tenants
-- seconds, limit. The tenants that had something in the last seconds, with when that was; the latest ones.
SELECT tenant, extract(epoch FROM max(window_start))::float8 AS last FROM rollups
WHERE resolution = '1s' AND window_start >= now() - make_interval(secs => $1)
GROUP BY tenant ORDER BY last DESC LIMIT $2

-- name: put_service_names
-- tenants, services, names, limit. Of a service that is there, the name becomes the new one; further services of a tenant have
-- no place. Returns how many those were. Sorted, so that two writers never wait for each other in a circle.
WITH given AS (
    SELECT tenant, service, g.name, s.service IS NOT NULL AS known
    FROM unnest($1::text[], $2::text[], $3::text[]) AS g (tenant, service, name)
    LEFT JOIN service_names AS s USING (tenant, service)
), there AS (
    SELECT tenant, count(*) AS services FROM service_names WHERE tenant = ANY ($1::text[]) GROUP BY tenant
), placed AS (
    SELECT tenant, service, name, known, coalesce(services, 0)
        + count(*) FILTER (WHERE NOT known) OVER (PARTITION BY tenant ORDER BY service) AS place
    FROM given LEFT JOIN there USING (tenant)
), put AS (
    INSERT INTO service_names AS s (tenant, service, name)
    SELECT tenant, service, name FROM placed WHERE known OR place <= $4 ORDER BY tenant, service
    ON CONFLICT (tenant, service) DO UPDATE SET name = excluded.name, seen_at = now()
    WHERE s.name <> excluded.name OR s.seen_at < now() - interval '1 hour'
)
SELECT count(*) FROM placed WHERE NOT known AND place > $4

-- name: service_names_since
-- since, limit. The names that were given or changed since some time ago, of all tenants, the newest first.
SELECT tenant, service, name FROM service_names WHERE seen_at >= $1 ORDER BY seen_at DESC LIMIT $2

-- name: service_names
-- tenant, services
SELECT service, name FROM service_names WHERE tenant = $1 AND service = ANY ($2::text[])

-- name: expire_service_names
-- before. Of services that have not been heard of since.
DELETE FROM service_names WHERE seen_at < $1

-- name: try_lead
-- Whether this connection is now the one that publishes. Held until the connection ends.
SELECT pg_try_advisory_lock(hashtext('drishti.publisher'))

-- name: clock
-- Everything that is committed before this instant is seen by the next statement.
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint

-- name: counts_in_range
-- resolution, tenant, metric, from, to, labels, limit. What counters and gauges answer from.
SELECT window_start, labels, count, errors, sum, min, max FROM rollups
WHERE resolution = $1 AND tenant = $2 AND metric = $3 AND window_start >= $4 AND window_start < $5 AND labels @> $6::jsonb
LIMIT $7

-- name: histograms_in_range
-- As counts_in_range, with the histograms.
SELECT window_start, labels, count, errors, sum, min, max, histogram FROM rollups
WHERE resolution = $1 AND tenant = $2 AND metric = $3 AND window_start >= $4 AND window_start < $5 AND labels @> $6::jsonb
LIMIT $7

-- name: uniques_in_range
-- As counts_in_range, with the sketches of unique counts.
SELECT window_start, labels, count, errors, sum, min, max, uniques FROM rollups
WHERE resolution = $1 AND tenant = $2 AND metric = $3 AND window_start >= $4 AND window_start < $5 AND labels @> $6::jsonb
LIMIT $7

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

-- name: try_maintain
-- Whether nobody else tidies up at the moment. Held until the connection ends.
SELECT pg_try_advisory_lock(hashtext('drishti.maintenance'))

-- name: limit_lock_wait
-- How long statements of this transaction wait for a lock.
SELECT set_config('lock_timeout', $1, true)

-- name: expire_seen
-- before, limit. Some of the keys that are older; repeat until it removes none.
DELETE FROM seen WHERE ctid = ANY (ARRAY(SELECT ctid FROM seen WHERE at < $1 LIMIT $2))
