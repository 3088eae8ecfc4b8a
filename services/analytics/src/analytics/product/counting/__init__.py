"""What is counted of events by user: pure arithmetic on segments."""
