-- What events say about ids that belong to one person, as analytics.product.people.merging defines it: one row for each kind and
-- pair, of its earliest event. `pending` until the persons in `person_ids` and in segments are what it makes them.
CREATE TABLE person_edges (
    tenant    text COLLATE "C" NOT NULL,
    kind      text COLLATE "C" NOT NULL CHECK (kind IN ('identify', 'alias')),
    from_id   text COLLATE "C" NOT NULL,
    to_id     text COLLATE "C" NOT NULL,
    at        timestamptz NOT NULL,
    event_id  text COLLATE "C" NOT NULL,
    undone_at timestamptz,
    pending   boolean NOT NULL DEFAULT true,
    PRIMARY KEY (tenant, from_id, kind, to_id)
);
CREATE INDEX person_edges_to ON person_edges (tenant, to_id, kind);
CREATE INDEX person_edges_earliest ON person_edges (tenant, from_id, at, event_id, to_id)
    WHERE kind = 'identify' AND undone_at IS NULL AND from_id <> to_id;
CREATE INDEX person_edges_pending ON person_edges (tenant) WHERE pending;

-- Ids whose person is another id: what segments say. Changed with them, in one transaction, under the lock of compaction.
CREATE TABLE person_ids (
    tenant    text COLLATE "C" NOT NULL,
    hash      bigint NOT NULL,
    user_id   text COLLATE "C" NOT NULL,
    person    bigint NOT NULL,
    person_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, hash)
);
CREATE INDEX person_ids_person ON person_ids (tenant, person);
