-- How many rows of events the history of a metric was filled from so far.

ALTER TABLE event_metrics ADD COLUMN filled_rows bigint NOT NULL DEFAULT 0;
