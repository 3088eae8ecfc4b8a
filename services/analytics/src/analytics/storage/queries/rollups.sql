-- Rollups as they are read: cells of all writers, with the names of what they are of. Parameters are listed in order.

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

-- name: carried
-- Whether every row has the id of its series (migration 8); once that is so, it stays so.
SELECT to_regclass('rollups_before_series') IS NULL

-- name: window_totals
-- resolutions, tenants, metrics, starts. All rows of each window together, once all rows have the ids of their series: their
-- number, what they sum up to, their histograms one behind the other and the lengths of these as integers of four bytes; of
-- seconds the exemplars. `place` is the window's among the arguments; of windows that have rows.
SELECT w.place, c.*
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
     WITH ORDINALITY AS w (resolution, tenant, metric, window_start, place)
JOIN metric_ids AS m ON m.tenant = w.tenant AND m.metric = w.metric
CROSS JOIN LATERAL (
    SELECT count(*) AS rows, sum(count) AS count, sum(errors) AS errors, sum(sum) AS sum, min(min) AS min, max(max) AS max,
           string_agg(histogram, '') AS histograms, string_agg(int4send(octet_length(histogram)), '') AS lengths,
           array_agg(exemplar) FILTER (WHERE exemplar IS NOT NULL AND resolution = '1s') AS exemplars
    FROM cells
    WHERE resolution = w.resolution AND metric = m.id AND window_start = w.window_start
) AS c
WHERE c.rows > 0

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

-- name: expire_cells_{1s|1m|1h}
-- tenants, metrics by token, instants: rows of their windows that began before, under every version of a metric
DELETE FROM cells_{1s|1m|1h} AS c
USING unnest($1::text[], $2::text[], $3::timestamptz[]) AS w (tenant, metric, before)
JOIN metric_ids AS m ON m.tenant = w.tenant AND split_part(m.metric, '@', 1) = w.metric
WHERE c.metric = m.id AND c.window_start < w.before
