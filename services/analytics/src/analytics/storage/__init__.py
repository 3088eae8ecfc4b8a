"""PostgreSQL: connections, schema, partitions, and the transaction that stores a batch. All SQL of the service is here."""
