-- What the minutes of an hour say together, for questions about days: as span_minutes, with all traces (none of the hour is a sample).
-- Whoever puts a minute of the hour takes it away; it is added up again then.
CREATE TABLE span_hours (
    tenant text COLLATE "C" NOT NULL,
    kind   text COLLATE "C" NOT NULL,
    hour   timestamptz NOT NULL,
    traces bigint NOT NULL,
    sums   bytea NOT NULL,
    PRIMARY KEY (tenant, kind, hour)
) PARTITION BY RANGE (hour);
