"""The rows of a tenant, as files of them are made."""
