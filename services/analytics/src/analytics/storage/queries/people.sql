-- Ids that belong to one person. Parameters are listed in order.

-- name: put_person_edges
-- tenants, kinds, from ids, to ids, times, event ids. Of an edge the earliest event counts, of one that was undone the earliest
-- since. Returns 0: there is no limit. What is known is looked up first, since it would be locked otherwise, and most edges are.
WITH given AS MATERIALIZED (
    SELECT DISTINCT ON (g.tenant, g.from_id, g.kind, g.to_id) g.*
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[])
        AS g (tenant, kind, from_id, to_id, at, event_id)
    LEFT JOIN person_edges AS e
        ON e.tenant = g.tenant AND e.from_id = g.from_id AND e.kind = g.kind AND e.to_id = g.to_id
    WHERE e.tenant IS NULL OR (
        g.at > coalesce(e.undone_at, '-infinity') AND (e.undone OR (g.at, g.event_id COLLATE "C") < (e.at, e.event_id))
    )
    ORDER BY g.tenant, g.from_id, g.kind, g.to_id, g.at, g.event_id COLLATE "C"
), put AS (
    INSERT INTO person_edges AS e (tenant, kind, from_id, to_id, at, event_id)
    SELECT tenant, kind, from_id, to_id, at, event_id FROM given ORDER BY tenant, from_id, kind, to_id
    ON CONFLICT (tenant, from_id, kind, to_id) DO UPDATE
    SET at = EXCLUDED.at, event_id = EXCLUDED.event_id, pending = true
    WHERE EXCLUDED.at > coalesce(e.undone_at, '-infinity')
        AND (e.undone OR (EXCLUDED.at, EXCLUDED.event_id) < (e.at, e.event_id))
)
SELECT 0

-- name: tenants_with_pending_edges
-- limit. The number of pending edges of each, counted up to the limit.
SELECT tenant, least(count(*), $1)::int AS edges FROM person_edges WHERE pending GROUP BY tenant ORDER BY tenant

-- name: pending_edges
-- tenant, limit
SELECT kind, from_id, to_id FROM person_edges WHERE tenant = $1 AND pending
ORDER BY from_id, kind, to_id LIMIT $2

-- name: joining_edges
-- tenant, ids. Edges that lead to these ids or away from them, those that join nothing left out as far as
-- analytics.product.people.merging need not know them: of anonymous ids that lead here, the edges that join; of each id here the
-- earliest edge away, and one that says that it is a user.
SELECT kind, from_id, to_id, at, event_id, false AS undone FROM person_edges
WHERE tenant = $1 AND kind = 'alias' AND NOT undone AND from_id = ANY ($2::text[])
UNION
SELECT kind, from_id, to_id, at, event_id, false FROM person_edges
WHERE tenant = $1 AND kind = 'alias' AND NOT undone AND to_id = ANY ($2::text[])
UNION
SELECT e.kind, e.from_id, e.to_id, e.at, e.event_id, false FROM person_edges AS e
WHERE e.tenant = $1 AND e.kind = 'identify' AND NOT e.undone AND e.from_id <> e.to_id AND e.to_id = ANY ($2::text[])
    AND NOT EXISTS (SELECT FROM person_edges AS u WHERE u.tenant = $1 AND u.kind = 'identify' AND u.to_id = e.from_id)
    AND NOT EXISTS (
        SELECT FROM person_edges AS f
        WHERE f.tenant = $1 AND f.kind = 'identify' AND NOT f.undone AND f.from_id <> f.to_id AND f.from_id = e.from_id
            AND (f.at, f.event_id, f.to_id) < (e.at, e.event_id, e.to_id)
    )
UNION
SELECT e.* FROM unnest($2::text[]) AS g (id) CROSS JOIN LATERAL (
    SELECT kind, from_id, to_id, at, event_id, false FROM person_edges
    WHERE tenant = $1 AND kind = 'identify' AND NOT undone AND from_id <> to_id AND from_id = g.id
    ORDER BY at, event_id, to_id LIMIT 1
) AS e
UNION
SELECT e.* FROM unnest($2::text[]) AS g (id) CROSS JOIN LATERAL (
    SELECT kind, from_id, to_id, at, event_id, true FROM person_edges
    WHERE tenant = $1 AND kind = 'identify' AND to_id = g.id LIMIT 1
) AS e

-- name: person_siblings
-- tenant, ids. The ids that have been one person with any of these, with that person's id.
SELECT s.user_id, s.person_id FROM (
    SELECT DISTINCT coalesce(p.person, hashtextextended(g.id, 0)) AS person
    FROM unnest($2::text[]) AS g (id)
    LEFT JOIN person_ids AS p ON p.tenant = $1 AND p.hash = hashtextextended(g.id, 0)
) AS old JOIN person_ids AS s ON s.tenant = $1 AND s.person = old.person

-- name: persons_of_ids
-- tenant, ids. Of those whose person is another id, that id.
SELECT p.user_id, p.person_id FROM unnest($2::text[]) AS g (id)
JOIN person_ids AS p ON p.tenant = $1 AND p.hash = hashtextextended(g.id, 0)

-- name: id_hashes
-- ids
SELECT id, hashtextextended(id, 0) AS hash FROM unnest($1::text[]) AS g (id)

-- name: put_person_ids
-- tenant, ids, ids of their persons. An id that is its own person has no row.
WITH given AS MATERIALIZED (SELECT g.* FROM unnest($2::text[], $3::text[]) AS g (user_id, person_id)), gone AS (
    DELETE FROM person_ids AS p USING given AS g
    WHERE p.tenant = $1 AND p.hash = hashtextextended(g.user_id, 0) AND g.user_id = g.person_id
)
INSERT INTO person_ids (tenant, hash, user_id, person, person_id)
SELECT $1, hashtextextended(user_id, 0), user_id, hashtextextended(person_id, 0), person_id FROM given WHERE user_id <> person_id
ON CONFLICT (tenant, hash) DO UPDATE SET person = EXCLUDED.person, person_id = EXCLUDED.person_id

