"""What is known, as figures for a monitoring system: Prometheus text, in a file or over HTTP."""
