"""The benchmarks, small: that they run, and that what they measure is a registry."""
