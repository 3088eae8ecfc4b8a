-- Metrics that are drawn from events: which of them each transaction of a writer counts, and how far their history is filled.
--
-- `cut` is the number of the transaction that made the row, taken while no writer's transaction ran. Every transaction of a
-- writer with a lower number is committed or gone and has not counted the metric; every one with a higher number counts it.

CREATE TABLE event_metrics (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant     text NOT NULL,
    token      text NOT NULL,
    definition json NOT NULL,
    cut        xid8 NOT NULL DEFAULT pg_current_xact_id(),
    ended      boolean NOT NULL DEFAULT false,
    made_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX event_metrics_counted ON event_metrics (tenant, token) WHERE NOT ended;

-- One row. `epoch` changes with every change of event_metrics; `revision` is that of the definitions which it was made from.
CREATE TABLE event_metrics_state (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch    bigint NOT NULL,
    revision bigint NOT NULL
);
INSERT INTO event_metrics_state (epoch, revision) VALUES (0, 0);

-- The epoch, which stays until the transaction ends: who changes it waits for this lock. Volatile, so that the row is read by a
-- snapshot taken after the lock was got, whatever the statement around it sees.
CREATE FUNCTION hold_event_metrics() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('drishti.event_metrics'));
    RETURN (SELECT epoch FROM event_metrics_state);
END $$;

-- Adds keys that must all be new, after the epoch is held; returns it.
CREATE FUNCTION add_new_keys(keys bytea[]) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    held bigint := hold_event_metrics();
BEGIN
    INSERT INTO seen (id) SELECT id FROM unnest(keys) AS id ORDER BY id;
    RETURN held;
END $$;
