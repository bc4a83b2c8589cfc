"""How this installation reaches tenants' systems, as its settings say."""

import ssl
from functools import lru_cache
from ipaddress import ip_network

from django.conf import settings

from webhooks.addresses import AddressPolicy
from webhooks.targets import resolve_within
from webhooks.transport import Door

RESOLVE_SECONDS = 5.0


def address_policy() -> AddressPolicy:
    """Return which addresses messages may go to."""
    return AddressPolicy(
        denied=tuple(map(ip_network, settings.WEBHOOK_DENIED_NETWORKS)),
        allowed=tuple(map(ip_network, settings.WEBHOOK_ALLOWED_NETWORKS)),
        allows_loopback=settings.WEBHOOK_ALLOW_LOOPBACK,
    )


def door() -> Door:
    """Return the way out."""
    return Door(policy=address_policy(), resolve=resolve_within(RESOLVE_SECONDS), tls=_tls(settings.WEBHOOK_CA_PATH))


@lru_cache(maxsize=4)
def _tls(ca_path: str) -> ssl.SSLContext:
    """Return a context that trusts the system's authorities and those in the file; read once, because that takes a while."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_path:
        context.load_verify_locations(ca_path)
    return context
