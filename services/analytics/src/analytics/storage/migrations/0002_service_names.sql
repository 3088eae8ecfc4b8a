-- The names that services were given, for people; everything else knows a service by its token.

CREATE TABLE service_names (
    tenant  text NOT NULL,
    service text NOT NULL,
    name    text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, service)
);
