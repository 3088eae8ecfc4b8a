-- Errors of spans: groups by fingerprint, and the spans that had them. Parameters are listed in order.

-- name: put_span_errors
-- tenants, starts, times of the errors in ns, fingerprints, places, trace ids, span ids, parents, whether handled, services, entries,
-- versions, users, what groups say; most groups of a tenant, most of a place. Returns how many were counted as `other`.
SELECT put_span_errors(
    $1::text[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[], $7::bytea[], $8::bytea[], $9::boolean[],
    $10::text[], $11::text[], $12::text[], $13::text[], $14::text[]::jsonb[], $15, $16
)

-- name: expire_error_groups
-- days
DELETE FROM error_groups WHERE last_seen < now() - make_interval(days => $1)
