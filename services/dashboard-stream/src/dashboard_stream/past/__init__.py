"""What is known of a past range beside its numbers: notes that people wrote, and what models said when."""
