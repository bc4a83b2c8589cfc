"""Wishes that tests of orders begin with, and what is wrong with them."""

from collections.abc import Sequence
from typing import Any

import pytest

from dbaas.core.errors import FieldError
from provisioning.models import Cluster
from provisioning.orders import InvalidOrder, Order, Wish, check_order

HERE = Cluster(name="here", region="here")
THERE = Cluster(name="there", region="there", default_access="external", external_service_type="NodePort")


def order(
    *, name: str = "orders", engine: str = "postgres", clusters: Sequence[Cluster] = (HERE, THERE), **wish: Any
) -> Order:
    """Return the order that fulfils a wish."""
    return check_order(Wish(name=name, engine=engine, **wish), clusters)


def problems(**wish: Any) -> list[FieldError]:
    """Give what is wrong with a wish, which must be wrong."""
    with pytest.raises(InvalidOrder) as refused:
        order(**wish)
    return list(refused.value.errors)


def problem(**wish: Any) -> FieldError:
    """Give the only thing that is wrong with a wish."""
    (only,) = problems(**wish)
    return only
