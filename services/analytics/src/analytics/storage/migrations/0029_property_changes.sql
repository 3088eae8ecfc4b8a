-- What events say about properties of users and accounts, as analytics.product.people.properties defines it; one row a change. `owner`
-- is the hash of the id of whom it is about, `user_hash` that of the user whose event says so, where there is one. The account of a
-- user is what is set under the empty name.
CREATE TABLE property_changes (
    tenant    text COLLATE "C" NOT NULL,
    kind      text COLLATE "C" NOT NULL CHECK (kind IN ('user', 'account')),
    name      text COLLATE "C" NOT NULL,
    owner     bigint NOT NULL,
    at        timestamptz NOT NULL,
    event_id  text COLLATE "C" NOT NULL,
    op        smallint NOT NULL CHECK (op BETWEEN 0 AND 2),
    text      text,
    number    double precision,
    user_hash bigint,
    PRIMARY KEY (tenant, kind, name, owner, at, event_id, op)
);
CREATE INDEX property_changes_owner ON property_changes (tenant, kind, owner);
CREATE INDEX property_changes_user ON property_changes (tenant, user_hash);
