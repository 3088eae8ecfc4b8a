"""What is answered over HTTP: the pages, their assets, JSON, and the WebSocket endpoint. Imports ``live`` and ``boards``."""
