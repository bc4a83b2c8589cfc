"""What service accounts have been allowed, each kind of access once: what is granted and never used can be told from it."""

from pathlib import Path

import orjson


class Uses:
    """A file with one JSON object per line; it stays small, as there are only so many verbs and resources."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_bytes().splitlines() if path.is_file() else []
        self._known = set(lines)

    def note(self, account: str, verb: str, group: str, resource: str, *, is_cluster_wide: bool) -> None:
        """Write the access down, unless it is known; whether it was to one namespace or to all of them counts as different."""
        use = {
            "account": account,
            "verb": verb,
            "group": group,
            "resource": resource,
            "is_cluster_wide": is_cluster_wide,
        }
        line = orjson.dumps(use)
        if line in self._known:
            return
        self._known.add(line)
        with self._path.open("ab") as file:
            file.write(line + b"\n")
