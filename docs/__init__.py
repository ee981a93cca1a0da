"""The documentation, and what makes parts of it: its reference and its pictures."""
