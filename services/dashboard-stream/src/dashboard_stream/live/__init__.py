"""From messages of the bus to frames on sockets: handlers, recent history, hub and clients. Imports ``boards`` only."""
