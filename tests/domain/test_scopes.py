"""Scopes: which there are, which implies which, and tokens that are never wider than their key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain import scopes
from offerhub.domain.errors import ValidationFailed

ALL = ("read", "write", "support", "admin")
some = st.sets(st.sampled_from(ALL), min_size=1)


def test_there_are_four_scopes() -> None:
    assert scopes.SCOPES == ALL


@pytest.mark.parametrize("held", ALL)
@pytest.mark.parametrize("required", ALL)
def test_a_scope_covers_itself_and_admin_covers_all(held: str, required: str) -> None:
    assert scopes.allows([held], required) == (held in (required, "admin"))


def test_a_refusal_names_what_is_required_and_what_is_held() -> None:
    with pytest.raises(scopes.InsufficientScope) as refused:
        scopes.require(iter(["read", "write"]), "support")
    assert refused.value.status == 403
    assert refused.value.details == {
        "required_scope": "support",
        "current_scopes": ["read", "write"],
    }


@pytest.mark.parametrize("wrong", [[], ["root"], ["read", "root"], ["READ"], ["read "], "read"])
def test_unknown_or_no_scopes_are_refused(wrong: list[str]) -> None:
    with pytest.raises(ValidationFailed):
        scopes.check_known(wrong)


@given(some)
def test_known_scopes_come_out_once_and_in_order(wanted: set[str]) -> None:
    doubled = [*wanted, *wanted]
    assert scopes.check_known(doubled) == tuple(s for s in ALL if s in wanted)


@given(some, some)
def test_a_token_is_never_wider_than_its_key(held: set[str], wanted: set[str]) -> None:
    covered = wanted <= held or "admin" in held
    if covered:
        assert set(scopes.narrowed(held, wanted)) == wanted
    else:
        with pytest.raises(scopes.InsufficientScope):
            scopes.narrowed(held, wanted)


@given(some)
def test_a_token_that_asks_for_nothing_gets_its_keys_scopes(held: set[str]) -> None:
    assert set(scopes.narrowed(held, None)) == held


def test_an_empty_wish_is_not_all_scopes() -> None:
    with pytest.raises(ValidationFailed):
        scopes.narrowed(["read"], [])
