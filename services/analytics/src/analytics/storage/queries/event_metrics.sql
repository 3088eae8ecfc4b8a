-- Metrics that are drawn from events. Parameters are listed in order.

-- name: hold_event_metrics
-- The epoch, which stays until the transaction ends.
SELECT hold_event_metrics()

-- name: event_metrics_epoch
SELECT epoch FROM event_metrics_state

-- name: event_metrics
-- Those that are counted, with the epoch. Always at least one row.
SELECT s.epoch, s.revision, m.id, m.tenant, m.token, m.definition
FROM event_metrics_state AS s LEFT JOIN event_metrics AS m ON NOT m.ended

-- name: event_metric_version
-- tenant, token, version. The id of this version, whether or not it is counted still.
SELECT max(id) FROM event_metrics WHERE tenant = $1 AND token = $2 AND coalesce((definition ->> 'version')::int, 1) = $3

-- name: change_event_metrics
-- Waits until no transaction of a writer runs, and keeps them away until this one ends.
SELECT pg_advisory_xact_lock(hashtext('drishti.event_metrics'))

-- name: end_event_metrics
-- ids
UPDATE event_metrics SET ended = true WHERE id = ANY ($1::bigint[])

-- name: begin_event_metrics
-- tenants, tokens, definitions
INSERT INTO event_metrics (tenant, token, definition) SELECT * FROM unnest($1::text[], $2::text[], $3::json[])

-- name: next_event_metrics_epoch
-- revision
UPDATE event_metrics_state SET epoch = epoch + 1, revision = $1

-- name: try_fill
-- Whether nobody else fills history at the moment. Held until the connection ends.
SELECT pg_try_advisory_lock(hashtext('drishti.event_metrics_history'))

-- name: unfilled_event_metrics
-- Those whose history is not filled yet, the oldest first.
SELECT id, tenant, token, definition, writer, cut::text AS cut, made_at, fill_from, fill_to, filled_to
FROM event_metrics WHERE NOT ended AND NOT filled ORDER BY id

-- name: put_fill
-- ids, from, to, filled to, filled, rows that were read since the last time
UPDATE event_metrics SET fill_from = $2, fill_to = $3, filled_to = $4, filled = $5, filled_rows = filled_rows + $6
WHERE id = ANY ($1::bigint[])

-- name: fills
-- tenant, tokens. How far the history of some metrics is filled.
SELECT token, filled, filled_to, filled_rows, made_at, CASE WHEN filled THEN 100 ELSE coalesce(round((
           100 * extract(epoch FROM fill_to - filled_to) / nullif(extract(epoch FROM fill_to - fill_from), 0)
       )::numeric, 1), 0) END::float8 AS percent
FROM event_metrics
WHERE tenant = $1 AND token = ANY ($2::text[]) AND NOT ended

-- name: any_event_before_cut
-- tenant, type, from, to, cut. Whether there are rows of that kind which were written before the transaction `cut`.
SELECT EXISTS (
    SELECT FROM events
    WHERE time >= $3 AND time < $4 AND tenant = $1 AND event_type = $2 AND age(xmin) > age($5::text::xid8::xid)
)

-- name: commit_without_waiting
-- Of this session. Where PostgreSQL crashes, the last transactions may be lost, each as a whole: they are done again.
SET synchronous_commit = off

-- name: make_counted_groups
-- Of this session: what rows of events come to, by window and labels, of metrics that are nothing but numbers. An array has a
-- field for each metric of a read.
CREATE TEMPORARY TABLE counted_groups (
    at     timestamptz NOT NULL,
    labels jsonb NOT NULL,
    counts bigint[] NOT NULL,
    sums   float8[] NOT NULL,
    least  float8[] NOT NULL,
    most   float8[] NOT NULL
)

-- name: empty_counted_groups
TRUNCATE counted_groups

-- name: counted_labels
-- place. The hours of one metric in which there is something of it, with the labels.
SELECT DISTINCT date_bin('1 hour', at, '2000-01-01 00:00:00+00') AS hour, labels FROM counted_groups WHERE counts[$1] > 0

-- name: counted_windows
-- place, width, since. The windows of one metric in which there is something of it.
SELECT DISTINCT date_bin($2, at, '2000-01-01 00:00:00+00') AS window_start FROM counted_groups
WHERE counts[$1] > 0 AND date_bin($2, at, '2000-01-01 00:00:00+00') >= $3

-- name: add_counted_1s
-- writer, metric, place, earliest, then hours, labels and the series that they count for. Adds the cells of one metric.
INSERT INTO cells_1s (writer, metric, window_start, series, count, errors, sum, min, max)
SELECT $1, $2, g.window_start, n.series, sum(g.count)::bigint, 0, sum(g.sum), min(g.least), max(g.most)
FROM (
    SELECT date_bin('1 second', at, '2000-01-01 00:00:00+00') AS window_start, labels,
           date_bin('1 hour', at, '2000-01-01 00:00:00+00') AS hour,
           counts[$3] AS count, sums[$3] AS sum, least[$3] AS least, most[$3] AS most
    FROM counted_groups WHERE counts[$3] > 0
) AS g JOIN unnest($5::timestamptz[], $6::jsonb[], $7::bigint[]) AS n (hour, labels, series)
    ON n.hour = g.hour AND n.labels = g.labels
WHERE g.window_start >= $4
GROUP BY g.window_start, n.series
ORDER BY g.window_start, n.series

-- name: add_counted_1m
-- As add_counted_1s.
INSERT INTO cells_1m (writer, metric, window_start, series, count, errors, sum, min, max)
SELECT $1, $2, g.window_start, n.series, sum(g.count)::bigint, 0, sum(g.sum), min(g.least), max(g.most)
FROM (
    SELECT date_bin('1 minute', at, '2000-01-01 00:00:00+00') AS window_start, labels,
           date_bin('1 hour', at, '2000-01-01 00:00:00+00') AS hour,
           counts[$3] AS count, sums[$3] AS sum, least[$3] AS least, most[$3] AS most
    FROM counted_groups WHERE counts[$3] > 0
) AS g JOIN unnest($5::timestamptz[], $6::jsonb[], $7::bigint[]) AS n (hour, labels, series)
    ON n.hour = g.hour AND n.labels = g.labels
WHERE g.window_start >= $4
GROUP BY g.window_start, n.series
ORDER BY g.window_start, n.series

-- name: add_counted_1h
-- As add_counted_1s.
INSERT INTO cells_1h (writer, metric, window_start, series, count, errors, sum, min, max)
SELECT $1, $2, g.window_start, n.series, sum(g.count)::bigint, 0, sum(g.sum), min(g.least), max(g.most)
FROM (
    SELECT date_bin('1 hour', at, '2000-01-01 00:00:00+00') AS window_start, labels,
           date_bin('1 hour', at, '2000-01-01 00:00:00+00') AS hour,
           counts[$3] AS count, sums[$3] AS sum, least[$3] AS least, most[$3] AS most
    FROM counted_groups WHERE counts[$3] > 0
) AS g JOIN unnest($5::timestamptz[], $6::jsonb[], $7::bigint[]) AS n (hour, labels, series)
    ON n.hour = g.hour AND n.labels = g.labels
WHERE g.window_start >= $4
GROUP BY g.window_start, n.series
ORDER BY g.window_start, n.series
