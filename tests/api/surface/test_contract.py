"""The code's routes against the contract's table: paths, scopes, keys, 404, maintenance."""

from uuid import uuid4

import pytest

from offerhub.api import access
from offerhub.api.app import BASE_PATH, assemble
from offerhub.services import api_keys, maintenance
from tests.api.caller import Caller, code, open_api
from tests.api.surface.contract import ADMIN, ANY, OPEN, ROWS, Row, missing_code
from tests.api.surface.market import Market

SAFE = {"HEAD", "OPTIONS"}
SCOPES = ("read", "write", "support", "admin")
CLOSED = [row for row in ROWS if row.scope != OPEN]


def _declared() -> dict[tuple[str, str], tuple[str, bool, str, bool]]:
    """(method, path) -> scope, bound, key, always: as the code says."""
    flask_app, _ = assemble()
    found = {}
    for rule in flask_app.url_map.iter_rules():
        view = flask_app.view_functions[rule.endpoint]
        says, kept = access.access_of(view), access.idempotency_of(view)
        assert says is not None
        scope = OPEN if says.public else says.scope or ANY
        for method in (rule.methods or set()) - SAFE:
            key = ""
            if kept is not None and method == "POST":
                key = "required" if kept.required else "optional"
            path = rule.rule.removeprefix(BASE_PATH).replace("<", "{").replace(">", "}")
            found[method, path] = (scope, says.bound is not None, key, says.always)
    return found


def test_the_code_has_the_contracts_routes_and_no_others() -> None:
    said = {(r.method, r.path): (r.scope, r.bound, r.key, r.always) for r in ROWS}
    assert len(said) == len(ROWS)
    assert _declared() == said


def _call(caller: Caller, row: Row, *, body: bool = True) -> tuple[int, str | None, dict]:
    """Status, code and details of a call that can have no effect: nothing has the ids."""
    sent = row.body if body else {"unknown_field": 1}
    headers = {"Idempotency-Key": str(uuid4())} if row.key else {}
    takes_body = row.body is not None
    answer = caller.send(
        row.method, row.address, body=sent if takes_body else None, headers=headers
    )
    error = (answer.get_json(silent=True) or {}).get("error") or {}
    return answer.status_code, error.get("code"), error.get("details", {})


def _allowed(row: Row, scope: str) -> bool:
    return row.scope == ANY or scope in (row.scope, ADMIN)


@pytest.mark.parametrize("scope", SCOPES)
def test_each_scope_opens_its_routes_and_no_others(market: Market, scope: str) -> None:
    """A body of unknown fields: whoever is let in is refused for it, and nothing happens."""
    caller, wrong = market.api.with_scopes(scope), []
    for row in CLOSED:
        status, said, details = _call(caller, row, body=False)
        if _allowed(row, scope):
            good = status not in {401, 403, 500}
        else:
            good = (status, said) == (403, "INSUFFICIENT_SCOPE") and details == {
                "required_scope": row.scope, "current_scopes": [scope],
            }  # fmt: skip
        if not good:
            wrong.append((row.name, status, said, details))
    assert wrong == []


def test_without_good_credentials_nothing_is_open(market: Market) -> None:
    revoked = market.api.with_scopes("admin")
    token_of_revoked = revoked.token(ttl_seconds=600)
    market.api.delete(f"/auth/api-keys/{revoked.key_id}")
    expired = api_keys.create_key(
        market.world.ctx, name="old", scopes_wanted=["admin"],
        expires_at_ms=market.world.app.now_ms() + 1000,
    )  # fmt: skip
    old_token = market.api.with_scopes("admin").token(ttl_seconds=60)
    market.world.clock.skip(61)
    strangers = {
        "no key": (market.api.with_key(None), "UNAUTHORIZED"),
        "rubbish": (market.api.with_key("ohk_test_rubbish"), "INVALID_API_KEY"),
        "revoked key": (revoked, "INVALID_API_KEY"),
        "token of a revoked key": (token_of_revoked, "INVALID_API_KEY"),
        "expired key": (market.api.with_key(expired["key"]), "INVALID_API_KEY"),
        "expired token": (old_token, "INVALID_API_KEY"),
    }
    wrong = [
        (who, row.name, status, said)
        for who, (caller, expected) in strangers.items()
        for row in CLOSED
        for status, said, _ in [_call(caller, row)]
        if (status, said) != (401, expected)
    ]
    assert wrong == []


def test_the_master_key_opens_nothing_while_there_is_an_admin_key(market: Market) -> None:
    master = market.api.with_key(market.world.environ["OFFERHUB_MASTER_KEY"])
    wrong = [row.name for row in CLOSED if _call(master, row)[0] not in {401, 403}]
    assert wrong == []


