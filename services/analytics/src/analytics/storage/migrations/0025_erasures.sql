-- Erasures of users, which are the receipts. `users` are the ids while it runs, and NULL when it is finished: then only their hash
-- is left. `removed` counts what was removed, by store; it changes in the transaction that removes it.
CREATE TABLE erasures (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant       text COLLATE "C" NOT NULL,
    user_hash    bytea NOT NULL,
    users        text[],
    asked_by     text NOT NULL,
    asked_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    before       timestamptz NOT NULL,
    rows_erased  boolean NOT NULL DEFAULT false,
    finished_at  timestamptz,
    removed      jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX erasures_of_tenant ON erasures (tenant, asked_at);
CREATE UNIQUE INDEX erasures_running ON erasures (tenant, user_hash) WHERE finished_at IS NULL;

-- Nothing of these users that happened before is stored. Every writer's transaction goes by it: it changes as event_metrics does,
-- while no such transaction runs, and with the same epoch.
CREATE TABLE tombstones (
    tenant    text COLLATE "C" NOT NULL,
    user_hash bytea NOT NULL,
    before    timestamptz NOT NULL,
    PRIMARY KEY (tenant, user_hash)
);
