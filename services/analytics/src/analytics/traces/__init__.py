"""What is done with stored spans: which are kept, and what is worked out of the minutes that are complete."""
