"""Who is who: ids that belong to one person, and people who are not counted."""
