"""Writes that people ask for, and the transactions they need. None talks to a cluster, except to read a password on demand."""
