"""What proofs borrow from the tests of provisioning: the pocket cluster, a gateway to it, and orders."""

from tests.devcluster.conftest import cluster
from tests.provisioning.conftest import kube, ordered

__all__ = ["cluster", "kube", "ordered"]
