-- An edge that was undone joins nothing until an event that happened later says it again: `at` is the earliest event since then.
ALTER TABLE person_edges ADD COLUMN undone boolean NOT NULL GENERATED ALWAYS AS (coalesce(at <= undone_at, false)) STORED;

DROP INDEX person_edges_earliest;
CREATE INDEX person_edges_earliest ON person_edges (tenant, from_id, at, event_id, to_id)
    WHERE kind = 'identify' AND NOT undone AND from_id <> to_id;
