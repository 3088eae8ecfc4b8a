"""Events out of files: ``drishti import``."""
