"""The definitions of a tenant's metrics over HTTP: to read, to check, to change; and how they stand against their limits."""
