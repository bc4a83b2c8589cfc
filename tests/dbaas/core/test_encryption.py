"""That what is encrypted can be read with the same keys at the same place only, and that keys can be rotated."""

from typing import Any

import pytest

from dbaas.core.encryption import CannotDecrypt, Keyring, key_id_of, keyring

OLD = "old-key-" + "o" * 32
NEW = "new-key-" + "n" * 32
PLACE = "tenants_webhook/secret/1"


def test_that_it_can_be_read_again() -> None:
    sealed = Keyring([NEW]).encrypt("gehéim", place=PLACE)

    assert Keyring([NEW]).decrypt(sealed, place=PLACE) == "gehéim"
    assert "gehéim" not in sealed


def test_that_the_same_text_never_looks_the_same() -> None:
    keys = Keyring([NEW])

    assert keys.encrypt("secret", place=PLACE) != keys.encrypt("secret", place=PLACE)


def test_that_the_first_key_encrypts_and_all_of_them_decrypt() -> None:
    before = Keyring([OLD]).encrypt("secret", place=PLACE)
    both = Keyring([NEW, OLD])

    assert both.decrypt(before, place=PLACE) == "secret"
    assert both.encrypt("secret", place=PLACE).split(".")[:2] == ["v1", key_id_of(NEW)]


def test_that_a_key_that_was_taken_away_reads_nothing() -> None:
    sealed = Keyring([OLD]).encrypt("secret", place=PLACE)

    with pytest.raises(CannotDecrypt, match=key_id_of(OLD)):
        Keyring([NEW]).decrypt(sealed, place=PLACE)


@pytest.mark.parametrize("elsewhere", ["tenants_webhook/secret/2", "tenants_webhook/old_secret/1", "users/secret/1"])
def test_that_it_cannot_be_read_at_another_place(elsewhere: str) -> None:
    sealed = Keyring([NEW]).encrypt("secret", place=PLACE)

    with pytest.raises(CannotDecrypt, match="belongs to another row"):
        Keyring([NEW]).decrypt(sealed, place=elsewhere)


@pytest.mark.parametrize("position", [12, 30, -3])
def test_that_a_changed_text_is_refused(position: int) -> None:
    sealed = Keyring([NEW]).encrypt("a secret of some length", place=PLACE)
    letters = list(sealed)
    letters[position] = "A" if letters[position] != "A" else "B"

    with pytest.raises(CannotDecrypt):
        Keyring([NEW]).decrypt("".join(letters), place=PLACE)


@pytest.mark.parametrize(
    "text", ["", "secret", "v1", "v1.x", f"v1.{key_id_of(NEW)}.", f"v1.{key_id_of(NEW)}.???", "v2.x.y"]
)
def test_that_what_was_never_encrypted_is_refused(text: str) -> None:
    with pytest.raises(CannotDecrypt):
        Keyring([NEW]).decrypt(text, place=PLACE)


def test_that_an_error_tells_no_secret() -> None:
    sealed = Keyring([OLD]).encrypt("secret", place=PLACE)

    with pytest.raises(CannotDecrypt) as caught:
        Keyring([NEW]).decrypt(sealed, place=PLACE)

    assert not any(secret in str(caught.value) for secret in (OLD, NEW, "secret."))


def test_that_a_key_s_name_tells_nothing_of_it_and_stays() -> None:
    assert key_id_of(NEW) == key_id_of(NEW) != key_id_of(OLD)
    assert len(key_id_of(NEW)) == 8


def test_that_the_keys_are_those_of_the_settings(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [NEW, OLD]

    assert keyring().newest == key_id_of(NEW)
