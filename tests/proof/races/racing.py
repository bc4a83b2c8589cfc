"""Make many calls at the same moment, and look at what they were answered and at what is left."""

from collections import Counter
from collections.abc import Callable
from uuid import UUID

from django.http import HttpResponse

from provisioning.models import Database, Operation, OperationEvent
from provisioning.settlement import reserved
from tenants.models import Quota
from tenants.quota import Amounts
from tests.cast import body_of

Calls = list[Callable[[], HttpResponse]]
AtOnce = Callable[[Calls], list[HttpResponse | Exception]]

RACED: Counter[str] = Counter()
"""How many calls the present test has raced."""


def answers_to(at_once: AtOnce, calls: Calls) -> list[HttpResponse]:
    """Make the calls at once and return the answers in order; one that could not be answered at all is a failure."""
    answers = at_once(calls)
    RACED["calls"] += len(calls)
    broken = [answer for answer in answers if isinstance(answer, Exception) or answer.status_code >= 500]
    assert not broken, broken[0]
    return [answer for answer in answers if not isinstance(answer, Exception)]


def told(answers: list[HttpResponse]) -> Counter[tuple[int, str]]:
    """Count the answers by status and code."""
    return Counter((answer.status_code, body_of(answer).get("code", "")) for answer in answers)


def check_quota_is_the_sum() -> None:
    """Check that the tenant uses what its databases hold, and no more than it may."""
    quota = Quota.objects.get()
    names = ("databases", "cpu_millicores", "memory_mib", "storage_gib")
    used = {name: getattr(quota, f"used_{name}") for name in names}
    assert Amounts(**used) == sum((reserved(database) for database in Database.objects.all()), Amounts())
    assert all(used[name] <= getattr(quota, f"max_{name}") for name in names)


def check_one_holds(database_id: UUID) -> None:
    """Check that one unfinished operation holds the database, and the database knows it; or none and it knows that."""
    database = Database.objects.get(pk=database_id)
    holding = Operation.objects.filter(database=database, holds_database=True, finished_at=None)
    assert list(holding.values_list("pk", flat=True)) == list(filter(None, [database.active_operation_id]))


def check_delete_goes_next(database_id: UUID) -> None:
    """Check that an accepted delete holds the database, or waits behind an operation that was asked to cancel."""
    database = Database.objects.get(pk=database_id)
    deletion = Operation.objects.filter(database=database, kind="delete").first()
    if deletion is not None and database.active_operation_id != deletion.pk:
        assert database.next_operation_id == deletion.pk
        active = Operation.objects.filter(database=database, holds_database=True, finished_at=None)
        assert active.exclude(cancel_requested_at=None).count() == 1


def check_timeline(operation_id: UUID) -> None:
    """Check that two writers never took one number, left none out, and wrote nothing after the end."""
    operation = Operation.objects.get(pk=operation_id)
    lines = list(OperationEvent.objects.filter(operation=operation).order_by("seq"))
    assert [line.seq for line in lines] == list(range(1, operation.event_seq + 1))
    ends = [line.seq for line in lines if line.event in ("succeeded", "failed", "cancelled")]
    assert ends in ([], [len(lines)])
