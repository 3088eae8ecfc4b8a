-- Who is left out of answers about users, as a tenant's editors say: rules as drishti.messages.product.exclusion has them.
CREATE TABLE exclusion_rules (
    tenant     text COLLATE "C" PRIMARY KEY,
    revision   bigint NOT NULL,
    rules      jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
