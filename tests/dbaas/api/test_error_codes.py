from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from dbaas.api.error_codes import as_markdown, error_codes
from dbaas.core.errors import Rejected
from tests.cast import Api

PAGE = Path(settings.BASE_DIR) / "docs" / "errors.md"


def test_codes_are_lower_case_and_dotted_and_messages_are_sentences() -> None:
    codes = error_codes()

    assert len(codes) > 30
    assert [item.code for item in codes if item.code != item.code.lower() or "." not in item.code] == []
    assert [item.code for item in codes if not item.detail.endswith(".")] == []


def test_every_code_is_listed_once() -> None:
    page = as_markdown(error_codes())

    assert page.count('id="quota.exceeded"') == 1
    assert page.count('id="request.malformed_json"') == 1


def test_two_classes_with_one_code_are_refused() -> None:
    twin = type("Twin", (Rejected,), {"__doc__": "Twin.", "code": "quota.exceeded", "__module__": "tenants.quota"})

    try:
        with pytest.raises(ValueError, match=r"quota\.exceeded"):
            error_codes()
    finally:
        twin.__module__ = "elsewhere"  # classes live until they are collected, and other tests list them too


def test_a_fresh_page_passes_and_a_stale_one_does_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "docs" / "errors.md"
    call_command("error_codes", path=path)

    call_command("error_codes", path=path, check=True)
    path.write_text(path.read_text(encoding="utf-8").replace("409", "410"), encoding="utf-8")

    with pytest.raises(CommandError, match="not fresh"):
        call_command("error_codes", path=path, check=True)
    assert "written" in capsys.readouterr().out


def test_the_page_in_the_documentation_is_fresh() -> None:
    call_command("error_codes", check=True)


def test_the_address_in_a_problem_leads_to_its_explanation(api: Api) -> None:
    page = api.get("/docs/errors")

    assert page.status_code == 200
    assert 'id="quota.exceeded"' in page.content.decode()
