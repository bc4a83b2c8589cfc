import pytest

from accounts.models import User
from accounts.tokens import AccessToken, RefreshToken, TokenInvalid, issue_access, read_access, read_refresh

_SOMEBODY = "01980a4e-6f1c-7c3e-9d1b-2f6a5b8c7d90"


def test_an_access_token_says_whose_it_is_and_of_which_epoch(alice: User) -> None:
    claims = read_access(issue_access(alice))

    assert (claims.user_id, claims.epoch) == (alice.id, alice.session_epoch)


def test_the_kind_of_a_token_counts_even_if_all_else_fits(alice: User) -> None:
    refresh, access = RefreshToken(), AccessToken()
    for token in (refresh, access):
        token["sub"], token["epoch"] = str(alice.id), 0

    with pytest.raises(TokenInvalid):
        read_access(str(refresh))
    with pytest.raises(TokenInvalid):
        read_refresh(str(access))


@pytest.mark.parametrize(("sub", "epoch"), [("nobody", 0), (_SOMEBODY, "0"), (_SOMEBODY, None)])
def test_a_token_with_other_claims_is_refused(sub: str, epoch: object) -> None:
    token = AccessToken()
    token["sub"], token["epoch"] = sub, epoch

    with pytest.raises(TokenInvalid):
        read_access(str(token))
