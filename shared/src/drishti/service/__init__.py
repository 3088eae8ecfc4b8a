"""What every service does around its work: its start and end, HTTP port, health, logs and the room on its disk.

Only services import it; the SDK never does, so an application needs none of its dependencies.
"""
