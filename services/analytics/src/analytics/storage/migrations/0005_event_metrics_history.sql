-- How far the history of metrics that are drawn from events is filled from the rows of events, back from the newest hour.

ALTER TABLE event_metrics
    ADD COLUMN writer uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN fill_from timestamptz,
    ADD COLUMN fill_to timestamptz,
    ADD COLUMN filled_to timestamptz,
    ADD COLUMN filled boolean NOT NULL DEFAULT false;
