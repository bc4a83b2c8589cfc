"""An operator that is killed or stopped: nothing is lost, nothing is made twice, no server is left behind."""

import os
import signal
import time
from pathlib import Path

import psycopg
import pytest

from tests.devcluster.operator.conftest import STORAGE, Namespace, Operator, PocketCluster, is_alive, wait_until

pytestmark = pytest.mark.processes


def servers_of(folder: Path) -> list[int]:
    """Give the processes whose command line names a folder, except their own children."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith((b"/postgres", b"valkey-server")) and any(str(folder).encode() in word for word in words):
            found.append(int(entry.name))
    return found


@pytest.mark.parametrize("pause_seconds", [0.05, 0.2])
def test_that_a_killed_operator_goes_on_where_it_was(fragile_pocket: PocketCluster, pause_seconds: float) -> None:
    namespace = fragile_pocket.namespace()
    wait_until(lambda: has_started(fragile_pocket.operator), "the operator has started")
    path = namespace.create("postgreses", "Postgres", "orders", version="17.5", storage=STORAGE)
    time.sleep(pause_seconds)

    fragile_pocket.operator.stop(signal.SIGKILL)
    fragile_pocket.operator.start()

    namespace.wait_for_phase(path, "Ready")
    assert namespace.names("pods") == {"orders-0"}
    assert namespace.names("secrets") == {"orders-auth", f"orders-{namespace.get(path)['metadata']['uid'][-6:]}"}
    assert servers_of(namespace.data_dir / "volumes" / namespace.name) == [namespace.server_pid("orders-0")]
    with namespace.connect("orders") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def has_started(operator: Operator) -> bool:
    """Tell whether it holds the folder: it makes the template only then."""
    return any((operator.data_dir / "templates").glob("postgresql-*"))


def test_that_servers_outlive_a_kill_but_not_a_stop_of_the_operator(fragile_pocket: PocketCluster) -> None:
    namespace = fragile_pocket.namespace()
    first = namespace.create("postgreses", "Postgres", "orders", version="17.5", storage=STORAGE)
    second = namespace.create("redises", "Redis", "cart", version="7.4.6", storage=STORAGE)
    namespace.wait_for_phase(first, "Ready")
    namespace.wait_for_phase(second, "Ready")
    with namespace.connect("orders") as connection:
        connection.execute("CREATE TABLE parcels AS SELECT 7 AS number")
    before = [namespace.server_pid("orders-0"), namespace.server_pid("cart-0")]

    fragile_pocket.operator.stop(signal.SIGKILL)

    assert all(map(is_alive, before))
    fragile_pocket.operator.start()
    wait_until(lambda: can_connect(namespace), "the node port is open again")
    assert [namespace.server_pid("orders-0"), namespace.server_pid("cart-0")] == before

    assert fragile_pocket.operator.stop() == 0

    assert not any(map(is_alive, before))
    fragile_pocket.operator.start()
    wait_until(lambda: can_connect(namespace), "the database is back")
    with namespace.connect("orders") as connection:
        assert connection.execute("SELECT number FROM parcels").fetchall() == [(7,)]


def test_that_a_stop_right_after_the_start_still_stops_the_servers(fragile_pocket: PocketCluster) -> None:
    namespace = fragile_pocket.namespace()
    path = namespace.create("redises", "Redis", "cart", version="7.4.6", storage=STORAGE)
    namespace.wait_for_phase(path, "Ready")
    pid = namespace.server_pid("cart-0")
    fragile_pocket.operator.stop(signal.SIGKILL)
    fragile_pocket.operator.start()

    assert fragile_pocket.operator.stop() == 0

    assert not is_alive(pid)
    fragile_pocket.operator.start()


def can_connect(namespace: Namespace) -> bool:
    try:
        namespace.connect("orders").close()
    except psycopg.OperationalError:
        return False
    return True


def test_that_a_server_that_dies_while_the_operator_is_down_is_started_again(fragile_pocket: PocketCluster) -> None:
    namespace = fragile_pocket.namespace()
    path = namespace.create("redises", "Redis", "cart", version="7.4.6", storage=STORAGE)
    namespace.wait_for_phase(path, "Ready")
    pid = namespace.server_pid("cart-0")
    fragile_pocket.operator.stop(signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)

    fragile_pocket.operator.start()

    wait_until(lambda: namespace.server_pid("cart-0") not in {0, pid}, "another server is started")
    namespace.wait_for_phase(path, "Ready")


def test_that_the_operator_goes_on_after_the_api_server_was_away(fragile_pocket: PocketCluster) -> None:
    namespace = fragile_pocket.namespace()
    path = namespace.create("redises", "Redis", "before", version="7.4.6", storage=STORAGE)
    namespace.wait_for_phase(path, "Ready")
    pid, port = namespace.server_pid("before-0"), int(fragile_pocket.server.url.rpartition(":")[2])

    fragile_pocket.server.stop(number=signal.SIGKILL)
    fragile_pocket.server.start(port)

    path = namespace.create("redises", "Redis", "after", version="7.4.6", storage=STORAGE)
    namespace.wait_for_phase(path, "Ready")
    assert namespace.server_pid("before-0") == pid


def test_that_a_second_operator_on_the_same_folder_refuses_to_start(fragile_pocket: PocketCluster) -> None:
    operator = fragile_pocket.operator
    wait_until(lambda: has_started(operator), "the first operator holds the folder")
    second = Operator(operator.kubeconfig, operator.data_dir)

    second.start()

    assert second.process is not None
    assert second.process.wait(10) == 1
