"""Everything on one machine with one command: the product, its broker, and a pocket Kubernetes with real databases.

Not for servers: there the same image runs as separate processes (docker-compose.yml, Helm). It drives the product from outside, by its
command line and its API, and imports none of it.
"""
