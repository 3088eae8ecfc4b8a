-- name: know_service
-- tenant, service, limit of services of a tenant. Makes its row, unless there are as many.
INSERT INTO service_versions (tenant, service)
SELECT $1, $2 WHERE (SELECT count(*) FROM service_versions WHERE tenant = $1) < $3
ON CONFLICT DO NOTHING

-- name: lock_service_versions
-- tenant, service. No row where it is not known; waits for whoever has it.
SELECT data FROM service_versions WHERE tenant = $1 AND service = $2 FOR UPDATE

-- name: put_service_versions
-- tenant, service, data
UPDATE service_versions SET data = $3, seen_at = now() WHERE tenant = $1 AND service = $2

-- name: expire_service_versions
-- before
DELETE FROM service_versions WHERE seen_at < $1
