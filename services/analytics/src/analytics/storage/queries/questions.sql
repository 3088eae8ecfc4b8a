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
