"""Pictures of the report, for the documentation; ``python -m docs.pictures`` takes them."""
