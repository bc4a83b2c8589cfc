"""The operators' pages for databases, operations, backups and clusters, in Django's admin."""

from provisioning.admin import backups, databases, operations

__all__ = ["backups", "databases", "operations"]
