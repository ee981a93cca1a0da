"""Queries on a connection that the caller has opened. Nothing here commits."""
