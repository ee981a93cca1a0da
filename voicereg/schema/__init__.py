"""The schema: which revision a database has, which one this version needs, and the way there."""
