-- As before, and false for a partition of rollups whose table is gone, since they are carried over: a replica of an earlier version
-- that still runs asks for one before it writes, and must come to what it can give back: nothing can be written into a view.
CREATE OR REPLACE FUNCTION make_partition(parent text, partition text, starts timestamptz, ends timestamptz, options text)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('drishti.partitions'));
    -- Asked of the catalogue's rows and not of to_regclass(), whose cache may be older than the lock.
    IF EXISTS (
        SELECT 1 FROM pg_class WHERE relname = partition AND relnamespace = current_schema()::regnamespace
    ) OR (parent IN ('rollups_1s', 'rollups_1m', 'rollups_1h') AND NOT EXISTS (
        SELECT 1 FROM pg_class WHERE relname = parent AND relnamespace = current_schema()::regnamespace
    )) THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING STORAGE)', partition, parent);
    IF options <> '' THEN
        EXECUTE format('ALTER TABLE %I SET (%s)', partition, options);
    END IF;
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, partition, starts, ends);
    RETURN true;
END $$;
