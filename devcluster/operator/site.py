"""What the parts of the operator share: the API server, the servers, the volumes, the events and the node ports.

Only a bundle of collaborators, made once in `controller.py`; it decides nothing.
"""

from dataclasses import dataclass
from pathlib import Path

from devcluster.operator.events import Recorder
from devcluster.operator.kube import Kube
from devcluster.operator.processes import Processes
from devcluster.operator.proxy import Proxy
from devcluster.operator.volumes import Volumes

Key = tuple[str, str, str]
"""A database: plural of its kind, namespace, name."""


class NotYetError(Exception):
    """Something that this database needs is missing; the reconcile is repeated after a pause."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """The collaborators of every part."""

    root: Path
    kube: Kube
    processes: Processes
    volumes: Volumes
    events: Recorder
    proxy: Proxy
