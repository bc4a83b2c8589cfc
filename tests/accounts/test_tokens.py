from typing import Any

import jwt
import pytest
from pytest_django import Settings

from accounts.models import User
from accounts.tokens import (
    TokenInvalid,
    _signed,
    issue_access,
    issue_refresh,
    key_id_of,
    read_access,
    read_refresh,
)
from dbaas.core.clock import SYSTEM_CLOCK

_SOMEBODY = "01980a4e-6f1c-7c3e-9d1b-2f6a5b8c7d90"
OLD, NEW, OTHER = ("x" * 40 + name for name in ("old", "new", "other"))


def test_an_access_token_says_whose_it_is_and_of_which_epoch(alice: User) -> None:
    claims = read_access(issue_access(alice))

    assert (claims.user_id, claims.epoch) == (alice.id, alice.session_epoch)


def test_the_kind_of_a_token_counts_even_if_all_else_fits(alice: User) -> None:
    with pytest.raises(TokenInvalid):
        read_access(issue_refresh(alice).text)
    with pytest.raises(TokenInvalid):
        read_refresh(issue_access(alice))


@pytest.mark.parametrize(("sub", "epoch"), [("nobody", 0), (_SOMEBODY, "0"), (_SOMEBODY, None)])
def test_a_token_with_other_claims_is_refused(sub: str, epoch: object, settings: Settings) -> None:
    text, _ = _signed("access", {"sub": sub, "epoch": epoch}, settings.ACCESS_TOKEN_LIFETIME)

    with pytest.raises(TokenInvalid):
        read_access(text)


@pytest.mark.parametrize("claim", ["exp", "iat", "jti", "iss", "aud", "token_type"])
def test_a_token_that_lacks_a_claim_is_refused(alice: User, claim: str, settings: Settings) -> None:
    claims = _claims_of(issue_access(alice))
    del claims[claim]

    with pytest.raises(TokenInvalid):
        read_access(jwt.encode(claims, settings.JWT_SIGNING_KEYS[0], "HS256"))


def test_the_newest_key_signs_and_is_named(alice: User, settings: Settings) -> None:
    settings.JWT_SIGNING_KEYS = [NEW, OLD]

    text = issue_access(alice)

    assert jwt.get_unverified_header(text) == {"alg": "HS256", "typ": "JWT", "kid": key_id_of(NEW)}
    assert NEW[-8:] not in key_id_of(NEW)
    assert jwt.decode(text, NEW, ["HS256"], audience="dbaas-api")["sub"] == str(alice.id)


def test_keys_can_be_rotated_and_nobody_is_logged_out(alice: User, settings: Settings) -> None:
    settings.JWT_SIGNING_KEYS = [OLD]
    before = issue_refresh(alice)

    settings.JWT_SIGNING_KEYS = [OLD, NEW]
    from_a_process_that_is_ahead = _issued_with([NEW, OLD], alice, settings)
    assert read_access(from_a_process_that_is_ahead).user_id == alice.id

    settings.JWT_SIGNING_KEYS = [NEW, OLD]
    assert read_refresh(before.text) == before.jti_hash

    settings.JWT_SIGNING_KEYS = [NEW]
    with pytest.raises(TokenInvalid):
        read_refresh(before.text)


def test_a_token_that_names_one_key_and_was_signed_with_another_is_refused(alice: User, settings: Settings) -> None:
    settings.JWT_SIGNING_KEYS = [NEW, OLD]
    claims = _claims_of(issue_access(alice))

    for key in (OLD, OTHER):
        with pytest.raises(TokenInvalid):
            read_access(jwt.encode(claims, key, "HS256", headers={"kid": key_id_of(NEW)}))


def test_a_token_of_an_earlier_release_which_names_no_key_is_read(alice: User, settings: Settings) -> None:
    settings.JWT_SIGNING_KEYS = [NEW, OLD]
    claims = _claims_of(issue_access(alice))

    assert read_access(jwt.encode(claims, OLD, "HS256")).user_id == alice.id
    with pytest.raises(TokenInvalid):
        read_access(jwt.encode(claims, OTHER, "HS256"))


def test_a_token_expires_when_its_minutes_are_over(alice: User, settings: Settings) -> None:
    claims = _claims_of(issue_access(alice))

    assert claims["exp"] - claims["iat"] == settings.ACCESS_TOKEN_LIFETIME.total_seconds()
    assert abs(claims["iat"] - SYSTEM_CLOCK.now().timestamp()) < 5


def _claims_of(text: str) -> dict[str, Any]:
    return jwt.decode(text, options={"verify_signature": False})


def _issued_with(keys: list[str], user: User, settings: Settings) -> str:
    before, settings.JWT_SIGNING_KEYS = settings.JWT_SIGNING_KEYS, keys
    text = issue_access(user)
    settings.JWT_SIGNING_KEYS = before
    return text
