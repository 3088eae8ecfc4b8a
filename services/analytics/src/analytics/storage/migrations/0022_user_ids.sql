-- The user id of each hash in segments, and the latest day that has events of it. Compaction puts them here.
CREATE TABLE user_ids (
    tenant  text COLLATE "C" NOT NULL,
    hash    bigint NOT NULL,
    user_id text NOT NULL,
    day     date NOT NULL,
    PRIMARY KEY (tenant, hash)
);
DELETE FROM segment_marks; -- segments that were made before are made anew, with these

-- Events of these days that are not in segments. Day by day: as a join it would read all rows of all days.
CREATE FUNCTION events_beyond(of_tenant text, days timestamptz[]) RETURNS SETOF events LANGUAGE sql STABLE AS $$
    SELECT e.*
    FROM unnest(days) AS d (day)
    LEFT JOIN valid_segment_marks AS m ON m.day = (d.day AT TIME ZONE 'UTC')::date
    CROSS JOIN LATERAL (
        (SELECT * FROM events WHERE tenant = of_tenant AND time >= d.day AND time < d.day + interval '1 day' AND xid >= m.below)
        UNION ALL
        (SELECT * FROM events WHERE tenant = of_tenant AND time >= d.day AND time < d.day + interval '1 day' AND m.below IS NULL)
        OFFSET 0
    ) AS e
    WHERE e.user_id IS NOT NULL
$$;
