"""What a tenant in the matrix owns: rows that look as if an operator had worked, with no cluster behind them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn
from uuid import UUID

from accounts import api_keys
from accounts.models import ApiKey, User
from accounts.permissions import Role
from provisioning.cluster.errors import ClusterUnavailable
from provisioning.models import Backup, Cluster, Database, Operation
from provisioning.orders import Wish
from provisioning.services.acceptance import Idempotency
from provisioning.services.ordering import order_database
from tenants import invitations
from tenants.models import Invitation, Membership, Tenant
from tests.cast import acting, person, tenant_of
from tests.provisioning.rows import at_rest, backup_of, let_back_up, policy_for
from webhooks import deliveries, endpoints
from webhooks.models import Delivery, Endpoint


class Silence:
    """A cluster that does not answer."""

    def __getattr__(self, _name: str) -> Any:
        def silent(*_args: object, **_kwargs: object) -> NoReturn:
            raise ClusterUnavailable

        return silent


@dataclass
class Estate:
    """A tenant with one of everything; each thing is made when a row of the matrix asks for it."""

    owner: User
    tenant: Tenant
    cluster: Cluster

    @cached_property
    def database(self) -> Database:
        """A database at rest, which the pocket cluster would only play."""
        return self._at_rest("orders")

    @cached_property
    def paused(self) -> Database:
        """A database that is paused."""
        return self._at_rest("asleep", state="paused")

    @cached_property
    def backed_up(self) -> Database:
        """The database with a policy in force."""
        policy_for(self.database)
        return self.database

    @cached_property
    def backup(self) -> Backup:
        """A backup of the database."""
        return backup_of(self.database)

    @cached_property
    def operation(self) -> Operation:
        """An operation that is under way."""
        return self._order("fresh")

    @cached_property
    def stuck(self) -> Operation:
        """An operation that is stuck."""
        operation = self._order("broken")
        Operation.objects.filter(pk=operation.pk).update(state="stuck", step="apply_manifest", next_run_at=None)
        return operation

    @cached_property
    def member(self) -> User:
        """Somebody who may be changed and removed."""
        user = person(f"spare-{self.tenant.name}")
        self.admit(user, Role.VIEWER)
        return user

    @cached_property
    def invitation(self) -> Invitation:
        """An open invitation, which was sent a while ago."""
        actor = acting(self.owner)
        made = invitations.invite(actor, self.tenant.id, email="guest@example.com", role=Role.VIEWER)
        Invitation.objects.filter(pk=made.pk).update(sent_at=None)
        return made

    @cached_property
    def webhook(self) -> Endpoint:
        """A webhook that takes everything."""
        return endpoints.create(acting(self.owner), self.tenant.id, url="https://example.com/", events=["*"])[0]

    @cached_property
    def delivery(self) -> Delivery:
        """A delivery that has ended."""
        sent = deliveries.send_test(acting(self.owner), self.tenant.id, self.webhook.id)
        Delivery.objects.filter(pk=sent.pk).update(state="failed", next_attempt_at=None, finished_at=sent.created_at)
        return sent

    def admit(self, user: User, role: Role) -> None:
        """Make somebody a member."""
        Membership.objects.create(tenant=self.tenant, user=user, role=role)

    def _order(self, name: str) -> Operation:
        wish = Wish(name=name, engine="postgres")
        return order_database(acting(self.owner), self.tenant.id, wish, Idempotency()).operation

    def _at_rest(self, name: str, state: str = "ready") -> Database:
        return at_rest(self._order(name), state=state, simulated=True)


def estate(owner: User, name: str) -> Estate:
    """Return a new tenant of this owner, in the one cluster there is."""
    cluster, is_new = Cluster.objects.get_or_create(
        name="nowhere", defaults={"region": "local", "kubeconfig_path": "/nonexistent", "default_access": "internal"}
    )
    if is_new:
        let_back_up(cluster)
    return Estate(owner=owner, tenant=tenant_of(owner, name), cluster=cluster)


def key_of(user: User) -> ApiKey:
    """Return a new API key of this person's."""
    return api_keys.create(acting(user), name="spare")[0]


NOBODY = UUID(int=7)
"""No object has this id."""
