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
CREATE INDEX span_errors_span ON span_errors (trace_id, span_id);
CREATE INDEX span_errors_children ON span_errors (trace_id, parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX span_errors_group ON span_errors (tenant, fingerprint, started);

-- Adds spans with errors, which are new, in the transaction that stores the spans; their partitions exist. Each group counts the
-- spans where its error began, whichever of parent and child comes first, and whoever stores them: one transaction of a tenant
-- at a time. Children come before their parents as far as both are given. `about` is of the first of each fingerprint, and NULL for
-- the others. Returns how many were counted as `other`.
--
-- Relatives are looked up one by one, which takes the indexes whatever is known of the tables: a plan for all at once is made when
-- the day's partition is empty, and bad when it is full. For the same reason tenants are compared in a way that no index knows.
CREATE FUNCTION put_span_errors(
    tenants text[], starts timestamptz[], at_nss bigint[], errors bigint[], places bigint[], trace_ids bytea[], span_ids bytea[],
    parent_ids bytea[], handleds boolean[], services text[], entries text[], versions text[], users text[], abouts jsonb[],
    max_groups integer, max_of_place integer
) RETURNS bigint LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    groups bigint[];
    counted boolean[] := '{}';
    parent span_errors;
    less_of text[] := '{}';
    less bigint[] := '{}';
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

    FOR n IN 1 .. cardinality(tenants) LOOP
        counted[n] := NOT EXISTS (
            SELECT FROM span_errors AS c
            WHERE c.trace_id = trace_ids[n] AND c.parent_id = span_ids[n] AND c.span_id <> span_ids[n]
              AND c.tenant || '' = tenants[n]
              AND c.started BETWEEN since AND until
              AND (NOT c.handled OR c.error = errors[n]) AND (c.service <> services[n] OR c.at_ns <= at_nss[n])
        );
        INSERT INTO span_errors (tenant, started, at_ns, fingerprint, error, trace_id, span_id, parent_id, handled, passed_on,
            service, entry, version, user_id)
        VALUES (tenants[n], starts[n], at_nss[n], groups[n], errors[n], trace_ids[n], span_ids[n], parent_ids[n], handleds[n],
            NOT counted[n], services[n], entries[n], versions[n], users[n]);
        CONTINUE WHEN parent_ids[n] IS NULL OR parent_ids[n] = span_ids[n];
        UPDATE span_errors AS p SET passed_on = true
        WHERE p.trace_id = trace_ids[n] AND p.span_id = parent_ids[n] AND p.tenant || '' = tenants[n] AND NOT p.passed_on
          AND p.started BETWEEN since AND until
          AND (NOT handleds[n] OR errors[n] = p.error) AND (services[n] <> p.service OR at_nss[n] <= p.at_ns)
        RETURNING p.* INTO parent;
        IF FOUND THEN
            less_of := less_of || parent.tenant;
            less := less || parent.fingerprint;
        END IF;
    END LOOP;

    WITH more AS (
        SELECT a.tenant, a.fingerprint, count(*) AS more, min(a.at_ns) AS earliest, max(a.at_ns) AS latest,
            max(a.at_ns) FILTER (WHERE a.version IS NULL OR NOT a.version = ANY (g.fixed_from)) AS unfixed
        FROM unnest(tenants, groups, at_nss, versions, counted) AS a (tenant, fingerprint, at_ns, version, counted)
        JOIN error_groups AS g ON g.tenant = a.tenant AND g.fingerprint = a.fingerprint
        WHERE a.counted GROUP BY 1, 2
    ), fewer AS (
        SELECT tenant, fingerprint, count(*) AS less FROM unnest(less_of, less) AS l (tenant, fingerprint) GROUP BY 1, 2
    ), changed AS (
        SELECT tenant, fingerprint, coalesce(more.more, 0) - coalesce(fewer.less, 0) AS more, earliest, latest,
            to_timestamp(unfixed / 1e9) AS unfixed
        FROM more FULL JOIN fewer USING (tenant, fingerprint)
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
    USING (SELECT tenant, fingerprint FROM unnest(less_of, less) AS l (tenant, fingerprint)
        UNION SELECT tenant, fingerprint FROM unnest(tenants, groups) AS w (tenant, fingerprint)) AS p
    WHERE g.tenant = p.tenant AND g.fingerprint = p.fingerprint AND g.count = 0 AND g.status = 'open' AND g.regressions = 0;

    RETURN (SELECT count(*) FROM unnest(groups) AS w (target) WHERE target = 0);
END $$;
