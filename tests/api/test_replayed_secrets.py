"""Kept answers that show a secret are for whoever got them first, not for whoever knows the key."""

from typing import Any

from tests.api.caller import Caller, code


def _minted(api: Caller, caller: Caller, **body: Any) -> Any:
    return caller.post(f"/auth/api-keys/{api.key_id}/token", body, key="mint")


def test_another_keys_minted_token_is_not_replayed(api: Caller) -> None:
    admin = api.with_scopes("admin")
    support = api.with_scopes("support")
    assert _minted(admin, admin).status_code == 201
    stolen = _minted(admin, support)
    assert b"ohk_tok_" not in stolen.data
    assert (stolen.status_code, code(stolen)) == (409, "IDEMPOTENCY_KEY_REUSED")


def test_a_narrow_token_does_not_get_its_keys_wide_token_by_a_replay(api: Caller) -> None:
    admin = api.with_scopes("admin")
    assert _minted(admin, admin).status_code == 201
    narrow = admin.token(scopes=["read"])
    assert b"ohk_tok_" not in _minted(admin, narrow).data


def test_whoever_minted_a_token_gets_it_again(api: Caller) -> None:
    admin = api.with_scopes("admin")
    first = _minted(admin, admin)
    again = _minted(admin, admin)
    assert (again.status_code, again.data) == (201, first.data)
