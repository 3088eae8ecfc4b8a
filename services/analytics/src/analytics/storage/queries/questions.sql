-- What answers to questions are computed from. Parameters are listed in order.

-- name: metrics_seen
-- tenant, metrics, limit. Of each metric that was ever seen: its newest window with data, and of its newest hour the number of
-- series, up to a limit.
SELECT m.id, m.metric, hour.last AS hour, GREATEST(second.last, hour.last) AS last, seen.series
FROM metric_ids AS m
CROSS JOIN LATERAL (SELECT max(window_start) AS last FROM cells_1h WHERE metric = m.id) AS hour
CROSS JOIN LATERAL (
    SELECT max(window_start) AS last FROM cells_1s WHERE metric = m.id AND window_start >= hour.last
) AS second
CROSS JOIN LATERAL (
    SELECT count(*)::int AS series
    FROM (SELECT DISTINCT series FROM cells_1h WHERE metric = m.id AND window_start = hour.last LIMIT $3) AS c
) AS seen
WHERE m.tenant = $1 AND m.metric = ANY ($2::text[]) AND hour.last IS NOT NULL

-- name: services_seen
-- ids of metrics, hours, limit. The services of each metric's series in its hour, out of so many series at most.
SELECT w.id, array_agg(DISTINCT s.labels ->> 'service') AS services
FROM unnest($1::integer[], $2::timestamptz[]) AS w (id, hour)
CROSS JOIN LATERAL (SELECT DISTINCT series FROM cells_1h WHERE metric = w.id AND window_start = w.hour LIMIT $3) AS c
JOIN series AS s ON s.id = c.series
GROUP BY w.id

-- name: question_begins
-- The clock in milliseconds, and whether every row has the id of its series (migration 8).
SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS as_of,
       to_regclass('rollups_before_series') IS NULL AS carried

-- name: event_types
-- tenant, limit. The types of events that were seen.
SELECT DISTINCT s.labels ->> 'event_type' AS event_type
FROM metric_ids AS m JOIN series AS s ON s.metric = m.id
WHERE m.tenant = $1 AND m.metric = 'events'
LIMIT $2

-- name: counts_by_step
-- resolution, tenant, metric, bounds of the steps, labels, jsonpath or null, up to three labels to group by, limit. Of each
-- group the steps that have rows, counted from 1, and their counts together: one byte string for each column, with a number for
-- each step as the binary format has it. Labels are looked at once for each series; what is counted together beyond the limit of
-- a metric's series is `other` by every label.
WITH wanted AS MATERIALIZED (
    SELECT s.id, s.metric, one, two, three, dense_rank() OVER (ORDER BY one, two, three) AS place
    FROM metric_ids AS m JOIN series AS s ON s.metric = m.id
    CROSS JOIN LATERAL (SELECT CASE WHEN s.labels = '{"service": "other"}' THEN 'other' ELSE '' END AS absent) AS a
    CROSS JOIN LATERAL (
        SELECT coalesce(s.labels ->> $7::text, absent) COLLATE "C" AS one,
               coalesce(s.labels ->> $8::text, absent) COLLATE "C" AS two,
               coalesce(s.labels ->> $9::text, absent) COLLATE "C" AS three
    ) AS names
    WHERE m.tenant = $2 AND m.metric = $3 AND s.labels @> $5::jsonb AND ($6::jsonpath IS NULL OR s.labels @@ $6::jsonpath)
)
SELECT one, two, three, steps, count, errors, sum, min, max
FROM (
    SELECT place, string_agg(int4send(step), '') AS steps, string_agg(int8send(count), '') AS count,
           string_agg(int8send(errors), '') AS errors, string_agg(float8send(sum), '') AS sum,
           string_agg(float8send(coalesce(min, 'NaN')), '') AS min, string_agg(float8send(coalesce(max, 'NaN')), '') AS max
    FROM (
        SELECT s.place, width_bucket(c.window_start, $4::timestamptz[]) AS step,
               least(sum(c.count), 1::bigint << 53)::bigint AS count, sum(c.errors)::bigint AS errors, sum(c.sum) AS sum, min(c.min) AS min, max(c.max) AS max
        FROM cells AS c JOIN wanted AS s ON s.id = c.series
        WHERE c.resolution = $1 AND c.metric = (SELECT min(metric) FROM wanted)
          AND c.window_start >= ($4::timestamptz[])[1] AND c.window_start < ($4::timestamptz[])[cardinality($4::timestamptz[])]
        GROUP BY 1, 2
        LIMIT $10
    ) AS read
    GROUP BY 1
) AS r
JOIN (SELECT DISTINCT place, one, two, three FROM wanted) AS g USING (place)

