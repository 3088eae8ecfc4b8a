"""From messages on the bus to stored items: request handlers, decoding, the writer, and what becomes of each message."""
