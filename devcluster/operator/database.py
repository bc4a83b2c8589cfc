"""A database's custom resource, read only: the questions that several files ask of the same dict.

Nothing here changes the object or talks to the API server.
"""

from dataclasses import dataclass

from devcluster.operator.kube import Body
from devcluster.operator.resources import Resource

FINALIZER = "kubedb.com"
NAME_LABEL = "app.kubernetes.io/name"
INSTANCE_LABEL = "app.kubernetes.io/instance"
MANAGER_LABEL = "app.kubernetes.io/managed-by"
COMPONENT_LABEL = "app.kubernetes.io/component"
ROLE_LABEL = "kubedb.com/role"
OURS = f"{MANAGER_LABEL}=kubedb.com"
MAX_NAME_LENGTH = 63


@dataclass(frozen=True, kw_only=True)
class Database:
    """One object of `kubedb.com/v1`, as it was read, and the version of the catalogue that it names."""

    resource: Resource
    body: Body
    version: Body

    @property
    def name(self) -> str:
        """The object's name, `<db>` in the names of all that is made for it."""
        return str(self.body["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """The namespace of the object and of all that is made for it."""
        return str(self.body["metadata"]["namespace"])

    @property
    def uid(self) -> str:
        """The object's uid: another life of the same name has another one."""
        return str(self.body["metadata"]["uid"])

    @property
    def spec(self) -> Body:
        """What the user asked for, with the defaults once they were written."""
        spec: Body = self.body["spec"]
        return spec

    @property
    def durable(self) -> bool:
        """Whether the volumes outlive their pods."""
        return str(self.spec.get("storageType", "Durable")) == "Durable"

    @property
    def engine_version(self) -> str:
        """The version of the engine, for example 17.5, where the catalogue's name may be 17.5-bookworm."""
        return str(self.version["spec"]["version"])

    @property
    def distribution(self) -> str:
        """Who built the engine, for example Official or Valkey."""
        return str(self.version["spec"].get("distribution", "Official"))

    @property
    def auth_secret_name(self) -> str:
        """The secret with the administrator's name and password."""
        return str((self.spec.get("authSecret") or {}).get("name") or f"{self.name}-auth")

    @property
    def config_secret_name(self) -> str:
        """The secret with the configuration files that the pods mount."""
        return derived_name(self.name, self.uid[-6:])

    @property
    def selector(self) -> dict[str, str]:
        """The labels by which everything of this database is found."""
        return {
            NAME_LABEL: f"{self.resource.plural}.kubedb.com",
            INSTANCE_LABEL: self.name,
            MANAGER_LABEL: "kubedb.com",
        }

    @property
    def labels(self) -> dict[str, str]:
        """The labels of everything made: those of the database outside of kubedb.com, and the selector."""
        given = self.body["metadata"].get("labels") or {}
        flowing = {key: value for key, value in given.items() if not _is_kubedb_domain(key)}
        return {**flowing, **self.selector, COMPONENT_LABEL: "database"}

    @property
    def owner_reference(self) -> Body:
        """The reference that lets the API server collect what was made once the database is gone."""
        return {
            "apiVersion": self.resource.api_version,
            "kind": self.resource.kind,
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }


def selector_text(labels: dict[str, str]) -> str:
    """Write a label selector as the API's query takes it."""
    return ",".join(f"{key}={value}" for key, value in labels.items())


def derived_name(base: str, suffix: str) -> str:
    """Append a suffix to a name and cut the name where the whole would be longer than Kubernetes allows."""
    return f"{base[: MAX_NAME_LENGTH - len(suffix) - 1]}-{suffix}"


def _is_kubedb_domain(label: str) -> bool:
    domain, slash, _ = label.rpartition("/")
    return bool(slash) and (domain == "kubedb.com" or domain.endswith(".kubedb.com"))
