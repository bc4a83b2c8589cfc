"""One request to the API, parsed: who wants what done to which object. It holds no logic of any verb."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from devcluster.apiserver.errors import ApiError, Body, bad_request, invalid, not_found, unsupported_field
from devcluster.apiserver.rbac import Access, User
from devcluster.apiserver.resources import Resource
from devcluster.apiserver.store import Key

STRICT, WARN, IGNORE = "Strict", "Warn", "Ignore"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the server was asked to do; `warnings` collects the texts of `Warning` headers."""

    user: User
    verb: str
    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""
    """What follows the subresource `proxy` in the path."""
    query: Mapping[str, str] = field(default_factory=dict)
    user_agent: str = ""
    warnings: list[str] = field(default_factory=list)

    @property
    def key(self) -> Key:
        """Give the place of the object in the store."""
        return Key(self.resource.key, self.namespace, self.name)

    @property
    def access(self) -> Access:
        """Give what the user needs to be allowed to do."""
        resource = self.resource
        return Access(
            verb=self.verb,
            group=resource.group,
            plural=resource.plural,
            namespace=self.namespace,
            name=self.name,
            subresource=self.subresource,
        )

    @property
    def is_dry_run(self) -> bool:
        """Tell whether nothing must be kept.

        Raises: ApiError — 422, for any value but All.
        """
        wanted = self.query.get("dryRun", "")
        if wanted not in {"", "All"}:
            raise invalid("CreateOptions", "meta.k8s.io", "", [unsupported_field("dryRun", wanted, ["All"])])
        return wanted == "All"

    @property
    def field_manager(self) -> str:
        """Name who owns the fields that this request changes, from the user agent when nothing is given."""
        return self.query.get("fieldManager") or self.user_agent.partition("/")[0] or "unknown"

    @property
    def field_validation(self) -> str:
        """Tell what happens to unknown fields.

        Raises: ApiError — 422, for an unknown choice.
        """
        wanted = self.query.get("fieldValidation") or WARN
        supported = [IGNORE, WARN, STRICT]
        if wanted not in supported:
            causes = [unsupported_field("fieldValidation", wanted, supported)]
            raise invalid("CreateOptions", "meta.k8s.io", "", causes)
        return wanted

    def integer(self, name: str, otherwise: int) -> int:
        """Read a whole number from the query.

        Raises: ApiError — 400, when it is none.
        """
        text = self.query.get(name, "")
        try:
            return int(text) if text else otherwise
        except ValueError as error:
            raise bad_request(f'strconv.ParseUint: parsing "{text}": invalid syntax') from error

    def is_true(self, name: str) -> bool:
        """Read a yes or no from the query."""
        return self.query.get(name, "").lower() in {"1", "true"}

    def about(self, name: str) -> "Request":
        """Give the same request for one object of a collection."""
        return replace(self, name=name)

    def in_dry_run(self) -> "Request":
        """Give the same request with nothing to be kept."""
        return replace(self, query={**self.query, "dryRun": "All"})

    def missing(self, name: str = "") -> ApiError:
        """Make the 404 for the object that was asked for."""
        return not_found(self.resource.plural, self.resource.group, name or self.name)


def name_of(body: Body) -> str:
    """Give an object's name, empty when it has none yet."""
    return str(body.get("metadata", {}).get("name") or "")
