-- The keys that make every item count once. Parameters are listed in order.

-- name: add_new_to_seen
-- keys, which must all be new. Sorted, so that two writers never wait for each other in a circle, and so that neighbours in the
-- index are written together. Returns the epoch of the metrics that are drawn from events, and holds it.
SELECT add_new_keys($1::bytea[])

-- name: add_to_seen
-- keys. Returns those that were new. Sorted as above; twice as much work for PostgreSQL.
INSERT INTO seen (id) SELECT id FROM unnest($1::bytea[]) AS id ORDER BY id ON CONFLICT DO NOTHING RETURNING id

-- name: expire_seen
-- before, limit. Some of the keys that are older; repeat until it removes none.
DELETE FROM seen WHERE ctid = ANY (ARRAY(SELECT ctid FROM seen WHERE at < $1 LIMIT $2))
