-- How many log records of a service and severity have a template, in each minute and in each hour: what is asked about templates
-- is answered from these rows, however many records there are. `first` and `last` are times of records that are in log_records.
-- Template 0 stands for those beyond the limit of their service, and service '' for those beyond the limit of their tenant.
CREATE TABLE log_counts (
    tenant   text COLLATE "C" NOT NULL,
    hourly   boolean NOT NULL,
    start    timestamptz NOT NULL,
    service  text COLLATE "C" NOT NULL,
    template bigint NOT NULL,
    severity smallint NOT NULL,
    count    bigint NOT NULL,
    first    timestamptz NOT NULL,
    last     timestamptz NOT NULL,
    PRIMARY KEY (tenant, hourly, start, service, template, severity)
) PARTITION BY RANGE (start);

-- Adds counts, each key once, in the transaction that stores their records; the partitions exist. A minute, or hour, has
-- `of_service` rows of a service and `of_tenant` of a tenant; what is new beyond is counted as other. Two replicas at once may get
-- a few more in. Returns how many records were counted as other.
--
-- Rows are looked up one by one, in any number of partitions and whatever is known of them: counts in subqueries are never joined.
CREATE FUNCTION put_log_counts(
    tenants text[], hourlies boolean[], starts timestamptz[], services text[], templates bigint[], severities smallint[],
    counts bigint[], firsts timestamptz[], lasts timestamptz[], of_service integer, of_tenant integer
) RETURNS bigint LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    others bigint;
BEGIN
    WITH given AS MATERIALIZED (
        SELECT g.*, (
            SELECT count(*) FROM log_counts AS c WHERE c.tenant = g.tenant AND c.hourly = g.hourly AND c.start = g.start
              AND c.service = g.service AND c.template = g.template AND c.severity = g.severity
        ) > 0 AS known
        FROM unnest(tenants, hourlies, starts, services, templates, severities, counts, firsts, lasts)
            AS g (tenant, hourly, start, service, template, severity, count, first, last)
    ), service_rows AS MATERIALIZED (
        SELECT d.*, (
            SELECT count(*) FROM log_counts AS c
            WHERE c.tenant = d.tenant AND c.hourly = d.hourly AND c.start = d.start AND c.service = d.service
        ) AS there
        FROM (SELECT DISTINCT tenant, hourly, start, service FROM given WHERE NOT known) AS d
    ), tenant_rows AS MATERIALIZED (
        SELECT d.*, (
            SELECT count(*) FROM log_counts AS c WHERE c.tenant = d.tenant AND c.hourly = d.hourly AND c.start = d.start
        ) AS there
        FROM (SELECT DISTINCT tenant, hourly, start FROM given WHERE NOT known) AS d
    ), within_service AS (
        SELECT g.tenant, g.hourly, g.start, g.service, g.severity, g.count, g.first, g.last, g.known,
            CASE WHEN g.known OR s.there + row_number() OVER (
                PARTITION BY g.tenant, g.hourly, g.start, g.service, g.known ORDER BY g.template, g.severity
            ) <= of_service THEN g.template ELSE 0 END AS template
        FROM given AS g LEFT JOIN service_rows AS s USING (tenant, hourly, start, service)
    ), within_tenant AS (
        SELECT w.*, w.known OR t.there + dense_rank() OVER (
            PARTITION BY w.tenant, w.hourly, w.start, w.known ORDER BY w.service, w.template, w.severity
        ) <= of_tenant AS kept
        FROM within_service AS w LEFT JOIN tenant_rows AS t USING (tenant, hourly, start)
    ), put AS (
        INSERT INTO log_counts AS c (tenant, hourly, start, service, template, severity, count, first, last)
        SELECT tenant, hourly, start, CASE WHEN kept THEN service ELSE '' END, CASE WHEN kept THEN template ELSE 0 END, severity,
            sum(count), min(first), max(last)
        FROM within_tenant
        GROUP BY 1, 2, 3, 4, 5, 6
        ORDER BY 1, 2, 3, 4, 5, 6
        ON CONFLICT (tenant, hourly, start, service, template, severity) DO UPDATE
        SET count = c.count + excluded.count, first = least(c.first, excluded.first), last = greatest(c.last, excluded.last)
    )
    SELECT coalesce(sum(count), 0) INTO others FROM within_tenant
    WHERE NOT hourly AND NOT known AND (template = 0 OR NOT kept);
    RETURN others;
END $$;
