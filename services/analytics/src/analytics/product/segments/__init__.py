"""Events by user as columns: how they are stored, compacted and read."""
