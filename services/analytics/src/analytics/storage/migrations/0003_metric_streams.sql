-- The last point of every stream of cumulative OTLP metrics, of which the next one's increase is made. Locked, read and written in
-- the transaction that stores the batch. `day` changes once a day at most, so that a row is mostly replaced on its own page.

CREATE TABLE metric_streams (
    stream bytea PRIMARY KEY,
    tenant text NOT NULL,
    day    date NOT NULL DEFAULT current_date,
    state  bytea
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.1);
CREATE INDEX metric_streams_day ON metric_streams (day);
