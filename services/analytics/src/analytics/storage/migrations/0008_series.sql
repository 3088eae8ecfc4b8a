-- Series have ids, and rollups carry them: labels are stored and compared once for each series, not for each row and window.
--
-- What was stored before stays where it is, in `rollups_before_series`, and is carried over in the background (carry_rollups).
-- `rollups` is now a view of both, so that every question is answered from all there is at any time. Nothing can be written into
-- a view: a replica of an earlier version that still runs reads as before, and gives back what it wants to store, as it does when
-- PostgreSQL is away; replicas of this version store that.

CREATE TABLE metric_ids (
    id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,
    metric text COLLATE "C" NOT NULL,
    UNIQUE (tenant, metric)
);

-- `digest` stands for the labels in the index, whose entries have a largest size. `seen_on` is the last day on which the series was
-- new in an hour.
CREATE TABLE series (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    metric  integer NOT NULL,
    digest  uuid NOT NULL GENERATED ALWAYS AS (md5(labels::text)::uuid) STORED,
    labels  jsonb NOT NULL,
    seen_on date NOT NULL DEFAULT current_date,
    UNIQUE (metric, digest)
);
CREATE INDEX series_seen_on ON series (seen_on);

-- The series of one metric that have rows of their own in one hour, of the time of what happened, in windows of all resolutions
-- and for all writers. Further ones are counted together.
CREATE TABLE admissions (
    metric integer NOT NULL,
    hour   timestamptz NOT NULL,
    series bigint[] NOT NULL,
    at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (metric, hour)
) WITH (fillfactor = 70);

-- One row for each series, window and writer, at each resolution. A writer replaces its own rows only; whoever reads merges those
-- of all writers. The key has a metric's window in one place, for those who read it whole, and its windows one after the other.
CREATE TABLE cells_1s (
    metric       integer NOT NULL,
    window_start timestamptz NOT NULL,
    series       bigint NOT NULL,
    writer       uuid NOT NULL,
    count        bigint NOT NULL,
    errors       bigint NOT NULL,
    sum          double precision NOT NULL,
    min          double precision,
    max          double precision,
    histogram    bytea,
    uniques      bytea,
    exemplar     text,
    PRIMARY KEY (metric, window_start, series, writer)
) PARTITION BY RANGE (window_start);
-- Sketches are dense already: trying to compress them would only cost time.
ALTER TABLE cells_1s ALTER COLUMN histogram SET STORAGE EXTERNAL, ALTER COLUMN uniques SET STORAGE EXTERNAL;
CREATE TABLE cells_1m (LIKE cells_1s INCLUDING STORAGE, PRIMARY KEY (metric, window_start, series, writer))
    PARTITION BY RANGE (window_start);
CREATE TABLE cells_1h (LIKE cells_1s INCLUDING STORAGE, PRIMARY KEY (metric, window_start, series, writer))
    PARTITION BY RANGE (window_start);
-- For those who ask for the latest windows of all metrics.
CREATE INDEX cells_1s_window ON cells_1s USING brin (window_start) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX cells_1m_window ON cells_1m USING brin (window_start) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX cells_1h_window ON cells_1h USING brin (window_start) WITH (pages_per_range = 32, autosummarize = on);

CREATE VIEW cells AS
SELECT '1s'::text AS resolution, metric, window_start, series, writer, count, errors, sum, min, max, histogram, uniques, exemplar
FROM cells_1s
UNION ALL
SELECT '1m', metric, window_start, series, writer, count, errors, sum, min, max, histogram, uniques, exemplar FROM cells_1m
UNION ALL
SELECT '1h', metric, window_start, series, writer, count, errors, sum, min, max, histogram, uniques, exemplar FROM cells_1h;

-- Cells with the names of what they are of.
CREATE VIEW named_cells AS
SELECT c.resolution, m.tenant, m.metric, c.window_start, s.labels, c.writer, c.count, c.errors, c.sum, c.min, c.max, c.histogram,
       c.uniques, c.exemplar
FROM cells AS c JOIN metric_ids AS m ON m.id = c.metric JOIN series AS s ON s.id = c.series;

-- Waits for the transactions that write into it, a second at most on a healthy machine; everybody else waits for this migration.
ALTER TABLE rollups RENAME TO rollups_before_series;
CREATE VIEW rollups AS SELECT * FROM named_cells UNION ALL SELECT * FROM rollups_before_series;

