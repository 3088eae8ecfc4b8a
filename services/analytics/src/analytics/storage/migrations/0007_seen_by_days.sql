-- The keys of everything that was counted, in one partition for each day of arrival, so that old ones are dropped and not deleted.
--
-- A key is unique in its day by an index, and in all days because whoever adds keys also looks for them in the earlier days. That
-- is exact, although days have no index in common: which day keys are added to is the newest row of seen_days and no clock. It is
-- read under the lock that every transaction of a writer holds until its end, and changed only by a transaction that holds it
-- alone. So all transactions that added to earlier days have ended before the first one adds to the next, and it sees their keys.

CREATE TABLE seen_days (
    day       date PRIMARY KEY,
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A replica of an earlier version adds keys without a day, which would not be compared with those of other days. To it, this is a
-- passing failure: what it cannot store is delivered again, to a replica of this version in the end.
CREATE FUNCTION keys_have_a_day() RETURNS date LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the table seen has a partition for each day now: start the newer version of analytics'
        USING ERRCODE = 'object_not_in_prerequisite_state';
END $$;

-- Existing keys become those of today. They are read once, which verifies the partition; no row is written.
DO $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    partition text := 'seen_' || to_char(today, 'YYYYMMDD');
    empty boolean := NOT EXISTS (SELECT FROM seen);
BEGIN
    EXECUTE format('ALTER TABLE seen RENAME TO %I', partition);
    EXECUTE format('ALTER INDEX seen_pkey RENAME TO %I', partition || '_pkey');
    CREATE TABLE seen (id bytea NOT NULL, day date NOT NULL DEFAULT keys_have_a_day()) PARTITION BY LIST (day);
    IF empty THEN
        EXECUTE format('DROP TABLE %I', partition);
        EXECUTE format('CREATE TABLE %I (id bytea PRIMARY KEY, day date NOT NULL)', partition);
    ELSE
        EXECUTE format('ALTER TABLE %I DROP COLUMN at, ADD COLUMN day date NOT NULL DEFAULT %L', partition, today);
    END IF;
    EXECUTE format('ALTER TABLE seen ATTACH PARTITION %I FOR VALUES IN (%L)', partition, today);
    INSERT INTO seen_days (day) VALUES (today);
END $$;

-- Makes the partition of `today` and lets keys go there from now on; false where that or a later day is open already.
CREATE FUNCTION open_seen_day(today date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    partition text := 'seen_' || to_char(today, 'YYYYMMDD');
BEGIN
    IF EXISTS (SELECT FROM seen_days WHERE day >= today) THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('drishti.partitions'));
    -- Again: somebody else may have done it before the lock was got.
    IF EXISTS (SELECT FROM seen_days WHERE day >= today) THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (id bytea PRIMARY KEY, day date NOT NULL)', partition);
    EXECUTE format('ALTER TABLE seen ATTACH PARTITION %I FOR VALUES IN (%L)', partition, today);
    -- Waits until no transaction of a writer runs, and keeps them away until this one has ended.
    PERFORM pg_advisory_xact_lock(hashtext('drishti.event_metrics'));
    INSERT INTO seen_days (day) VALUES (today);
    RETURN true;
END $$;

-- Forgets the keys of one day.
CREATE FUNCTION drop_seen_day(gone date) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM seen_days WHERE day = gone;
    RETURN drop_partition('seen', 'seen_' || to_char(gone, 'YYYYMMDD'));
END $$;

-- Adds keys that must all be new, after the epoch is held; returns it. A scan of a whole day is never the right way to find keys,
-- whatever the planner believes of a day that was never analyzed.
CREATE OR REPLACE FUNCTION add_new_keys(keys bytea[]) RETURNS bigint LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
DECLARE
    held bigint := hold_event_metrics();
    today date := (SELECT max(day) FROM seen_days);
BEGIN
    INSERT INTO seen (id, day) SELECT id, today FROM unnest(keys) AS id ORDER BY id;
    IF EXISTS (SELECT FROM seen WHERE day < today AND id = ANY (keys)) THEN
        RAISE unique_violation USING MESSAGE = 'some keys were added on an earlier day';
    END IF;
    RETURN held;
END $$;

-- Adds those of `keys` that are new, and returns them. The epoch must be held.
CREATE FUNCTION add_keys(keys bytea[]) RETURNS SETOF bytea LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
DECLARE
    today date := (SELECT max(day) FROM seen_days);
    known bytea[] := ARRAY(SELECT id FROM seen WHERE day < today AND id = ANY (keys));
BEGIN
    RETURN QUERY
    INSERT INTO seen AS s (id, day) SELECT key, today FROM unnest(keys) AS key WHERE key <> ALL (known) ORDER BY key
    ON CONFLICT DO NOTHING RETURNING s.id;
END $$;
