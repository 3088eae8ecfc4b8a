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

-- name: counts_by_step
-- resolution, tenant, metric, bounds of the steps, labels, jsonpath or null, up to three labels to group by, limit. Of each
-- group and step that has rows, their counts together. `step` counts from 1.
SELECT width_bucket(window_start, $4::timestamptz[]) AS step,
       coalesce(labels ->> $7::text, '') AS one, coalesce(labels ->> $8::text, '') AS two, coalesce(labels ->> $9::text, '') AS three,
       sum(count)::bigint AS count, sum(errors)::bigint AS errors, sum(sum) AS sum, min(min) AS min, max(max) AS max
FROM rollups
WHERE resolution = $1 AND tenant = $2 AND metric = $3
  AND window_start >= ($4::timestamptz[])[1] AND window_start < ($4::timestamptz[])[cardinality($4::timestamptz[])]
  AND labels @> $5::jsonb AND ($6::jsonpath IS NULL OR labels @@ $6::jsonpath)
GROUP BY 1, 2, 3, 4
LIMIT $10

-- name: histograms_by_step
-- As counts_by_step, with the histograms of each group and step one behind the other, and their lengths as integers of four
-- bytes; out of so many rows at most.
SELECT width_bucket(window_start, $4::timestamptz[]) AS step, one, two, three, min(min) AS min, max(max) AS max,
       string_agg(histogram, '') AS histograms, string_agg(int4send(octet_length(histogram)), '') AS lengths
FROM (
    SELECT window_start, coalesce(labels ->> $7::text, '') AS one, coalesce(labels ->> $8::text, '') AS two,
           coalesce(labels ->> $9::text, '') AS three, min, max, histogram
    FROM rollups
    WHERE resolution = $1 AND tenant = $2 AND metric = $3
      AND window_start >= ($4::timestamptz[])[1] AND window_start < ($4::timestamptz[])[cardinality($4::timestamptz[])]
      AND labels @> $5::jsonb AND ($6::jsonpath IS NULL OR labels @@ $6::jsonpath)
    LIMIT $10
) AS r
GROUP BY 1, 2, 3, 4

-- name: uniques_by_step
-- As histograms_by_step, with the sketches of unique counts.
SELECT width_bucket(window_start, $4::timestamptz[]) AS step, one, two, three, array_agg(uniques) FILTER (WHERE uniques IS NOT NULL) AS sketches
FROM (
    SELECT window_start, coalesce(labels ->> $7::text, '') AS one, coalesce(labels ->> $8::text, '') AS two,
           coalesce(labels ->> $9::text, '') AS three, uniques
    FROM rollups
    WHERE resolution = $1 AND tenant = $2 AND metric = $3
      AND window_start >= ($4::timestamptz[])[1] AND window_start < ($4::timestamptz[])[cardinality($4::timestamptz[])]
      AND labels @> $5::jsonb AND ($6::jsonpath IS NULL OR labels @@ $6::jsonpath)
    LIMIT $10
) AS r
GROUP BY 1, 2, 3, 4