-- The ids of some series, in the order of the labels. Those that are new get one.
CREATE FUNCTION series_ids(metrics integer[], texts jsonb[]) RETURNS TABLE (place bigint, id bigint) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO series AS s (metric, labels)
    SELECT DISTINCT w.metric, w.labels FROM unnest(metrics, texts) AS w (metric, labels) ORDER BY w.metric, w.labels
    ON CONFLICT (metric, digest) DO UPDATE SET seen_on = current_date WHERE s.seen_on < current_date;
    RETURN QUERY
    SELECT w.place, s.id
    FROM unnest(metrics, texts) WITH ORDINALITY AS w (metric, labels, place)
    JOIN series AS s ON s.metric = w.metric AND s.digest = md5(w.labels::text)::uuid;
END $$;

-- The admissions of some metrics' hours, in the order of the arguments, which stay as they are until the transaction ends. An hour
-- that has none begins with the series that have rows in it.
CREATE FUNCTION lock_admissions(metrics integer[], hours timestamptz[]) RETURNS TABLE (place bigint, ids bigint[])
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO admissions (metric, hour, series)
    SELECT w.metric, w.hour, coalesce((
        SELECT array_agg(DISTINCT c.series) FROM cells_1h AS c JOIN series AS s ON s.id = c.series
        WHERE c.metric = w.metric AND c.window_start = w.hour
          AND EXISTS (SELECT FROM jsonb_each_text(s.labels) AS l WHERE l.value <> 'other')
    ), '{}')
    FROM unnest(metrics, hours) AS w (metric, hour)
    WHERE NOT EXISTS (SELECT FROM admissions AS a WHERE a.metric = w.metric AND a.hour = w.hour)
    ORDER BY w.metric, w.hour
    ON CONFLICT DO NOTHING;
    RETURN QUERY
    SELECT w.place, a.series
    FROM unnest(metrics, hours) WITH ORDINALITY AS w (metric, hour, place)
    JOIN admissions AS a ON a.metric = w.metric AND a.hour = w.hour
    ORDER BY a.metric, a.hour
    FOR UPDATE OF a;
END $$;

-- Carries the rows in some pages of a partition of `rollups_before_series` over to `target`, whose partitions exist; returns how
-- many.
CREATE FUNCTION carry_rollups(partition text, target text, from_page bigint, to_page bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    pages text := format('ctid >= %L AND ctid < %L', format('(%s,0)', from_page), format('(%s,0)', to_page));
    carried bigint;
BEGIN
    EXECUTE format('INSERT INTO metric_ids (tenant, metric) SELECT DISTINCT tenant, metric FROM %I WHERE %s ORDER BY 1, 2 '
        'ON CONFLICT DO NOTHING', partition, pages);
    EXECUTE format('INSERT INTO series (metric, labels) SELECT DISTINCT m.id, r.labels FROM %I AS r '
        'JOIN metric_ids AS m ON m.tenant = r.tenant AND m.metric = r.metric WHERE r.%s ORDER BY 1, 2 '
        'ON CONFLICT DO NOTHING', partition, replace(pages, 'AND ctid', 'AND r.ctid'));
    EXECUTE format('WITH carried AS (DELETE FROM %I WHERE %s RETURNING *) '
        'INSERT INTO %I (metric, window_start, series, writer, count, errors, sum, min, max, histogram, uniques, exemplar) '
        'SELECT m.id, c.window_start, s.id, c.writer, c.count, c.errors, c.sum, c.min, c.max, c.histogram, c.uniques, c.exemplar '
        'FROM carried AS c JOIN metric_ids AS m ON m.tenant = c.tenant AND m.metric = c.metric '
        'JOIN series AS s ON s.metric = m.id AND s.digest = md5(c.labels::text)::uuid', partition, pages, target);
    GET DIAGNOSTICS carried = ROW_COUNT;
    RETURN carried;
END $$;

-- When all is carried over: the view without what was before. False where there is something left.
CREATE FUNCTION end_carrying() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM rollups_before_series) THEN
        RETURN false;
    END IF;
    CREATE OR REPLACE VIEW rollups AS SELECT * FROM named_cells;
    DROP TABLE rollups_before_series;
    RETURN true;
END $$;

-- A new database has nothing to carry.
DO $$ BEGIN PERFORM end_carrying(); END $$;
