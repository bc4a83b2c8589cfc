"""The only door to Kubernetes: no other package imports the client library."""
