"""The command line: the only place that knows click and rich, and where errors get exit codes."""
