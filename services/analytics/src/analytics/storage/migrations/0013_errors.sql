-- Errors of spans: what is known of each kind, by its fingerprint, and every span that had one.

-- One kind of error of a tenant. `count` counts the spans where it began (analytics.spans.failures), also those whose rows are gone.
-- `place` is the fingerprint without the message. `other` (fingerprint 0) stands for those beyond the limit.
-- Resolved: `status_at` says when. It opens again by an error after that, unless it is of a version in `fixed_from`, which are those
-- seen before it was resolved in `resolved_in`.
CREATE TABLE error_groups (
    tenant      text COLLATE "C" NOT NULL,
    fingerprint bigint NOT NULL,
    place       bigint NOT NULL,
    service     text COLLATE "C" NOT NULL,
    type        text NOT NULL,
    title       text NOT NULL,
    culprit     text NOT NULL,
    about       jsonb NOT NULL,
    count       bigint NOT NULL DEFAULT 0,
    first_seen  timestamptz NOT NULL,
    last_seen   timestamptz NOT NULL,
    status      text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'resolved', 'ignored')),
    status_at   timestamptz,
    resolved_in text,
    fixed_from  text[] NOT NULL DEFAULT '{}',
    regressions integer NOT NULL DEFAULT 0,
    regressed_at timestamptz,
    PRIMARY KEY (tenant, fingerprint)
) WITH (fillfactor = 70);
CREATE INDEX error_groups_place ON error_groups (tenant, place);

-- A span with an error. `passed_on`: it began in a child, and this one only passed it on; so it is no error of its own.
-- `error` is the fingerprint of what it says, `fingerprint` that of the group that it counts in. `entry` is the operation by which
-- the request came in, as far as its spans were stored together.
CREATE TABLE span_errors (
    tenant      text COLLATE "C" NOT NULL,
    started     timestamptz NOT NULL,
    at_ns       bigint NOT NULL,
    fingerprint bigint NOT NULL,
    error       bigint NOT NULL,
    trace_id    bytea NOT NULL,
    span_id     bytea NOT NULL,
    parent_id   bytea,
    handled     boolean NOT NULL,
    passed_on   boolean NOT NULL DEFAULT false,
    service     text COLLATE "C" NOT NULL,
    entry       text,
    version     text,
    user_id     text
) PARTITION BY RANGE (started);
CREATE INDEX span_errors_trace ON span_errors (trace_id);
CREATE INDEX span_errors_group ON span_errors (tenant, fingerprint, started);

