"""What was learnt, as bytes with a versioned header, in the bus's object store."""