-- name: histograms_by_step
-- As counts_by_step, with a number for each row that was read, of so many rows at most. Histograms are taken apart, as
-- analytics.rollup.histogram stores them: how many buckets each has, the keys of all, and their counts, which have as many bytes
-- each as the histograms of a group are of one width. Null: of no known form.
WITH wanted AS MATERIALIZED (
    SELECT s.id, s.metric, one, two, three, dense_rank() OVER (ORDER BY one, two, three) AS place
    FROM metric_ids AS m JOIN series AS s ON s.metric = m.id
    CROSS JOIN LATERAL (SELECT CASE WHEN s.labels = '{"service": "other"}' THEN 'other' ELSE '' END AS absent) AS a
    CROSS JOIN LATERAL (
        SELECT coalesce(s.labels ->> $7::text, absent) COLLATE "C" AS one,
               coalesce(s.labels ->> $8::text, absent) COLLATE "C" AS two,
               coalesce(s.labels ->> $9::text, absent) COLLATE "C" AS three
    ) AS names
    WHERE m.tenant = $2 AND m.metric = $3 AND s.labels @> $5::jsonb AND ($6::jsonpath IS NULL OR s.labels @@ $6::jsonpath)
)
SELECT one, two, three, width, steps, min, max, sizes, keys, counts
FROM (
    SELECT place, width, string_agg(int4send(step), '') AS steps,
           string_agg(float8send(coalesce(min, 'NaN')), '') AS min, string_agg(float8send(coalesce(max, 'NaN')), '') AS max,
           string_agg(int4send(coalesce(size, 0)), '') AS sizes, string_agg(substr(histogram, 3, 2 * size), '') AS keys,
           string_agg(substr(histogram, 3 + 2 * size), '') AS counts
    FROM (
        SELECT s.place, width_bucket(c.window_start, $4::timestamptz[]) AS step, c.min, c.max, c.histogram, width,
               (octet_length(c.histogram) - 2) / (2 + width) AS size
        FROM cells AS c JOIN wanted AS s ON s.id = c.series
        CROSS JOIN LATERAL (
            SELECT CASE WHEN c.histogram IS NULL THEN 0
                        WHEN get_byte(c.histogram, 0) = 1 AND get_byte(c.histogram, 1) < 4 THEN 1 << get_byte(c.histogram, 1)
                   END AS width
        ) AS w
        WHERE c.resolution = $1 AND c.metric = (SELECT min(metric) FROM wanted)
          AND c.window_start >= ($4::timestamptz[])[1] AND c.window_start < ($4::timestamptz[])[cardinality($4::timestamptz[])]
        LIMIT $10
    ) AS read
    GROUP BY 1, 2
) AS r
JOIN (SELECT DISTINCT place, one, two, three FROM wanted) AS g USING (place)

-- name: uniques_by_step
-- As histograms_by_step, with the sketches of unique counts.
WITH wanted AS MATERIALIZED (
    SELECT s.id, s.metric, one, two, three, dense_rank() OVER (ORDER BY one, two, three) AS place
    FROM metric_ids AS m JOIN series AS s ON s.metric = m.id
    CROSS JOIN LATERAL (SELECT CASE WHEN s.labels = '{"service": "other"}' THEN 'other' ELSE '' END AS absent) AS a
    CROSS JOIN LATERAL (
        SELECT coalesce(s.labels ->> $7::text, absent) COLLATE "C" AS one,
               coalesce(s.labels ->> $8::text, absent) COLLATE "C" AS two,
               coalesce(s.labels ->> $9::text, absent) COLLATE "C" AS three
    ) AS names
    WHERE m.tenant = $2 AND m.metric = $3 AND s.labels @> $5::jsonb AND ($6::jsonpath IS NULL OR s.labels @@ $6::jsonpath)
)
SELECT one, two, three, steps, sketches
FROM (
    SELECT place, string_agg(int4send(step), '') AS steps, array_agg(uniques) AS sketches
    FROM (
        SELECT s.place, width_bucket(c.window_start, $4::timestamptz[]) AS step, c.uniques
        FROM cells AS c JOIN wanted AS s ON s.id = c.series
        WHERE c.resolution = $1 AND c.metric = (SELECT min(metric) FROM wanted)
          AND c.window_start >= ($4::timestamptz[])[1] AND c.window_start < ($4::timestamptz[])[cardinality($4::timestamptz[])]
        LIMIT $10
    ) AS read
    GROUP BY 1
) AS r
JOIN (SELECT DISTINCT place, one, two, three FROM wanted) AS g USING (place)

