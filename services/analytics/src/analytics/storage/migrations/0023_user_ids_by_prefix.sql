-- Users are looked for by the beginning of their ids.
CREATE INDEX user_ids_by_prefix ON user_ids (tenant, user_id COLLATE "C");
