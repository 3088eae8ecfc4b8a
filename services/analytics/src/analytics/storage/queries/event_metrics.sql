-- Metrics that are drawn from events. Parameters are listed in order.

-- name: hold_event_metrics
-- The epoch, which stays until the transaction ends.
SELECT hold_event_metrics()

-- name: event_metrics_epoch
SELECT epoch FROM event_metrics_state

-- name: event_metrics
-- Those that are counted, with the epoch. Always at least one row.
SELECT s.epoch, s.revision, m.id, m.tenant, m.token, m.definition
FROM event_metrics_state AS s LEFT JOIN event_metrics AS m ON NOT m.ended

-- name: change_event_metrics
-- Waits until no transaction of a writer runs, and keeps them away until this one ends.
SELECT pg_advisory_xact_lock(hashtext('drishti.event_metrics'))

-- name: end_event_metrics
-- ids
UPDATE event_metrics SET ended = true WHERE id = ANY ($1::bigint[])

-- name: begin_event_metrics
-- tenants, tokens, definitions
INSERT INTO event_metrics (tenant, token, definition) SELECT * FROM unnest($1::text[], $2::text[], $3::json[])

-- name: next_event_metrics_epoch
-- revision
UPDATE event_metrics_state SET epoch = epoch + 1, revision = $1