-- name: metrics_seen_before_carried
-- As metrics_seen with the services, while there are rows of before series had ids.
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

-- name: counts_by_step_before_carried
-- As counts_by_step, while there are rows of before series had ids.
SELECT one, two, three, string_agg(int4send(step), '') AS steps, string_agg(int8send(count), '') AS count,
       string_agg(int8send(errors), '') AS errors, string_agg(float8send(sum), '') AS sum,
       string_agg(float8send(coalesce(min, 'NaN')), '') AS min, string_agg(float8send(coalesce(max, 'NaN')), '') AS max
FROM (
    SELECT width_bucket(window_start, $4::timestamptz[]) AS step, coalesce(labels ->> $7::text, absent) AS one,
           coalesce(labels ->> $8::text, absent) AS two,
           coalesce(labels ->> $9::text, absent) AS three,
           least(sum(count), 1::bigint << 53)::bigint AS count, sum(errors)::bigint AS errors, sum(sum) AS sum, min(min) AS min, max(max) AS max
    FROM rollups
    CROSS JOIN LATERAL (SELECT CASE WHEN labels = '{"service": "other"}' THEN 'other' ELSE '' END AS absent) AS a
    WHERE resolution = $1 AND tenant = $2 AND metric = $3
      AND window_start >= ($4::timestamptz[])[1] AND window_start < ($4::timestamptz[])[cardinality($4::timestamptz[])]
      AND labels @> $5::jsonb AND ($6::jsonpath IS NULL OR labels @@ $6::jsonpath)
    GROUP BY 1, 2, 3, 4
    LIMIT $10
) AS read
GROUP BY 1, 2, 3

-- name: histograms_by_step_before_carried
-- As histograms_by_step, the same.
SELECT one, two, three, width, string_agg(int4send(step), '') AS steps,
       string_agg(float8send(coalesce(min, 'NaN')), '') AS min, string_agg(float8send(coalesce(max, 'NaN')), '') AS max,
       string_agg(int4send(coalesce(size, 0)), '') AS sizes, string_agg(substr(histogram, 3, 2 * size), '') AS keys,
       string_agg(substr(histogram, 3 + 2 * size), '') AS counts
FROM (
    SELECT width_bucket(window_start, $4::timestamptz[]) AS step, coalesce(labels ->> $7::text, absent) AS one,
           coalesce(labels ->> $8::text, absent) AS two,
           coalesce(labels ->> $9::text, absent) AS three,
           min, max, histogram, width, (octet_length(histogram) - 2) / (2 + width) AS size
    FROM rollups
    CROSS JOIN LATERAL (SELECT CASE WHEN labels = '{"service": "other"}' THEN 'other' ELSE '' END AS absent) AS a
    CROSS JOIN LATERAL (
        SELECT CASE WHEN histogram IS NULL THEN 0
                    WHEN get_byte(histogram, 0) = 1 AND get_byte(histogram, 1) < 4 THEN 1 << get_byte(histogram, 1)
               END AS width
    ) AS w
    WHERE resolution = $1 AND tenant = $2 AND metric = $3
      AND window_start >= ($4::timestamptz[])[1] AND window_start < ($4::timestamptz[])[cardinality($4::timestamptz[])]
      AND labels @> $5::jsonb AND ($6::jsonpath IS NULL OR labels @@ $6::jsonpath)
    LIMIT $10
) AS read
GROUP BY 1, 2, 3, 4

-- name: uniques_by_step_before_carried
-- As uniques_by_step, the same.
SELECT one, two, three, string_agg(int4send(step), '') AS steps, array_agg(uniques) AS sketches
FROM (
    SELECT width_bucket(window_start, $4::timestamptz[]) AS step, coalesce(labels ->> $7::text, absent) AS one,
           coalesce(labels ->> $8::text, absent) AS two,
           coalesce(labels ->> $9::text, absent) AS three, uniques
    FROM rollups
    CROSS JOIN LATERAL (SELECT CASE WHEN labels = '{"service": "other"}' THEN 'other' ELSE '' END AS absent) AS a
    WHERE resolution = $1 AND tenant = $2 AND metric = $3
      AND window_start >= ($4::timestamptz[])[1] AND window_start < ($4::timestamptz[])[cardinality($4::timestamptz[])]
      AND labels @> $5::jsonb AND ($6::jsonpath IS NULL OR labels @@ $6::jsonpath)
    LIMIT $10
) AS read
GROUP BY 1, 2, 3
