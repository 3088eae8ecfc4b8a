-- How far each partition of the metrics is published: rows of `changes` before the least of them are needed by nobody. As many
-- rows as analytics.publish.shares.PARTITIONS.
CREATE TABLE publish_progress (
    partition int PRIMARY KEY,
    horizon   bigint NOT NULL
);
INSERT INTO publish_progress (partition, horizon) SELECT p, 0 FROM generate_series(0, 63) AS p;
