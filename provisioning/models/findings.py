"""What does not fit between the ledger and a cluster, as the last comparisons found it: for operators, and for an alert."""

from django.db import models

from dbaas.core.ids import uuid7
from provisioning.models.clusters import Cluster


class Finding(models.Model):
    """One thing that does not fit; it is closed by the first comparison that no longer finds it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="findings")
    what = models.CharField(max_length=20)
    """`leaked` (deleted by us), `foreign` (left alone), `missing` (marked), `drifted` (the row follows the object), `quota` (what is held
    does not fit what runs)."""
    about = models.CharField(max_length=400)
    """The object's address, or the database's id."""
    detail = models.CharField(max_length=1000, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "what", "about"], name="one_finding_per_thing"),
        ]
        indexes = [models.Index(fields=["closed_at", "what"], name="findings_open")]

    def __str__(self) -> str:
        return f"{self.what}: {self.about}"
