"""Bring a database into being and see that it is up: shared by the operations that make one, wake one, or restart its servers."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from provisioning.cluster.kinds import Ref, ref_of
from provisioning.cluster.ownership import annotation_of
from provisioning.endpoint import NoAddressYet, find_endpoint
from provisioning.engine import Body, Engine
from provisioning.engines import all_engines
from provisioning.manifests import namespace_manifest, spec_of
from provisioning.models import Database, Operation
from provisioning.observations import observed_columns, observed_phase, why_not_ready
from provisioning.readback import ref_to_database
from provisioning.removal import remove
from provisioning.run import Run
from provisioning.tenancy import FINGERPRINT, Tenancy, database_policy, tenancy_of
from provisioning.workflow.declare import Wait
from tenants.models import Quota


def apply_namespace(run: Run) -> None:
    """Make the tenant's namespace with all that is to stand in it."""
    prepare_namespace(run.database, find=run.gateway.get, apply=run.apply)


def prepare_namespace(
    database: Database, *, find: Callable[[Ref], Body | None], apply: Callable[[Body], object]
) -> None:
    """Make the namespace of the database complete; one look where it is already.

    The mark that says so is dropped first and written last, so that a set that was left half-made is made again.
    """
    namespace = namespace_manifest(database)
    wanted = _wanted_tenancy(database)
    if wanted is None:
        apply(namespace)
        return
    found = find(ref_of(namespace))
    if found is not None and annotation_of(found, FINGERPRINT) == wanted.fingerprint:
        return
    metadata = namespace["metadata"]
    labelled = {**namespace, "metadata": {**metadata, "labels": {**metadata["labels"], **wanted.labels}}}
    for body in (labelled, *wanted.objects, wanted.completes(labelled)):
        apply(body)


def _wanted_tenancy(database: Database) -> Tenancy | None:
    cluster = database.cluster
    if not (cluster.is_tenancy_enforced or cluster.accounts_namespace):
        return None
    privileged = [engine.name for engine in all_engines().values() if engine.needs_privileged_pods]
    neighbours = Database.objects.filter(tenant_id=database.tenant_id, cluster=cluster, is_live=True)
    return tenancy_of(
        database,
        Quota.objects.get(tenant_id=database.tenant_id),
        needs_privileged_pods=neighbours.filter(engine__in=privileged).exists(),
    )


def companions(run: Run) -> tuple[Body, ...]:
    """Return what the database needs beside it, such as sentinels."""
    return run.engine.companion_manifests(spec_of(run.database, run.engine, run.operation))


def has_companions(database: Database, engine: Engine) -> bool:
    """Tell whether anything stands beside the database."""
    return bool(engine.companion_manifests(spec_of(database, engine, Operation())))


def create_companions(run: Run) -> None:
    """Create what the database needs beside it."""
    for body in (*companions(run), *_policies(run)):
        run.create(body)


def remove_companions(run: Run) -> Wait | None:
    """Remove what was created beside the database."""
    for body in (*companions(run), *_policies(run)):
        waits = remove(run, ref_of(body))
        if waits is not None:
            return waits
    return None


def _policies(run: Run) -> tuple[Body, ...]:
    """Return the network policy of the database itself, where its cluster is registered to have them."""
    database = run.database
    return (database_policy(database, run.engine.port),) if database.cluster.is_tenancy_enforced else ()


def create_database(run: Run, *, init: Mapping[str, Any] | None = None) -> None:
    """Create the custom resource; `init` says where its content comes from, nothing where it begins empty."""
    body = run.engine.database_manifest(spec_of(run.database, run.engine, run.operation))
    if init is not None:
        body["spec"]["init"] = dict(init)
    made = run.create(body)
    run.record(object_uid=made["metadata"]["uid"])


def remove_database(run: Run) -> Wait | None:
    """Remove the custom resource again, with everything the database stored."""
    return remove(run, ref_to_database(run))


def wait_until_ready(run: Run) -> Wait | None:
    """Wait until KubeDB reports the database as ready."""
    found = run.gateway.get(ref_to_database(run))
    if found is None:
        return Wait(reason="The database's object is not in the cluster.")
    run.record(**observed_columns(found))
    return None if observed_phase(found) == "Ready" else Wait(reason=why_not_ready(found))


def record_endpoint(run: Run) -> Wait | None:
    """Find out where the database answers."""
    endpoint = find_endpoint(run.gateway, run.database, run.engine)
    if isinstance(endpoint, NoAddressYet):
        return Wait(reason=endpoint.reason, again_in=timedelta(seconds=2))
    run.record(endpoint_host=endpoint.host, endpoint_port=endpoint.port)
    return None
