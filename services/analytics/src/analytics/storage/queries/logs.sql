-- Log records. Parameters are listed in order. A severity of 0 is one that is not set.

-- name: plan_for_values
-- Statements of this transaction are planned for the values that they have: how many partitions a range has, and which
-- conditions there are at all, decides how they are best read.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true)

-- name: log_records
-- tenant, from, until, id, service or null, least severity, templates or null, pattern of ILIKE or null, limit, bytes, services
-- that are left out. Records before the one with this time and id, the newest first: so many, and as many bytes of them; the first
-- one at any rate.
WITH found AS MATERIALIZED (
    SELECT * FROM log_records
    WHERE tenant = $1 AND time >= $2 AND time <= $3 AND (time, id) < ($3, $4)
      AND ($5::text IS NULL OR service = $5) AND service <> ALL ($11::text[]) AND severity >= $6
      AND ($7::bigint[] IS NULL OR template = ANY ($7))
      AND ($8::text IS NULL OR body ILIKE $8
           OR attributes ?| '{exception.message,exception.type}'
              AND (attributes ->> 'exception.message' ILIKE $8 OR attributes ->> 'exception.type' ILIKE $8))
    ORDER BY time DESC, id DESC
    LIMIT $9
), sized AS (
    SELECT f.*, r.attributes AS resource_attributes, row_number() OVER newest AS place, count(*) OVER () AS found,
           sum(coalesce(octet_length(body), 0) + coalesce(octet_length(f.attributes::text), 0)
               + coalesce(octet_length(r.attributes::text), 0)) OVER newest AS bytes
    FROM found AS f LEFT JOIN span_resources AS r ON r.id = f.resource
    WINDOW newest AS (ORDER BY time DESC, f.id DESC)
)
SELECT * FROM sized WHERE place = 1 OR bytes <= $10 ORDER BY place

-- name: log_records_of_trace
-- As log_records, of one trace, which comes last of the parameters.
WITH found AS MATERIALIZED (
    SELECT * FROM (SELECT * FROM log_records WHERE trace_id = $12 AND tenant = $1 OFFSET 0) AS of_trace
    WHERE time >= $2 AND time <= $3 AND (time, id) < ($3, $4)
      AND ($5::text IS NULL OR service = $5) AND service <> ALL ($11::text[]) AND severity >= $6
      AND ($7::bigint[] IS NULL OR template = ANY ($7))
      AND ($8::text IS NULL OR body ILIKE $8
           OR attributes ?| '{exception.message,exception.type}'
              AND (attributes ->> 'exception.message' ILIKE $8 OR attributes ->> 'exception.type' ILIKE $8))
    ORDER BY time DESC, id DESC
    LIMIT $9
), sized AS (
    SELECT f.*, r.attributes AS resource_attributes, row_number() OVER newest AS place, count(*) OVER () AS found,
           sum(coalesce(octet_length(body), 0) + coalesce(octet_length(f.attributes::text), 0)
               + coalesce(octet_length(r.attributes::text), 0)) OVER newest AS bytes
    FROM found AS f LEFT JOIN span_resources AS r ON r.id = f.resource
    WINDOW newest AS (ORDER BY time DESC, f.id DESC)
)
SELECT * FROM sized WHERE place = 1 OR bytes <= $10 ORDER BY place

-- name: put_log_counts
-- tenants, whether of an hour, starts, services, templates, severities, counts, first and last times; most rows of a service and of a
-- tenant in a minute or hour. Returns how many records were counted as other.
SELECT put_log_counts(
    $1::text[], $2::boolean[], $3::timestamptz[], $4::text[], $5::bigint[], $6::smallint[], $7::bigint[], $8::timestamptz[],
    $9::timestamptz[], $10, $11
)

-- name: log_templates
-- tenant, whether by hours, from, to, service or null, least severity, bounds of the steps, limit, services that are left
-- out. Of each service the templates of its records, those with the most first, and how many records of each there are in the steps that have any, counted from 1. `total`
-- counts the records of all, also of those that are counted as other.
WITH counted AS MATERIALIZED (
    SELECT service, template, width_bucket(start, $7::timestamptz[]) AS step, sum(count) AS count,
           sum(count) FILTER (WHERE severity >= 17) AS errors, max(severity) AS severity, min(first) AS first, max(last) AS last
    FROM log_counts
    WHERE tenant = $1 AND hourly = $2 AND start >= $3 AND start < $4 AND ($5::text IS NULL OR service = $5) AND severity >= $6
      AND service <> ALL ($9::text[])
    GROUP BY 1, 2, 3
)
SELECT service, template, sum(count)::bigint AS count, coalesce(sum(errors), 0)::bigint AS errors, max(severity) AS severity,
       min(first) AS first, max(last) AS last, array_agg(step) AS steps, array_agg(count::bigint) AS counts,
       (sum(sum(count)) OVER ())::bigint AS total
FROM counted
GROUP BY service, template
ORDER BY 3 DESC, service, template
LIMIT $8

-- name: log_examples
-- tenant, services, templates, times, characters. A record of each of these, with its place in the lists.
SELECT t.place::int AS place, e.*
FROM unnest($2::text[], $3::bigint[], $4::timestamptz[]) WITH ORDINALITY AS t (service, template, time, place)
CROSS JOIN LATERAL (
    SELECT left(l.body, $5) AS body, l.structured, l.event_name, l.attributes ->> 'exception.message' AS message
    FROM log_records AS l
    WHERE l.tenant = $1 AND l.time = t.time AND l.service = t.service AND l.template = t.template
    LIMIT 1
) AS e
