-- Which transaction stored an event: NULL for rows from before, which are older than every mark. No row is rewritten for it.
ALTER TABLE events ADD COLUMN xid bigint;
ALTER TABLE events ALTER COLUMN xid SET DEFAULT txid_current();
-- There is no such index for xid8.
CREATE INDEX events_xid ON events USING brin (xid) WITH (pages_per_range = 32, autosummarize = on);

-- Events by user as columns, as analytics.product.segments writes them. Every event of a day with a user is either here or a row
-- of `events` whose xid is not below the day's mark. Segments of a day and its mark change in one transaction.
CREATE TABLE segments (
    tenant     text COLLATE "C" NOT NULL,
    day        date NOT NULL,
    bucket     smallint NOT NULL,
    col        text COLLATE "C" NOT NULL,
    rows       integer NOT NULL,
    data       bytea NOT NULL,
    dictionary bytea,
    numbers    bytea,
    PRIMARY KEY (tenant, bucket, col, day)
);

CREATE TABLE segment_marks (
    day   date PRIMARY KEY,
    below bigint NOT NULL,
    at    timestamptz NOT NULL DEFAULT now()
);
