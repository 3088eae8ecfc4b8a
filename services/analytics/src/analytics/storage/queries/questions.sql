-- What answers to questions are computed from. Parameters are listed in order.

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

-- name: metrics_seen
-- tenant, metrics, limit. Of each metric that was ever seen: its newest window with data, and of its newest hour the number of
-- series, up to a limit, and their services.
SELECT m.metric, GREATEST(second.last, hour.last) AS last, found.series, found.services
FROM unnest($2::text[]) AS m (metric)
CROSS JOIN LATERAL (
    SELECT max(window_start) AS last FROM rollups WHERE resolution = '1h' AND tenant = $1 AND metric = m.metric
) AS hour
CROSS JOIN LATERAL (
    SELECT max(window_start) AS last FROM rollups
    WHERE resolution = '1s' AND tenant = $1 AND metric = m.metric AND window_start >= hour.last
) AS second
CROSS JOIN LATERAL (
    SELECT count(*)::int AS series, array_agg(DISTINCT s.labels ->> 'service') AS services
    FROM (
        SELECT DISTINCT labels FROM rollups
        WHERE resolution = '1h' AND tenant = $1 AND metric = m.metric AND window_start = hour.last
        LIMIT $3
    ) AS s
) AS found
WHERE hour.last IS NOT NULL
