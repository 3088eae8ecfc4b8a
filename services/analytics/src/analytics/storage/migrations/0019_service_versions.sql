-- Which versions of each service were seen, and when, as analytics.spans.service_versions writes it.
CREATE TABLE service_versions (
    tenant text COLLATE "C" NOT NULL,
    service text COLLATE "C" NOT NULL,
    data bytea,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, service)
);
