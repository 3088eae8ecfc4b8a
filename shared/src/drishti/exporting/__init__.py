"""The rows of a tenant into files: ``drishti export``."""
