-- Rows of one user are found by the blocks that may have some: a Bloom filter of the users of each, some hundred kilobytes a day.
-- With the time in the same index, so that the planner always prefers it to that of the time alone. Rows of requests are smaller:
-- fewer of their blocks have as many users.
CREATE INDEX events_user ON events USING brin (user_id text_bloom_ops, time) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX requests_user ON requests USING brin (user_id text_bloom_ops, time) WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX span_errors_user ON span_errors USING brin (user_id text_bloom_ops, started) WITH (pages_per_range = 16, autosummarize = on);
