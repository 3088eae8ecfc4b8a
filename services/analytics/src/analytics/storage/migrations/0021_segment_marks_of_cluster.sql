-- A mark means something only where its transactions were counted: in the cluster with this identifier. A dump brings marks along
-- to clusters that count from elsewhere.
ALTER TABLE segment_marks ADD COLUMN cluster bigint NOT NULL DEFAULT (pg_control_system()).system_identifier;

-- The marks that mean something here; a day without one has nothing in segments. The second condition is for copies of a
-- cluster, which have its identifier and count on by themselves.
CREATE VIEW valid_segment_marks AS
SELECT day, below, at FROM segment_marks
WHERE cluster = (SELECT system_identifier FROM pg_control_system()) AND below <= txid_snapshot_xmax(txid_current_snapshot());
