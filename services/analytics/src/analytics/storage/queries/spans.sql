-- Spans, and what many of them have in common. Parameters are listed in order.

-- name: put_span_operations
-- ids, tenants, services, operations, kinds, scopes, versions of these. What is there is seen again today.
INSERT INTO span_operations AS s (id, tenant, service, operation, kind, scope, scope_version)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::text[], $7::text[])
ON CONFLICT (id) DO UPDATE SET seen_on = current_date WHERE s.seen_on < current_date

-- name: put_span_resources
-- ids, attributes. What is there is seen again today.
INSERT INTO span_resources AS s (id, attributes)
SELECT id, text::jsonb FROM unnest($1::bigint[], $2::text[]) AS given (id, text)
ON CONFLICT (id) DO UPDATE SET seen_on = current_date WHERE s.seen_on < current_date

-- name: expire_span_operations
-- days
DELETE FROM span_operations WHERE seen_on < current_date - $1::integer

-- name: expire_span_resources
-- days
DELETE FROM span_resources WHERE seen_on < current_date - $1::integer

-- name: spans_of_trace
-- tenant, trace id, limit. All spans of one trace, the earliest first.
SELECT s.*, o.service, o.operation AS operation_name, o.kind, o.scope, o.scope_version, r.attributes AS resource_attributes
FROM spans AS s JOIN span_operations AS o ON o.id = s.operation JOIN span_resources AS r ON r.id = s.resource
WHERE s.trace_id = $2 AND o.tenant = $1
ORDER BY s.started, s.start_ns, s.span_id LIMIT $3
