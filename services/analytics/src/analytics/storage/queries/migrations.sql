-- The schema's own history. Parameters are listed in order.

-- name: make_migrations_table
-- What was applied, so that an old migration that was changed since is noticed.
CREATE TABLE IF NOT EXISTS migrations (
    version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
)

-- name: list_migrations
SELECT version, name, checksum FROM migrations ORDER BY version

-- name: add_migration
-- version, name, checksum
INSERT INTO migrations (version, name, checksum) VALUES ($1, $2, $3)

-- name: lock_migrations
-- One replica migrates, the others wait here.
SELECT pg_advisory_xact_lock(hashtext('drishti.migrations'))
