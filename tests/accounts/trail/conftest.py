from collections.abc import Callable
from uuid import UUID

import pytest

from accounts import audit
from accounts.models import AuditEvent, User
from tests.cast import acting, person


@pytest.fixture
def act() -> Callable[..., AuditEvent]:
    """Put something on record, by default in the chain of events without tenant."""
    actors: list[User] = []

    def record(action: str = "thing.done", *, tenant_id: UUID | None = None) -> AuditEvent:
        actors.append(actors[0] if actors else person("actor"))
        return audit.record(
            acting(actors[0]), action=action, object_type="thing", object_id="1", tenant_id=tenant_id, detail={"a": 1}
        )

    return record
