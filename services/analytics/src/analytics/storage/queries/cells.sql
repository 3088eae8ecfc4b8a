-- Cells, as writers add, replace and read them back. Parameters are listed in order. New ones are copied into their tables.

-- name: replace_cells_{1s|1m|1h}
-- writer, then one array for each column. This writer's cells, which are all there.
UPDATE cells_{1s|1m|1h} AS c SET
    count = n.count, errors = n.errors, sum = n.sum, min = n.min, max = n.max,
    histogram = n.histogram, uniques = n.uniques, exemplar = n.exemplar
FROM unnest(
    $2::integer[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[], $7::float8[], $8::float8[], $9::float8[],
    $10::bytea[], $11::bytea[], $12::text[]
) AS n (metric, window_start, series, count, errors, sum, min, max, histogram, uniques, exemplar)
WHERE c.metric = n.metric AND c.window_start = n.window_start AND c.series = n.series AND c.writer = $1

-- name: cells_of_writer
-- resolutions, metrics, starts, writer. This writer's cells of some windows; `place` is the window's among the arguments.
SELECT w.place, c.series, c.count, c.errors, c.sum, c.min, c.max, c.histogram, c.uniques, c.exemplar
FROM unnest($1::text[], $2::integer[], $3::timestamptz[]) WITH ORDINALITY AS w (resolution, metric, window_start, place)
CROSS JOIN LATERAL (
    SELECT * FROM cells
    WHERE resolution = w.resolution AND metric = w.metric AND window_start = w.window_start AND writer = $4
    OFFSET 0
) AS c