-- Adds spans with errors, which are new, in the transaction that stores the spans; their partitions exist. Each group counts the
-- spans where its error began, whichever of parent and child comes first, and whoever stores them: one transaction of a tenant
-- at a time. `about` is of the first of each fingerprint, and NULL for the others. Returns how many were counted as `other`.
CREATE FUNCTION put_span_errors(
    tenants text[], starts timestamptz[], at_nss bigint[], errors bigint[], places bigint[], trace_ids bytea[], span_ids bytea[],
    parent_ids bytea[], handleds boolean[], services text[], entries text[], versions text[], users text[], abouts jsonb[],
    max_groups integer, max_of_place integer
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    groups bigint[];
    since timestamptz := (SELECT min(s) FROM unnest(starts) AS s) - interval '1 day';
    until timestamptz := (SELECT max(s) FROM unnest(starts) AS s) + interval '1 day';
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('drishti.errors ' || t.tenant, 0))
    FROM (SELECT DISTINCT tenant FROM unnest(tenants) AS w (tenant) ORDER BY 1) AS t;

    -- The group of each: its own, that of its place where messages differ without end, or that of all others.
    WITH given AS (
        SELECT DISTINCT w.tenant, w.error, w.place FROM unnest(tenants, errors, places) AS w (tenant, error, place)
        WHERE NOT EXISTS (SELECT FROM error_groups AS g WHERE g.tenant = w.tenant AND g.fingerprint = w.error)
    ), placed AS (
        SELECT g.tenant, g.error, CASE
            WHEN row_number() OVER (PARTITION BY g.tenant, g.place ORDER BY g.error)
                + (SELECT count(*) FROM error_groups AS e WHERE e.tenant = g.tenant AND e.place = g.place) > max_of_place
            THEN g.place ELSE g.error END AS target
        FROM given AS g
    ), limited AS (
        SELECT p.tenant, p.error, CASE
            WHEN EXISTS (SELECT FROM error_groups AS e WHERE e.tenant = p.tenant AND e.fingerprint = p.target) THEN p.target
            WHEN dense_rank() OVER (PARTITION BY p.tenant ORDER BY p.target)
                + (SELECT count(*) FROM error_groups AS e WHERE e.tenant = p.tenant) > max_groups
            THEN 0 ELSE p.target END AS target
        FROM placed AS p
    )
    SELECT array_agg(coalesce(l.target, w.error) ORDER BY w.n) INTO groups
    FROM unnest(tenants, errors) WITH ORDINALITY AS w (tenant, error, n)
    LEFT JOIN limited AS l ON l.tenant = w.tenant AND l.error = w.error;

    INSERT INTO error_groups AS g (tenant, fingerprint, place, service, type, title, culprit, about, first_seen, last_seen)
    SELECT DISTINCT ON (w.tenant, w.target) w.tenant, w.target,
        CASE w.target WHEN 0 THEN 0 ELSE w.place END,
        CASE w.target WHEN 0 THEN '' ELSE w.about ->> 'service' END,
        CASE w.target WHEN 0 THEN 'other' ELSE w.about ->> 'type' END,
        CASE w.target WHEN 0 THEN 'other errors' WHEN w.place THEN (w.about ->> 'type') || ' in ' || (w.about ->> 'culprit')
            ELSE w.about ->> 'title' END,
        CASE w.target WHEN 0 THEN '' ELSE w.about ->> 'culprit' END,
        CASE w.target WHEN 0 THEN '{}' ELSE w.about - '{service,type,title,culprit}'::text[] END,
        to_timestamp(w.at_ns / 1e9), to_timestamp(w.at_ns / 1e9)
    FROM unnest(tenants, groups, places, at_nss, abouts) AS w (tenant, target, place, at_ns, about)
    WHERE w.about IS NOT NULL
    ORDER BY w.tenant, w.target, w.at_ns
    ON CONFLICT DO NOTHING;

    INSERT INTO span_errors (tenant, started, at_ns, fingerprint, error, trace_id, span_id, parent_id, handled, service, entry,
        version, user_id)
    SELECT * FROM unnest(tenants, starts, at_nss, groups, errors, trace_ids, span_ids, parent_ids, handleds, services, entries,
        versions, users);

    WITH passing AS (
        UPDATE span_errors AS p SET passed_on = true
        FROM span_errors AS c
        WHERE p.trace_id = ANY (trace_ids) AND NOT p.passed_on AND p.started BETWEEN since AND until
          AND c.trace_id = p.trace_id AND c.parent_id = p.span_id AND c.span_id <> p.span_id AND c.tenant = p.tenant
          AND c.started BETWEEN since AND until
          AND (NOT c.handled OR c.error = p.error) AND (c.service <> p.service OR c.at_ns <= p.at_ns)
        RETURNING p.tenant, p.fingerprint, p.trace_id, p.span_id, p.at_ns
    ), added AS (
        SELECT w.tenant, w.fingerprint, w.at_ns, w.version, passing.span_id IS NOT NULL AS passed_on
        FROM unnest(tenants, groups, at_nss, versions, trace_ids, span_ids)
            AS w (tenant, fingerprint, at_ns, version, trace_id, span_id)
        LEFT JOIN passing ON passing.tenant = w.tenant AND passing.trace_id = w.trace_id AND passing.span_id = w.span_id
    ), more AS (
        SELECT a.tenant, a.fingerprint, count(*) AS more, min(a.at_ns) AS earliest, max(a.at_ns) AS latest,
            max(a.at_ns) FILTER (WHERE a.version IS NULL OR NOT a.version = ANY (g.fixed_from)) AS unfixed
        FROM added AS a JOIN error_groups AS g ON g.tenant = a.tenant AND g.fingerprint = a.fingerprint
        WHERE NOT a.passed_on GROUP BY 1, 2
    ), less AS (
        SELECT p.tenant, p.fingerprint, count(*) AS less FROM passing AS p
        WHERE NOT EXISTS (
            SELECT FROM unnest(tenants, trace_ids, span_ids) AS w (tenant, trace_id, span_id)
            WHERE w.tenant = p.tenant AND w.trace_id = p.trace_id AND w.span_id = p.span_id
        ) GROUP BY 1, 2
    ), changed AS (
        SELECT tenant, fingerprint, coalesce(more, 0) - coalesce(less, 0) AS more, earliest, latest,
            to_timestamp(unfixed / 1e9) AS unfixed
        FROM more FULL JOIN less USING (tenant, fingerprint)
    )
    UPDATE error_groups AS g SET
        count = greatest(0, g.count + c.more),
        first_seen = least(g.first_seen, to_timestamp(c.earliest / 1e9)),
        last_seen = greatest(g.last_seen, to_timestamp(c.latest / 1e9)),
        status = CASE WHEN g.status = 'resolved' AND c.unfixed > g.status_at THEN 'open' ELSE g.status END,
        regressions = g.regressions + (g.status = 'resolved' AND c.unfixed > g.status_at IS TRUE)::integer,
        regressed_at = CASE WHEN g.status = 'resolved' AND c.unfixed > g.status_at THEN c.unfixed ELSE g.regressed_at END
    FROM changed AS c
    WHERE g.tenant = c.tenant AND g.fingerprint = c.fingerprint;

    -- What turned out to be passed on, every time, was none.
    DELETE FROM error_groups AS g
    USING (SELECT DISTINCT tenant, s.fingerprint FROM unnest(tenants, trace_ids) AS w (tenant, trace_id)
        JOIN span_errors AS s USING (tenant, trace_id) WHERE s.passed_on AND s.started BETWEEN since AND until) AS p
    WHERE g.tenant = p.tenant AND g.fingerprint = p.fingerprint AND g.count = 0 AND g.status = 'open' AND g.regressions = 0;

    RETURN (SELECT count(*) FROM unnest(groups) AS w (target) WHERE target = 0);
END $$;
