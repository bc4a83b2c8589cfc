"""How much a tenant gets unless an operator says otherwise: few named plans. Pure; `tenants.models.Quota` holds what each tenant really has."""

from collections.abc import Mapping

STANDARD = "standard"
"""What a new tenant gets."""
QUOTA_PLANS: Mapping[str, Mapping[str, int]] = {
    "trial": {
        "max_databases": 2,
        "max_cpu_millicores": 4_000,
        "max_memory_mib": 8_192,
        "max_storage_gib": 50,
        "max_backup_gib": 50,
    },
    STANDARD: {
        "max_databases": 10,
        "max_cpu_millicores": 32_000,
        "max_memory_mib": 65_536,
        "max_storage_gib": 1_000,
        "max_backup_gib": 1_000,
    },
    "large": {
        "max_databases": 50,
        "max_cpu_millicores": 200_000,
        "max_memory_mib": 524_288,
        "max_storage_gib": 10_000,
        "max_backup_gib": 10_000,
    },
}
LIMITS = tuple(QUOTA_PLANS[STANDARD])
