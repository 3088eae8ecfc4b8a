"""Drishti on one machine without Docker: NATS and PostgreSQL from Python wheels, the services, the sample application.

Owns ``DRISHTI_HOME``: secrets, logs, the data of both servers. Starts everything under supervisord, which restarts what dies,
and takes everything down in order. Never creates a user, never widens the permissions of a folder that is not its own.

* :mod:`drishti_local.run`: the order of starting and stopping
* :mod:`drishti_local.programs`: what is started, with which environment
* :mod:`drishti_local.postgres`, :mod:`drishti_local.nats`: the two servers
* :mod:`drishti_local.servers`: the same servers alone, for tests and benchmarks
"""
