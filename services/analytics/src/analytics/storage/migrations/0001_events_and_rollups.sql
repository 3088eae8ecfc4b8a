-- Rows of what happened, rollups of what it means, and the memory that makes everything count once.
-- Partitions are made ahead and on demand by make_partition(), and dropped when their time is over by drop_partition().

CREATE TABLE events (
    tenant      text NOT NULL,
    event_id    text NOT NULL,
    event_type  text NOT NULL,
    time        timestamptz NOT NULL,
    user_id     text,
    session_id  text,
    service     text,
    version     text,
    data        jsonb,
    trace_id    text
) PARTITION BY RANGE (time);
-- Rows come nearly in order of time: a block range index is a thousandth of a B-tree's size and as fast for ranges.
CREATE INDEX events_time ON events USING brin (time) WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE requests (
    tenant      text NOT NULL,
    event_id    text NOT NULL,
    service     text NOT NULL,
    method      text NOT NULL,
    route       text NOT NULL,
    status      smallint NOT NULL,
    duration_ms double precision NOT NULL,
    time        timestamptz NOT NULL,
    error       text,
    user_id     text,
    session_id  text,
    model       text,
    trace_id    text
) PARTITION BY RANGE (time);
CREATE INDEX requests_time ON requests USING brin (time) WITH (pages_per_range = 32, autosummarize = on);

-- Keys of everything that was counted. Not partitioned by the item's time, so that an id that comes again with another
-- timestamp is found all the same; old keys are removed by the time at which they were written.
CREATE TABLE seen (
    id bytea PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX seen_at ON seen USING brin (at) WITH (pages_per_range = 32, autosummarize = on);

-- One row for each series, window and writer. A writer replaces its own rows only; whoever reads merges those of all writers.
CREATE TABLE rollups (
    resolution   text NOT NULL,
    tenant       text NOT NULL,
    metric       text NOT NULL,
    window_start timestamptz NOT NULL,
    labels       jsonb NOT NULL,
    writer       uuid NOT NULL,
    count        bigint NOT NULL,
    errors       bigint NOT NULL,
    sum          double precision NOT NULL,
    min          double precision,
    max          double precision,
    histogram    bytea,
    uniques      bytea,
    exemplar     text,
    PRIMARY KEY (resolution, tenant, metric, window_start, labels, writer)
) PARTITION BY LIST (resolution);
-- Sketches are dense already: trying to compress them would only cost time.
ALTER TABLE rollups ALTER COLUMN histogram SET STORAGE EXTERNAL, ALTER COLUMN uniques SET STORAGE EXTERNAL;

CREATE TABLE rollups_1s PARTITION OF rollups FOR VALUES IN ('1s') PARTITION BY RANGE (window_start);
CREATE TABLE rollups_1m PARTITION OF rollups FOR VALUES IN ('1m') PARTITION BY RANGE (window_start);
CREATE TABLE rollups_1h PARTITION OF rollups FOR VALUES IN ('1h') PARTITION BY RANGE (window_start);

-- Which windows a transaction touched, for the replica that publishes. Written in that transaction; the reader asks for
-- everything at or after the oldest transaction that was still running when it last looked, so a slow commit is never missed.
CREATE TABLE changes (
    xid     xid8 PRIMARY KEY DEFAULT pg_current_xact_id(),
    windows json NOT NULL
);

-- Makes one partition; false where it is there. `options` are storage parameters, '' for none. A new table is attached instead
-- of being created in place, which would lock out all readers and writers of the parent.
CREATE FUNCTION make_partition(parent text, partition text, starts timestamptz, ends timestamptz, options text)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('drishti.partitions'));
    -- Asked of the catalogue's rows and not of to_regclass(), whose cache may be older than the lock.
    IF EXISTS (
        SELECT 1 FROM pg_class WHERE relname = partition AND relnamespace = current_schema()::regnamespace
    ) THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING STORAGE)', partition, parent);
    IF options <> '' THEN
        EXECUTE format('ALTER TABLE %I SET (%s)', partition, options);
    END IF;
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, partition, starts, ends);
    RETURN true;
END $$;

-- Drops one partition of `parent`, rows and all; false where it is no partition of it.
CREATE FUNCTION drop_partition(parent text, partition text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM pg_inherits
        WHERE inhparent = to_regclass(quote_ident(parent)) AND inhrelid = to_regclass(quote_ident(partition))
    ) THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE %I', partition);
    RETURN true;
END $$;
