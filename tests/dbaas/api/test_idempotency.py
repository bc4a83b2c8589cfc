import pytest
from django.test import RequestFactory

from dbaas.api.errors import IdempotencyKeyInvalid
from dbaas.api.idempotency import fingerprint, idempotency_key


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("6f1c-a", "6f1c-a"),
        ('"6f1c-a"', "6f1c-a"),
        (r'"say\"hi\\"', 'say"hi\\'),
        ("x" * 128, "x" * 128),
        ('"' + "x" * 128 + '"', "x" * 128),
    ],
)
def test_bare_and_quoted_keys_are_read(header: str, key: str) -> None:
    request = RequestFactory().post("/", headers={"Idempotency-Key": header})

    assert idempotency_key(request) == key


def test_no_header_is_no_key() -> None:
    assert idempotency_key(RequestFactory().post("/")) is None


@pytest.mark.parametrize("header", ["", '""', "a b", '"a b"', "x" * 129, "schlüssel", "a\tb"])
def test_any_other_key_is_refused(header: str) -> None:
    request = RequestFactory().post("/", headers={"Idempotency-Key": header})

    with pytest.raises(IdempotencyKeyInvalid):
        idempotency_key(request)


def test_the_order_of_members_does_not_change_a_fingerprint() -> None:
    assert fingerprint("POST", "/a", {"x": 1, "y": {"b": 1, "a": 2}}) == fingerprint(
        "post", "/a", {"y": {"a": 2, "b": 1}, "x": 1}
    )


@pytest.mark.parametrize(
    "other", [("PUT", "/a", {"x": 1}), ("POST", "/b", {"x": 1}), ("POST", "/a", {"x": "1"}), ("POST", "/a", {"x": [1]})]
)
def test_everything_else_changes_it(other: tuple[str, str, object]) -> None:
    assert fingerprint(*other) != fingerprint("POST", "/a", {"x": 1})
