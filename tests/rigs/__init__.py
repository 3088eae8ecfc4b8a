"""What tests share: real servers and services to run, data to send, and how to wait; ``docs/testing.md`` lists it."""
