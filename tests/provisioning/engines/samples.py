"""Orders and addresses that tests of engines begin with."""

from typing import Any

from provisioning.engine import Address, Engine, Topology
from provisioning.models import Cluster
from provisioning.orders import Order, Wish, check_order
from tests.provisioning.golden.cases import NAMESPACE, RANDOM_PART

PASSWORD = "p@ss:w/o?r#d%[] é+"
"""With everything in it that a URI gives a meaning to."""


def ordered(engine: Engine, asked: Topology, **wish: Any) -> Order:
    """Return the order of a database with that topology, checked like a customer's."""
    cluster = Cluster(name="here", region="here")
    return check_order(Wish(name="orders", engine=engine.name, topology=asked, **wish), [cluster])


def address(engine: Engine, topology: Topology, **more: Any) -> Address:
    """Return where such a database answers: inside the cluster, unless `more` says otherwise."""
    name = f"{engine.short_name}-{RANDOM_PART}"
    inside: dict[str, Any] = {
        "host": f"{name}.{NAMESPACE}.svc",
        "port": engine.port,
        "is_external": False,
        "username": "root",
        "password": PASSWORD,
    }
    return Address(namespace=NAMESPACE, object_name=name, topology=topology, **inside | more)
