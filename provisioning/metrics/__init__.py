"""Measuring databases: over time from a Prometheus where there is one, else the present moment from the cluster itself."""
