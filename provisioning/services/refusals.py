"""Why a request for work may be refused, apart from what is wrong with the request itself."""

from dbaas.core.errors import Conflict, Unprocessable


class NameTaken(Conflict):
    """Another database of this tenant has this name: choose another, or delete that one first."""

    code = "database.name_taken"


class KeyReused(Unprocessable):
    """The Idempotency-Key came with another request before: send a new key with a new request."""

    code = "idempotency_key.reused"


class OperationInProgress(Conflict):
    """Another operation holds this database: wait for it (its id is in `operation`), or cancel it."""

    code = "operation.in_progress"


class StateForbids(Conflict):
    """The database's state does not allow this operation."""

    code = "database.wrong_state"


class DeletionProtected(Conflict):
    """The database is protected from deletion: switch `deletion_protection` off first."""

    code = "database.deletion_protected"


class AlreadyFinished(Conflict):
    """The operation has finished already: there is nothing to cancel."""

    code = "operation.finished"


class TooLateToCancel(Conflict):
    """The operation is past its point of no return: it will finish, or stop for an operator."""

    code = "operation.too_late_to_cancel"


class StuckCannotCancel(Conflict):
    """The operation is stuck, so it cannot turn back by itself: retry it, delete the database, or ask an operator."""

    code = "operation.stuck"


class NotStuck(Conflict):
    """Only an operation that is stuck can be retried, led past its step, or abandoned."""

    code = "operation.not_stuck"


class NotSkippable(Conflict):
    """The step at which the operation is stuck is unknown to this release: abandon it instead."""

    code = "operation.not_skippable"