@pytest.mark.parametrize("scope", SCOPES)
def test_a_token_opens_what_its_scopes_open(market: Market, scope: str) -> None:
    token, wrong = market.api.with_scopes("admin").token(scopes=[scope]), []
    for row in CLOSED:
        status, said, _ = _call(token, row, body=False)
        if row.path.endswith("/token"):
            good = status in {400, 403}  # a token makes none, whatever its scopes
        elif _allowed(row, scope):
            good = status not in {401, 403, 500}
        else:
            good = (status, said) == (403, "INSUFFICIENT_SCOPE")
        if not good:
            wrong.append((row.name, status, said))
    assert wrong == []


def test_a_token_bound_to_a_user_reads_that_user_and_nothing_else(market: Market) -> None:
    user = market.user()
    bound, wrong = market.api.with_scopes("admin").token(user_id=user), []
    for row in CLOSED:
        status, said, _ = _call(bound, row)
        if not row.bound:
            good = (status, said) == (403, "INSUFFICIENT_SCOPE")
        elif "{" in row.path:  # of somebody else: as if it were not there
            good = (status, said) == (404, missing_code(row))
        else:
            good = status == 200
        if not good:
            wrong.append((row.name, status, said))
    assert wrong == []


def test_a_bound_token_sees_none_of_anothers_resources(market: Market) -> None:
    stranger = market.api.with_scopes("admin").token(user_id=market.user())
    order_id = market.order("1.00")
    for path, missing in (
        (f"/orders/{order_id}", "ORDER_NOT_FOUND"),
        (f"/orders/{order_id}/milestones", "ORDER_NOT_FOUND"),
        (f"/users/{market.buyer}", "USER_NOT_FOUND"),
        (f"/users/{market.buyer}/wallet/transactions", "USER_NOT_FOUND"),
    ):
        answer = stranger.get(path)
        assert (answer.status_code, code(answer)) == (404, missing)
    for path in ("/orders", "/topups", "/withdrawals"):
        assert stranger.get(path).json["data"] == []
        assert stranger.get(f"{path}?user_id={market.buyer}").status_code in {400, 403}
    buyer = market.api.with_scopes("admin").token(user_id=market.buyer)
    assert buyer.get(f"/orders/{order_id}").status_code == 200
    assert order_id in [order["id"] for order in buyer.get("/orders").json["data"]]
    assert buyer.get(f"/orders/{order_id}/milestones").json["data"] == {"milestones": []}


def test_what_is_not_there_is_said_with_its_code(market: Market) -> None:
    """In both forms: a well-formed id that nothing has, and rubbish in its place."""
    wrong = []
    for row in CLOSED:
        if "{" not in row.path:
            continue
        rubbish = Row(row.method, _rubbish(row.path), row.scope, key=row.key, body=row.body,
                      query=row.query)  # fmt: skip
        for called in (row, rubbish):
            status, said, _ = _call(market.api, called)
            if (status, said) != (404, missing_code(row)):
                wrong.append((called.method, called.address, status, said))
    assert wrong == []


def test_a_required_key_is_demanded_and_a_bad_one_refused(market: Market) -> None:
    wrong = []
    for row in CLOSED:
        if row.method != "POST":
            continue
        plain = market.api.send("POST", row.address, body=row.body)
        demanded = plain.status_code == 400 and code(plain) == "MISSING_REQUIRED_FIELD"
        bad = market.api.send(
            "POST", row.address, body=row.body, headers={"Idempotency-Key": "k" * 256}
        )
        if demanded != (row.key == "required") and "{" in row.path:
            wrong.append((row.name, plain.status_code))
        empty = market.api.send("POST", row.address, body=row.body, headers={"Idempotency-Key": ""})
        if bad.status_code != 400 or empty.status_code != 400:
            wrong.append((row.name, bad.status_code, empty.status_code))
    assert wrong == []


def test_maintenance_blocks_the_changes_and_nothing_else(market: Market) -> None:
    maintenance.switch(market.world.ctx, enabled=True, message="Back soon.", retry_after_s=30)
    try:
        api, wrong = open_api(market.world), []  # a process notices within a second
        for row in ROWS:
            caller = api if row.scope != OPEN else api.with_key(None)
            status, said, details = _call(caller, row, body=not row.always)
            blocked = (status, said) == (503, "MAINTENANCE")
            expected = row.changes and not row.always and row.scope != OPEN
            if blocked != expected or (blocked and details != {"retry_after_s": 30}):
                wrong.append((row.name, status, said, details))
        assert wrong == []
    finally:
        maintenance.switch(market.world.ctx, enabled=False)


def _rubbish(path: str) -> str:
    start, end = path.index("{"), path.index("}")
    return f"{path[:start]}no-such-id{path[end + 1 :]}"
