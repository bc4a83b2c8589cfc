"""That /metrics says which version answers."""

from pathlib import Path

from dbaas.health.build import version
from tests.cast import Api


def test_that_the_newest_released_version_is_named(tmp_path: Path) -> None:
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text("# Changelog\n\n## [Unreleased]\n\n## [0.3.0] - 2026-11-01\n\n## [0.2.0] - 2026-10-01\n")

    assert version(changelog) == "0.3.0"


def test_that_a_copy_without_its_changelog_does_not_know(tmp_path: Path) -> None:
    assert version(tmp_path / "nothing.md") == "unknown"


def test_that_it_is_shown(api: Api, db: None) -> None:
    del db

    assert 'dbaas_build_info{django="5.2.' in api.get("/metrics").content.decode()
    assert f'version="{version()}"' in api.get("/metrics").content.decode()
