"""The subset of the Kubernetes API server that the product, kubectl and Helm need, on SQLite and asyncio."""
