"""The resources that are served right now: the built-in table plus one entry per version of every stored CRD."""

import re
from collections.abc import Iterable, Iterator

from devcluster.apiserver.errors import Body, path_not_found
from devcluster.apiserver.resources import BUILT_IN, Resource

CRDS = "customresourcedefinitions.apiextensions.k8s.io"
AGE_COLUMN: Body = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}


class Registry:
    """Finds a resource by its path and lists them for discovery."""

    def __init__(self) -> None:
        self._by_path: dict[tuple[str, str, str], Resource] = {}
        self.generation = 0
        for resource in BUILT_IN:
            self._put(resource)

    def _put(self, resource: Resource) -> None:
        self._by_path[resource.group, resource.version, resource.plural] = resource
        self.generation += 1

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._by_path.values())

    def find(self, group: str, version: str, plural: str) -> Resource:
        """Give the resource that a path names.

        Raises: ApiError — 404, for a path that is not served.
        """
        resource = self._by_path.get((group, version, plural))
        if resource is None:
            raise path_not_found()
        return resource

    def stored(self, key: str) -> Resource:
        """Give a resource under the version that its objects are stored with.

        Raises: ApiError — 404, when its CRD is gone.
        """
        for resource in self._by_path.values():
            if resource.key == key and resource.version == resource.stored_version:
                return resource
        raise path_not_found()

    def of_kind(self, api_version: str, kind: str) -> Resource | None:
        """Find the resource of an object or an owner reference, if it is served."""
        matching = (one for one in self._by_path.values() if one.kind == kind and one.api_version == api_version)
        return next(matching, None)

    def versions(self, group: str) -> list[str]:
        """List the served versions of a group, the preferred one first."""
        found = {resource.version for resource in self._by_path.values() if resource.group == group}
        return sorted(found, key=_version_priority, reverse=True)

    def groups(self) -> list[str]:
        """List the named groups in alphabetical order."""
        return sorted({resource.group for resource in self._by_path.values() if resource.group})

    def members(self, group: str, version: str) -> list[Resource]:
        """List the resources of one group version."""
        return [one for one in self._by_path.values() if (one.group, one.version) == (group, version)]

    def serve(self, crd: Body) -> None:
        """Serve what a CRD describes from now on, in place of what it described before."""
        self.withdraw(crd)
        for resource in _from_crd(crd):
            self._put(resource)

    def withdraw(self, crd: Body) -> None:
        """Stop serving what a CRD describes."""
        group, plural = crd["spec"]["group"], crd["spec"]["names"]["plural"]
        for path in [path for path in self._by_path if (path[0], path[2]) == (group, plural)]:
            del self._by_path[path]
        self.generation += 1


def _version_priority(version: str) -> tuple[int, int, int]:
    """Rank v2 above v1 above v1beta1 above v1alpha2, as discovery does; other words come last."""
    found = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version)
    if found is None:
        return 0, 0, 0
    rank = {"alpha": 1, "beta": 2, None: 3}[found[2]]
    return rank, int(found[1]), int(found[3] or 0)


def _from_crd(crd: Body) -> Iterable[Resource]:
    spec, names = crd["spec"], crd["spec"]["names"]
    stored = next(version["name"] for version in spec["versions"] if version.get("storage"))
    for version in spec["versions"]:
        if not version.get("served"):
            continue
        yield Resource(
            group=spec["group"],
            version=version["name"],
            plural=names["plural"],
            kind=names["kind"],
            singular=names.get("singular") or names["kind"].lower(),
            short_names=tuple(names.get("shortNames") or ()),
            categories=tuple(names.get("categories") or ()),
            is_namespaced=spec["scope"] == "Namespaced",
            has_status="status" in (version.get("subresources") or {}),
            is_custom=True,
            stored_version=stored,
            schema=(version.get("schema") or {}).get("openAPIV3Schema"),
            columns=tuple(version.get("additionalPrinterColumns") or (AGE_COLUMN,)),
        )
