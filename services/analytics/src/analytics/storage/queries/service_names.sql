-- The names that services were given, for people. Parameters are listed in order.

-- name: put_service_names
-- tenants, services, names, limit. Of a service that is there, the name becomes the new one; further services of a tenant have
-- no place. Returns how many those were. Sorted, so that two writers never wait for each other in a circle.
WITH given AS (
    SELECT tenant, service, g.name, s.service IS NOT NULL AS known
    FROM unnest($1::text[], $2::text[], $3::text[]) AS g (tenant, service, name)
    LEFT JOIN service_names AS s USING (tenant, service)
), there AS (
    SELECT tenant, count(*) AS services FROM service_names WHERE tenant = ANY ($1::text[]) GROUP BY tenant
), placed AS (
    SELECT tenant, service, name, known, coalesce(services, 0)
        + count(*) FILTER (WHERE NOT known) OVER (PARTITION BY tenant ORDER BY service) AS place
    FROM given LEFT JOIN there USING (tenant)
), put AS (
    INSERT INTO service_names AS s (tenant, service, name)
    SELECT tenant, service, name FROM placed WHERE known OR place <= $4 ORDER BY tenant, service
    ON CONFLICT (tenant, service) DO UPDATE SET name = excluded.name, seen_at = now()
    WHERE s.name <> excluded.name OR s.seen_at < now() - interval '1 hour'
)
SELECT count(*) FROM placed WHERE NOT known AND place > $4

-- name: service_names_since
-- since, limit. The names that were given or changed since some time ago, of all tenants, the newest first.
SELECT tenant, service, name FROM service_names WHERE seen_at >= $1 ORDER BY seen_at DESC LIMIT $2

-- name: service_names
-- tenant, services
SELECT service, name FROM service_names WHERE tenant = $1 AND service = ANY ($2::text[])

-- name: expire_service_names
-- before. Of services that have not been heard of since.
DELETE FROM service_names WHERE seen_at < $1
