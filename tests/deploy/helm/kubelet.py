"""Plays what the pocket cluster has not: it runs the command of each Job, with the variables that its pod would get."""

import base64
import threading
import time
from collections.abc import Callable
from typing import Any, Self

from tests.deploy.commands import run
from tests.deploy.helm.rendering import Body, environment_of, one, pods
from tests.devcluster.apiserver.conftest import connect_to
from tests.devcluster.conftest import ApiServer

LOOK_SECONDS = 0.2
PATCH = {"Content-Type": "application/merge-patch+json"}
Execute = Callable[[list[str], dict[str, str]], bool]
"""Takes a command and its variables, tells whether it succeeded."""


def for_real(command: list[str], variables: dict[str, str]) -> bool:
    """Run the command of a container in this virtual environment, as in the image."""
    line = ["python", *command] if command[0] == "manage.py" else command
    done = run(line, **variables, DJANGO_SETTINGS_MODULE="dbaas.settings.production")
    assert done.returncode == 0, done.stdout + done.stderr
    return True


class Kubelet(threading.Thread):
    """Carries out the Jobs of one namespace until it is left; what it ran is in `ran`."""

    def __init__(self, cluster: ApiServer, namespace: str, execute: Execute) -> None:
        """Begin when it is entered as a context."""
        super().__init__(daemon=True)
        self.api = connect_to(cluster)
        self.namespace = namespace
        self.ran: list[tuple[list[str], dict[str, str]]] = []
        self._execute = execute
        self._is_left = threading.Event()
        self._done: set[str] = set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_left.set()
        self.join()
        self.api.close()

    def run(self) -> None:
        """Look for Jobs until told to end."""
        while not self._is_left.wait(LOOK_SECONDS):
            for job in self.items("batch/v1", "jobs"):
                if job["metadata"]["uid"] not in self._done:
                    self._done.add(job["metadata"]["uid"])
                    self._carry_out({**job, "kind": "Job"})

    def items(self, api_version: str, plural: str) -> list[Body]:
        """Return the objects of a kind in the namespace."""
        answer = self.api.get(f"{_root(api_version)}/namespaces/{self.namespace}/{plural}").raise_for_status()
        found: list[Body] = answer.json()["items"]
        return found

    def _carry_out(self, job: Body) -> None:
        name = job["metadata"]["name"]
        spec = dict(pods([job]))[name]
        command = spec["containers"][0]["command"]
        secret = spec["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"]["name"]
        maps = [{**body, "kind": "ConfigMap"} for body in self.items("v1", "configmaps")]
        variables = environment_of([job, *maps], name, self.secret(secret))
        self.ran.append((command, variables))
        outcome = "Complete" if self._execute(command, variables) else "Failed"
        self._finish(name, outcome)

    def secret(self, name: str) -> dict[str, str]:
        """Return what a Secret of the namespace holds."""
        found = one([{**body, "kind": "Secret"} for body in self.items("v1", "secrets")], "Secret", name)
        return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}

    def _finish(self, name: str, outcome: str) -> None:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        condition = {"type": outcome, "status": "True", "lastProbeTime": at, "lastTransitionTime": at}
        status: dict[str, Any] = {"startTime": at, "completionTime": at, "succeeded": 1, "conditions": [condition]}
        if outcome == "Failed":
            status = {"startTime": at, "failed": 1, "conditions": [{**condition, "reason": "BackoffLimitExceeded"}]}
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs/{name}/status"
        self.api.patch(path, json={"status": status}, headers=PATCH).raise_for_status()


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
