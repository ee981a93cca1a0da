"""The steps of a round, each in a module of its own."""