-- name: settle_edges
-- tenant, kinds, from ids, to ids. What they say is in person_ids and in segments now.
UPDATE person_edges AS e SET pending = false FROM unnest($2::text[], $3::text[], $4::text[]) AS g (kind, from_id, to_id)
WHERE e.tenant = $1 AND e.kind = g.kind AND e.from_id = g.from_id AND e.to_id = g.to_id AND e.pending

-- name: merges_of_ids
-- tenant, ids, kind, from id and to id after which they are listed, limit. Edges between two ids of which one is among these.
SELECT kind, from_id, to_id, at, event_id, undone, CASE WHEN undone THEN undone_at END AS undone_at, pending FROM person_edges
WHERE tenant = $1 AND (from_id = ANY ($2::text[]) OR to_id = ANY ($2::text[])) AND from_id <> to_id
    AND (from_id, kind, to_id) > ($4 COLLATE "C", $3 COLLATE "C", $5 COLLATE "C")
ORDER BY from_id, kind, to_id LIMIT $6

-- name: undo_merge
-- tenant, kind, from id, to id. One that is undone already stays as it is.
UPDATE person_edges SET undone_at = greatest(clock_timestamp(), at), pending = true
WHERE tenant = $1 AND kind = $2 AND from_id = $3 AND to_id = $4 AND from_id <> to_id AND NOT undone

-- name: merge
-- tenant, kind, from id, to id
SELECT kind, from_id, to_id, at, event_id, undone, CASE WHEN undone THEN undone_at END AS undone_at, pending FROM person_edges
WHERE tenant = $1 AND kind = $2 AND from_id = $3 AND to_id = $4 AND from_id <> to_id

-- name: exclusion_rules
-- tenant
SELECT revision, rules, changed_at FROM exclusion_rules WHERE tenant = $1

-- name: properties_of_rules
-- tenant. What the conditions of its rules are about.
SELECT DISTINCT condition ->> 'property' AS property
FROM exclusion_rules, jsonb_array_elements(rules) AS rule, jsonb_array_elements(rule -> 'where') AS condition WHERE tenant = $1

-- name: put_exclusion_rules
-- tenant, rules, the revision that they replace. Nothing is done where another one is there.
INSERT INTO exclusion_rules AS e (tenant, revision, rules) SELECT $1, 1, $2::jsonb WHERE $3 = 0
    OR EXISTS (SELECT FROM exclusion_rules WHERE tenant = $1 AND revision = $3)
ON CONFLICT (tenant) DO UPDATE SET revision = e.revision + 1, rules = EXCLUDED.rules, changed_at = clock_timestamp()
WHERE e.revision = $3

-- name: hashes_between
-- tenant, days, first, last, limit. Of the users whose ids lie between these, in segments or with events that are in none yet.
SELECT hash FROM user_ids WHERE tenant = $1 AND user_id COLLATE "C" BETWEEN $3 AND $4
UNION
SELECT hashtextextended(user_id, 0) FROM events_beyond($1, $2) WHERE user_id COLLATE "C" BETWEEN $3 AND $4
LIMIT $5

-- name: put_property_changes
-- tenants, kinds, ids of owners, ids of users, times, event ids, names, ops, texts, numbers. Returns 0: there is no limit.
WITH put AS (
    INSERT INTO property_changes (tenant, kind, owner, user_hash, at, event_id, name, op, text, number)
    SELECT tenant, kind, hashtextextended(owner, 0), hashtextextended(sent_by, 0), at, event_id, name, op, text, number
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::smallint[],
        $9::text[], $10::float8[]) AS g (tenant, kind, owner, sent_by, at, event_id, name, op, text, number)
    ORDER BY tenant, kind, name, hashtextextended(owner, 0), at, event_id, op
    ON CONFLICT DO NOTHING
)
SELECT 0

-- name: property_changes
-- tenant, kind, name, before. Of a property of users, or of accounts, with the person of the owner as segments have it. The account
-- of a user, whose property has no name, is given by its hash.
SELECT c.owner, coalesce(p.person, c.owner) AS person, floor(extract(epoch FROM c.at) * 1000)::bigint AS at, c.event_id, c.op,
    CASE WHEN c.name = '' THEN hashtextextended(c.text, 0)::text ELSE c.text END AS text, c.number
FROM property_changes AS c LEFT JOIN person_ids AS p ON c.kind = 'user' AND p.tenant = $1 AND p.hash = c.owner
WHERE c.tenant = $1 AND c.kind = $2 AND c.name = $3 AND c.at < to_timestamp($4::bigint / 1000.0)

-- name: property_names
-- tenant, kind. One after the other by the index, since there are few names of many changes.
WITH RECURSIVE names AS (
    (SELECT name FROM property_changes WHERE tenant = $1 AND kind = $2 AND name > '' ORDER BY name LIMIT 1)
    UNION ALL
    SELECT (
        SELECT c.name FROM property_changes AS c WHERE c.tenant = $1 AND c.kind = $2 AND c.name > n.name ORDER BY c.name LIMIT 1
    ) FROM names AS n WHERE n.name IS NOT NULL
)
SELECT name FROM names WHERE name IS NOT NULL

-- name: properties_of
-- tenant, kind, hashes of owners. All changes of theirs up to now.
SELECT name, floor(extract(epoch FROM at) * 1000)::bigint AS at, event_id, op, text, number FROM property_changes
WHERE tenant = $1 AND kind = $2 AND owner = ANY ($3::bigint[]) AND at <= clock_timestamp()
