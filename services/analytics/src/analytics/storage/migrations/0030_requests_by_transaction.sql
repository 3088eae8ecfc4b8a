-- Which transaction stored a request, as events have it: by it an export reads what was stored when it began, without a
-- transaction that stays open. NULL for rows from before. No row is rewritten for it.
ALTER TABLE requests ADD COLUMN xid bigint;
ALTER TABLE requests ALTER COLUMN xid SET DEFAULT txid_current();
