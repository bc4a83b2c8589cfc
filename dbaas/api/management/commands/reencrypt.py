"""`manage.py reencrypt`: move every stored secret to the newest of ENCRYPTION_KEYS."""

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Model

from dbaas.core.encryption import CannotDecrypt, SealedField, keyring, place_of, prefix_of, seal, unseal

_PAGE = 200


class Command(BaseCommand):
    """Repeatable, and may be stopped at any time: what it did not reach still has the prefix of an older key."""

    help = "Encrypt every stored secret with the newest key."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Walk through every column of secrets there is."""
        unreadable: list[str] = []
        for model in apps.get_models():
            for field in model._meta.concrete_fields:
                if isinstance(field, SealedField):
                    moved = _move(model, field.name, unreadable)
                    self.stdout.write(f"{model._meta.db_table}.{field.name}: {moved} moved to key {keyring().newest}.")
        if unreadable:
            raise CommandError("Not moved, because no key reads them:\n  " + "\n  ".join(unreadable))


def _move(model: type[Model], column: str, unreadable: list[str]) -> int:
    """Return how many rows of this column were moved; those that nobody can read are added to `unreadable`."""
    rows = model._default_manager.exclude(**{column: ""}).exclude(
        **{f"{column}__startswith": prefix_of(keyring().newest)}
    )
    moved, last = 0, None
    while page := list((rows if last is None else rows.filter(pk__gt=last)).order_by("pk")[:_PAGE]):
        for row in page:
            try:
                moved += _move_row(model, row, column)
            except CannotDecrypt:
                unreadable.append(place_of(row, column))
        last = page[-1].pk
    return moved


def _move_row(model: type[Model], row: Model, column: str) -> int:
    before = getattr(row, column)
    seal(row, column, unseal(row, column))
    # a secret that was changed meanwhile was changed by a process that knows the newest key
    unchanged = model._default_manager.filter(**{"pk": row.pk, column: before})
    return unchanged.update(**{column: getattr(row, column)})
