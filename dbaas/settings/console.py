"""How the operators' console (the Django admin) presents itself."""

from typing import Any


def _item(title: str, icon: str, link: str, active: str | None = None) -> dict[str, Any]:
    """Return an entry of the side bar; `link` and `active` may be the dotted path of a function of the request."""
    return {"title": title, "icon": icon, "link": link, **({"active": active} if active else {})}


_OPERATIONS = "/admin/provisioning/operation/"

UNFOLD = {
    "SITE_TITLE": "DBaaS operators",
    "SITE_HEADER": "DBaaS",
    "SITE_SUBHEADER": "Databases and operations",
    "SHOW_VIEW_ON_SITE": False,
    "LOGIN": {"form": "accounts.operator_login.OperatorLoginForm"},
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": True,
        "navigation": [
            {
                "title": "Now",
                "items": [
                    _item(
                        "Operations",
                        "pending_actions",
                        _OPERATIONS,
                        "provisioning.admin.databases.is_every_operation_chosen",
                    ),
                    _item(
                        "Stuck", "report", f"{_OPERATIONS}?state=stuck", "provisioning.admin.databases.is_stuck_chosen"
                    ),
                    _item("Leaks and drift", "leak_remove", "/admin/provisioning/finding/?closed_at__isempty=1"),
                    _item("Databases", "database", "/admin/provisioning/database/?is_live__exact=1"),
                    _item("Backups", "backup", "/admin/provisioning/backup/"),
                    _item("Tenants", "groups", "/admin/tenants/tenant/"),
                    _item("Webhooks", "webhook", "/admin/webhooks/endpoint/"),
                    _item("Clusters", "hub", "/admin/provisioning/cluster/"),
                    _item("Background jobs (Flower)", "local_florist", "provisioning.admin.databases.flower_address"),
                    _item("Health", "monitor_heart", "/health/ready"),
                    _item("API", "api", "/api/docs"),
                ],
            }
        ],
    },
}
