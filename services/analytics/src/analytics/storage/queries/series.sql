-- Ids of metrics and series, and which series have rows of their own. Parameters are listed in order.

-- name: metric_ids
-- tenants, metrics. Their ids, in that order; of those that have one.
SELECT w.place, m.id FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (tenant, metric, place)
JOIN metric_ids AS m ON m.tenant = w.tenant AND m.metric = w.metric

-- name: add_metric_ids
-- tenants, metrics
INSERT INTO metric_ids (tenant, metric)
SELECT * FROM unnest($1::text[], $2::text[]) AS w (tenant, metric) ORDER BY tenant, metric
ON CONFLICT DO NOTHING

-- name: admissions
-- metrics, hours. The series that are admitted, in that order; of the hours that have begun.
SELECT w.place, a.series AS ids FROM unnest($1::integer[], $2::timestamptz[]) WITH ORDINALITY AS w (metric, hour, place)
JOIN admissions AS a ON a.metric = w.metric AND a.hour = w.hour

-- name: lock_admissions
-- metrics, hours. As admissions, of all of them; they stay as they are until the transaction ends.
SELECT place, ids FROM lock_admissions($1::integer[], $2::timestamptz[])

-- name: series_ids
-- metrics, labels. The ids of the series, in that order; those that are new get one.
SELECT place, id FROM series_ids($1::integer[], $2::jsonb[])

-- name: series_labels
-- ids
SELECT id, labels FROM series WHERE id = ANY ($1::bigint[])

-- name: add_admissions
-- metrics, hours, series: one row for each series that is admitted. The admissions of their hours are locked.
UPDATE admissions AS a SET series = a.series || n.series
FROM (
    SELECT metric, hour, array_agg(series) AS series
    FROM unnest($1::integer[], $2::timestamptz[], $3::bigint[]) AS w (metric, hour, series) GROUP BY metric, hour
) AS n
WHERE a.metric = n.metric AND a.hour = n.hour

-- name: expire_admissions
-- days. Of an hour that events still come for, they are made again from its rows.
DELETE FROM admissions WHERE at < now() - make_interval(days => $1)

-- name: expire_series
-- days, limit. Some of the series that no row can be of any more; repeat until it removes none.
DELETE FROM series WHERE id = ANY (ARRAY(
    SELECT id FROM series WHERE seen_on < current_date - $1::integer LIMIT $2 FOR UPDATE SKIP LOCKED
))
