"""That after every operation on every engine, whether carried out or refused, the API, the quota, the cluster and the server agree."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from provisioning.engine import Engine
from provisioning.engines import all_engines
from provisioning.operations import all_workflows
from tests.devcluster.kubectl import run as kubectl
from tests.e2e.agreement import CASES, CHANGING_BY_ITSELF, Course, require_agreement
from tests.e2e.system import Customer, Json, System, new_customer

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("system")]

WITHIN_SECONDS = 180
IN_STORIES = {"restore_into_new"}
"""It leaves a second database, whose rows the stories look at."""

Answers = dict[tuple[str, str], Future[None]]


@pytest.fixture(scope="session")
def answers(system: System) -> Iterator[Answers]:
    """Every case of every engine: the engines side by side, each through one operation after the other."""
    with ExitStack() as stack:
        found: Answers = {}
        for engine in all_engines().values():
            customer = stack.enter_context(new_customer(system, f"{engine.name}-course"))
            course = Course(system, customer, engine)
            lane = stack.enter_context(ThreadPoolExecutor(1))
            found |= {(engine.name, kind): lane.submit(take, course, kind) for kind in CASES}
        yield found


@pytest.mark.parametrize("kind", list(CASES))
@pytest.mark.parametrize("engine", list(all_engines()))
def test_that_all_agree_on_the_new_or_all_on_the_old(answers: Answers, engine: str, kind: str) -> None:
    answers[engine, kind].result(timeout=WITHIN_SECONDS)


@pytest.mark.parametrize("engine", list(all_engines().values()), ids=lambda engine: engine.name)
def test_that_all_agree_on_the_old_when_kubedb_gives_up(system: System, customer: Customer, engine: Engine) -> None:
    course = Course(system, customer, engine)
    require_success(course, "provision")
    before = lasting(course.database)

    with disks_that_cannot_grow(system):
        ended = customer.follow(customer.ask(course.database, "scale", storage_gib=before["storage_gib"] + 1))

    assert (ended["state"], ended["error"]["code"]) == ("failed", "ops_request.failed"), ended
    assert "does not allow volume expansion" in ended["error"]["detail"]
    assert lasting(course.read()) == before
    require_agreement(course)


def test_that_every_operation_has_a_case() -> None:
    assert set(CASES) | IN_STORIES == set(all_workflows())


@pytest.mark.parametrize("engine", list(all_engines().values()), ids=lambda engine: engine.name)
def test_that_every_engine_has_a_way_on(engine: Engine) -> None:
    course = Course(None, None, engine)  # type: ignore[arg-type]  # nothing is asked of either

    assert course.next_version in engine.upgrades(course.version.name)


def take(course: Course, kind: str) -> None:
    """Have it refused and carried out (what needs the state that it leads to is refused afterwards), and see that all agree."""
    refused_first = kind not in ("provision", "pause", "resume", "delete_backup")
    if refused_first:
        require_refusal(course, kind)
    require_success(course, kind)
    if not refused_first:
        require_refusal(course, kind)


def require_success(course: Course, kind: str) -> None:
    answer = CASES[kind].succeeds(course)

    ended = course.customer.follow(course.customer.checked(answer))

    course.database = course.customer.database(ended)
    assert (answer.status_code, ended["kind"], ended["state"]) == (202, kind, "succeeded"), ended
    wanted = CASES[kind].shows(course)
    assert {name: course.database[name] for name in wanted} == wanted
    require_agreement(course)


def require_refusal(course: Course, kind: str) -> None:
    before = lasting(course.read())

    answer = CASES[kind].refused(course)

    assert answer.status_code in (400, 404, 409), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert lasting(course.read()) == before
    require_agreement(course)


@contextmanager
def disks_that_cannot_grow(system: System) -> Iterator[None]:
    """Let no StorageClass expand a volume as long as this block lasts; no other database may be growing meanwhile."""
    change = ("patch", "storageclass", "standard", "--type=merge", "-p")
    kubectl(system.kubeconfig, *change, '{"allowVolumeExpansion": false}')
    try:
        yield
    finally:
        kubectl(system.kubeconfig, *change, '{"allowVolumeExpansion": true}')


def lasting(shown: Json) -> Json:
    return {name: value for name, value in shown.items() if name not in CHANGING_BY_ITSELF}
