-- What spans refer to is forgotten when nothing refers to it any more. When it was seen is known to the hour instead of the day.
ALTER TABLE span_operations ALTER COLUMN seen_on TYPE timestamptz, ALTER COLUMN seen_on SET DEFAULT now();
ALTER TABLE span_resources ALTER COLUMN seen_on TYPE timestamptz, ALTER COLUMN seen_on SET DEFAULT now();
ALTER TABLE span_attributes ALTER COLUMN seen_on TYPE timestamptz, ALTER COLUMN seen_on SET DEFAULT now();
