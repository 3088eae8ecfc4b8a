-- The keys that make every item count once, by day of arrival. Parameters are listed in order.

-- name: add_new_to_seen
-- keys, which must all be new. Sorted, so that two writers never wait for each other in a circle, and so that neighbours in the
-- index are written together. Returns the epoch of the metrics that are drawn from events, and holds it.
SELECT add_new_keys($1::bytea[])

-- name: add_to_seen
-- keys, while the epoch is held. Returns those that were new. Sorted as above; twice as much work for PostgreSQL.
SELECT add_keys($1::bytea[]) AS id

-- name: open_seen_day
-- Whether keys go into another day's partition from now on. By the clock of PostgreSQL, which all replicas have in common.
SELECT open_seen_day((now() AT TIME ZONE 'UTC')::date)

-- name: expired_seen_days
-- before. The days whose keys were all added before some instant: a later day was open by then.
SELECT day FROM seen_days AS d
WHERE EXISTS (SELECT FROM seen_days AS later WHERE later.day > d.day AND later.opened_at <= $1)
ORDER BY day

-- name: drop_seen_day
-- day
SELECT drop_seen_day($1)
