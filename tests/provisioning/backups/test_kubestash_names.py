"""Tests that what we make for KubeStash has names of its own in the namespace that we share with KubeDB's archivers."""

from provisioning.backups.kubestash import DRIVER
from provisioning.models import Database

ARCHIVERS_ADD = ("-backup", "-backup-config")
"""Source: KubeDB's guides to point-in-time recovery; MongoDB's has the first, the other engines' the second."""


def test_that_our_configuration_is_never_the_archiver_s() -> None:
    database = Database(object_name="mg-abc", namespace="tenant")

    ref = DRIVER.configuration_ref(database)

    assert ref.name not in {f"mg-abc{suffix}" for suffix in ARCHIVERS_ADD}
    assert ref.name.startswith("mg-abc-")
