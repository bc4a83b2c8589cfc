"""That each kind of access is written down once, and known again after a restart."""

from pathlib import Path

from devcluster.apiserver.uses import Uses


def note(path: Path, *resources: str, is_cluster_wide: bool = False) -> None:
    uses = Uses(path)
    for resource in resources:
        uses.note("n:robot", "get", "", resource, is_cluster_wide=is_cluster_wide)


def test_that_the_same_access_is_one_line(tmp_path: Path) -> None:
    note(tmp_path / "uses", "pods", "pods", "secrets")

    assert len((tmp_path / "uses").read_text().splitlines()) == 2


def test_that_it_is_known_again_after_a_restart(tmp_path: Path) -> None:
    note(tmp_path / "uses", "pods")
    note(tmp_path / "uses", "pods")

    assert len((tmp_path / "uses").read_text().splitlines()) == 1


def test_that_one_namespace_and_all_of_them_are_different(tmp_path: Path) -> None:
    note(tmp_path / "uses", "pods")
    note(tmp_path / "uses", "pods", is_cluster_wide=True)

    assert len((tmp_path / "uses").read_text().splitlines()) == 2
