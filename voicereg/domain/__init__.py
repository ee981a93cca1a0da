"""The words of the registry as values: voices, quotas, states, errors. No input, no output."""
