-- What the traces of a minute say together, by tenant and kind of sums: service map, bottlenecks, evidence of root causes. A minute is
-- counted when it has become quiet, and anew, whole, when spans of it come late: so it does not matter who stored them, and when.

-- Each batch of spans notes the minutes that it changes. Whoever counts a minute takes its notes away in the same transaction.
CREATE TABLE span_changes (
    minute timestamptz NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    at     timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (minute);
CREATE INDEX span_changes_minute ON span_changes (minute);

-- Of the minute's `traces`, one in `one_in` is in `sums`.
CREATE TABLE span_minutes (
    tenant text COLLATE "C" NOT NULL,
    kind   text COLLATE "C" NOT NULL,
    minute timestamptz NOT NULL,
    traces integer NOT NULL,
    one_in integer NOT NULL,
    sums   bytea NOT NULL,
    PRIMARY KEY (tenant, kind, minute)
) PARTITION BY RANGE (minute);
