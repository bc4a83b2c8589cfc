import pytest

from tests.cast import Api


def test_the_root_leads_to_the_documentation(api: Api) -> None:
    response = api.get("/")

    assert (response.status_code, response["Location"]) == (302, "/api/docs")


@pytest.mark.django_db
def test_metrics_are_in_the_form_that_prometheus_reads(api: Api) -> None:
    response = api.get("/metrics")

    assert response.status_code == 200
    assert b"django_http_requests_total_by_method_total" in response.content


@pytest.mark.django_db
def test_the_admin_asks_for_a_log_in(api: Api) -> None:
    assert api.get("/admin/")["Location"].startswith("/admin/login/")
    assert api.get("/admin/login/").status_code == 200
