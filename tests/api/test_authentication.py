"""Who gets in, with what, and what strangers are told."""

import time
from dataclasses import replace

import pytest

from offerhub.domain import ids
from offerhub.services import api_keys, tokens
from offerhub.store import api_keys as key_store
from offerhub.store.database import atomic
from tests.api.caller import Caller, code, fields, open_api
from tests.services.world import World

SOMEBODY = ids.new_id(ids.USER)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "bearer a b", "ohk_test_x", "Bearer\t"],
)
def test_a_request_without_credentials_is_unauthorized(api: Caller, header: str) -> None:
    answer = api.with_key(None).get("/users", Authorization=header)
    assert (answer.status_code, code(answer)) == (401, "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_wrong_credentials_are_refused_alike(api: Caller) -> None:
    assert api.key is not None
    last = "A" if api.key[-1] != "A" else "B"
    wrong = [
        "x" * 50,
        api.key[:-1] + last,
        api.key[:-1],
        api.key + "A",
        api.key.replace("ohk_test_", "ohk_live_"),
        f"ohk_test_{'a' * 21}_{'b' * 43}",
        "ohk_tok_",
        "ohk_tok_e30.AAAA",
        "ohk_tok_\u00e9.\u00e9",
    ]
    for key in wrong:
        answer = api.with_key(key).get("/users")
        assert (answer.status_code, code(answer)) == (401, "INVALID_API_KEY"), key
        assert answer.json["error"]["details"] == {}


def test_credentials_are_asked_for_before_anything_else_is_said(api: Caller) -> None:
    stranger = api.with_key(None)
    for answer in (
        stranger.get(f"/users/{SOMEBODY}"),
        stranger.get("/users?limit=nonsense"),
        stranger.post("/orders", {"amount": 1}),
        stranger.post("/orders", {"amount": 1}, key=None),
        stranger.send("POST", "/orders", raw=b"{broken", headers={"Content-Type": "text/plain"}),
    ):
        assert (answer.status_code, code(answer)) == (401, "UNAUTHORIZED")


def test_the_scheme_may_be_written_in_any_case(api: Caller) -> None:
    assert api.with_key(None).get("/me", Authorization=f"bEaReR {api.key}").status_code == 200


@pytest.mark.parametrize(
    ("scope", "method", "path", "allowed"),
    [
        ("read", "GET", "/users", True),
        ("read", "POST", "/users", False),
        ("read", "GET", "/auth/api-keys", False),
        ("write", "POST", "/users", True),
        ("write", "GET", "/users", False),
        ("support", "GET", "/users", False),
        ("support", "GET", "/me", True),
        ("admin", "GET", "/users", True),
        ("admin", "POST", "/users", True),
        ("admin", "GET", "/auth/api-keys", True),
    ],
)
def test_a_scope_opens_its_routes_and_no_others(
    api: Caller, scope: str, method: str, path: str, allowed: bool
) -> None:
    caller = api.with_scopes(scope)
    body = {"external_user_id": "x", "type": "BUYER"} if method == "POST" else None
    answer = caller.send(method, path, body=body)
    assert (answer.status_code < 400) is allowed
    if not allowed:
        assert (answer.status_code, code(answer)) == (403, "INSUFFICIENT_SCOPE")
        details = answer.json["error"]["details"]
        assert details["current_scopes"] == [scope]
        assert details["required_scope"] in {"read", "write", "admin"}


def test_a_new_key_works_and_shows_its_secret_once(api: Caller) -> None:
    made = api.made("/auth/api-keys", {"name": "backend", "scopes": ["write", "read"]})
    assert made["key"].startswith("ohk_test_")
    assert made["scopes"] == ["read", "write"]
    me = api.with_key(made["key"]).get("/me").json["data"]
    assert (me["key_id"], me["name"], me["type"]) == (made["id"], "backend", "api_key")
    listed = api.get("/auth/api-keys").json["data"]
    assert listed[0]["id"] == made["id"]
    assert made["key"].rsplit("_", 1)[1] not in str(listed)


def test_a_key_whose_parts_hold_underscores_and_dashes_is_read_rightly(api: Caller) -> None:
    for _ in range(40):
        made = api_keys.create_key(api.world.ctx, name="k", scopes_wanted=["read"])
        secret = made["key"].removeprefix("ohk_test_")[22:]
        if secret[0] in "_-" or "_" in made["id"].removeprefix("key_"):
            break
    assert api.with_key(made["key"]).get("/me").json["data"]["key_id"] == made["id"]


def test_revocation_ends_a_key_and_its_tokens_at_once(api: Caller) -> None:
    other = api.with_scopes("read")
    token = other.token()
    assert token.get("/me").status_code == 200
    assert api.delete(f"/auth/api-keys/{other.key_id}").status_code == 204
    assert api.delete(f"/auth/api-keys/{other.key_id}").status_code == 204
    assert code(other.get("/me")) == "INVALID_API_KEY"
    assert code(token.get("/me")) == "INVALID_API_KEY"
    assert api.get("/auth/api-keys").json["data"][0]["revoked_at"] is not None


def test_an_expired_key_is_refused(api: Caller) -> None:
    ctx = api.world.ctx
    made = api_keys.create_key(
        ctx, name="short", scopes_wanted=["read"], expires_at_ms=ctx.now_ms() + 400
    )
    caller = api.with_key(made["key"])
    assert caller.get("/me").json["data"]["expires_at"] == made["expires_at"]
    time.sleep(0.45)
    assert code(caller.get("/me")) == "INVALID_API_KEY"


def test_an_expiry_in_the_past_is_refused(api: Caller) -> None:
    body = {"name": "k", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"}
    answer = api.post("/auth/api-keys", body)
    assert fields(answer) == {"expires_at": "The expiry must be in the future."}


def test_the_database_holds_no_secret_of_a_key(api: Caller) -> None:
    with atomic():
        row = key_store.get(str(api.key_id))
    assert row is not None
    secret = str(api.key)[-43:]
    assert secret not in str(row.__data__)
    assert len(row.secret_hash) == 64


def test_last_used_at_is_kept_and_not_with_every_request(api: Caller) -> None:
    def last_used() -> object:
        return api.get("/auth/api-keys").json["data"][0]["last_used_at"]

    api.get("/me")
    first = api.world.until(last_used)
    time.sleep(0.3)
    assert last_used() == first


def test_the_master_key_makes_the_first_admin_key_and_nothing_else(world: World) -> None:
    api = open_api(world)
    api.delete(f"/auth/api-keys/{api.key_id}")
    master = api.with_key(world.environ["OFFERHUB_MASTER_KEY"])
    for answer in (master.get("/me"), master.get("/users"), master.get("/auth/api-keys")):
        assert (answer.status_code, code(answer)) == (403, "INSUFFICIENT_SCOPE")
    weak = master.post("/auth/api-keys", {"name": "first", "scopes": ["read"]})
    assert fields(weak) == {"scopes": "The first key must have the admin scope."}
    made = master.made("/auth/api-keys", {"name": "first", "scopes": ["admin"]})
    assert api.with_key(made["key"]).get("/users").status_code == 200
    again = master.post("/auth/api-keys", {"name": "second", "scopes": ["admin"]})
    assert (again.status_code, code(again)) == (403, "INSUFFICIENT_SCOPE")


def test_a_token_carries_the_scopes_of_its_key_or_less(api: Caller) -> None:
    key = api.with_scopes("read", "write")
    assert key.token().get("/me").json["data"]["scopes"] == ["read", "write"]
    reader = key.token(scopes=["read"], ttl_seconds=60)
    assert reader.get("/users").status_code == 200
    assert code(reader.post("/users", {"external_user_id": "x", "type": "BUYER"})) == (
        "INSUFFICIENT_SCOPE"
    )
    wider = key.post(f"/auth/api-keys/{key.key_id}/token", {"scopes": ["admin"]})
    assert (wider.status_code, code(wider)) == (403, "INSUFFICIENT_SCOPE")


def test_a_key_mints_for_itself_and_an_admin_for_any(api: Caller) -> None:
    one, other = api.with_scopes("read"), api.with_scopes("read")
    refused = one.post(f"/auth/api-keys/{other.key_id}/token", {})
    assert refused.json["error"]["details"]["required_scope"] == "admin"
    assert api.post(f"/auth/api-keys/{one.key_id}/token", {}).status_code == 201
    assert code(api.post(f"/auth/api-keys/{ids.new_id(ids.API_KEY)}/token", {})) == (
        "API_KEY_NOT_FOUND"
    )


def test_a_token_cannot_mint_another(api: Caller) -> None:
    token = api.token()
    answer = token.post(f"/auth/api-keys/{api.key_id}/token", {})
    assert (answer.status_code, code(answer)) == (403, "INSUFFICIENT_SCOPE")


@pytest.mark.parametrize("ttl", [59, 3601, 0, -1, 1.5, "900", True])
def test_a_token_lives_between_a_minute_and_an_hour(api: Caller, ttl: object) -> None:
    answer = api.post(f"/auth/api-keys/{api.key_id}/token", {"ttl_seconds": ttl})
    assert (answer.status_code, set(fields(answer))) == (400, {"ttl_seconds"})


def test_a_token_never_outlives_its_key(api: Caller) -> None:
    ctx = api.world.ctx
    made = api_keys.create_key(
        ctx, name="short", scopes_wanted=["read"], expires_at_ms=ctx.now_ms() + 90_000
    )
    answer = api.post(f"/auth/api-keys/{made['id']}/token", {"ttl_seconds": 3600})
    assert answer.json["data"]["expires_at"] == made["expires_at"]


def test_an_altered_or_foreign_token_is_refused(api: Caller) -> None:
    token = str(api.token().key)
    payload, signature = token.removeprefix(tokens.PREFIX).split(".")
    foreign = tokens.TokenSigner(secret="s" * 32, marketplace_id="mkt_other")
    claims = tokens.Claims("t", str(api.key_id), 1, ("admin",), None, 2**45)
    for altered in (
        f"{tokens.PREFIX}{payload[:-2]}AA.{signature}",
        f"{tokens.PREFIX}{payload}.{signature[:-2]}AA",
        f"{tokens.PREFIX}{payload}",
        f"{tokens.PREFIX}.{signature}",
        foreign.sign(claims),
    ):
        assert code(api.with_key(altered).get("/me")) == "INVALID_API_KEY"


def test_a_token_for_another_marketplace_with_the_same_secret_is_refused(world: World) -> None:
    api = open_api(world)
    elsewhere = tokens.TokenSigner(
        secret=world.environ["OFFERHUB_TOKEN_SECRET"], marketplace_id="mkt_elsewhere"
    )
    claims = tokens.Claims("t", str(api.key_id), 1, ("admin",), None, 2**45)
    assert code(api.with_key(elsewhere.sign(claims)).get("/me")) == "INVALID_API_KEY"


class TestTokensBoundToAUser:
    """They read that user's resources and events, and nothing else."""

    def test_it_reads_its_users_resources(self, api: Caller) -> None:
        ana = api.user("ana")
        token = api.token(user_id=ana)
        me = token.get("/me").json["data"]
        assert (me["type"], me["user_id"], me["scopes"]) == ("token", ana, ["read"])
        for path in (
            f"/users/{ana}",
            f"/users/{ana}/balance",
            f"/users/{ana}/ledger",
            f"/users/{ana}/wallet",
            f"/users/{ana}/wallet/deposit",
            "/config",
            "/orders",
            "/topups",
            "/withdrawals",
            "/events",
        ):
            assert token.get(path).status_code == 200, path

    def test_others_are_not_there_for_it(self, api: Caller) -> None:
        ana, bob = api.user("ana"), api.user("bob")
        token = api.token(user_id=ana)
        for path in (f"/users/{bob}", f"/users/{bob}/balance", f"/users/{bob}/wallet/deposit"):
            assert code(token.get(path)) == "USER_NOT_FOUND"
        for path in ("/topups", "/withdrawals", "/events"):
            answer = token.get(f"{path}?user_id={bob}")
            assert (answer.status_code, code(answer)) == (403, "INSUFFICIENT_SCOPE")

    def test_it_sees_only_orders_of_its_user(self, api: Caller) -> None:
        ana, bob, cyd = api.user("ana"), api.user("bob"), api.user("cyd")
        terms = {"amount": "10.00", "title": "t"}
        hers = api.made("/orders", {"buyer_id": ana, "seller_id": bob, **terms})["id"]
        theirs = api.made("/orders", {"buyer_id": bob, "seller_id": cyd, **terms})["id"]
        token = api.token(user_id=ana)
        assert [o["id"] for o in token.get("/orders").json["data"]] == [hers]
        assert token.get(f"/orders?seller_id={cyd}").json["data"] == []
        assert token.get(f"/orders/{hers}").status_code == 200
        assert code(token.get(f"/orders/{theirs}")) == "ORDER_NOT_FOUND"

    def test_it_changes_nothing_and_lists_nobody(self, api: Caller) -> None:
        ana = api.user("ana")
        token = api.token(user_id=ana)
        for answer in (
            token.get("/users"),
            token.get("/auth/api-keys"),
            token.post("/users", {"external_user_id": "x", "type": "BUYER"}),
            token.post("/orders", {}),
            token.post(f"/users/{ana}/airtm/link", {"email": "a@example.com"}),
            token.post(f"/auth/api-keys/{api.key_id}/token", {}),
        ):
            assert (answer.status_code, code(answer)) == (403, "INSUFFICIENT_SCOPE")

    def test_it_cannot_be_made_with_more_than_reading(self, api: Caller) -> None:
        ana = api.user("ana")
        path = f"/auth/api-keys/{api.key_id}/token"
        wide = api.post(path, {"user_id": ana, "scopes": ["read", "write"]})
        assert set(fields(wide)) == {"scopes"}
        assert code(api.post(path, {"user_id": SOMEBODY})) == "USER_NOT_FOUND"


def test_keys_leave_audit_records_and_events_without_secrets(api: Caller) -> None:
    from offerhub.store.audit import AuditRecord
    from offerhub.store.events import Event

    made = api.made("/auth/api-keys", {"name": "backend", "scopes": ["read"]})
    api.delete(f"/auth/api-keys/{made['id']}")
    with atomic():
        records = list(AuditRecord.select().where(AuditRecord.resource_id == made["id"]))
        found = list(Event.select().where(Event.aggregate_id == made["id"]))
    assert [record.action for record in records] == ["api_key.created", "api_key.revoked"]
    assert [event.type for event in found] == ["key.created", "key.revoked"]
    assert records[0].actor_id == api.key_id
    assert records[0].ip == api.address
    text = str([record.__data__ for record in records]) + str([e.__data__ for e in found])
    assert made["key"][-43:] not in text


def test_the_address_is_the_clients_only_when_the_proxy_is_trusted(world: World) -> None:
    from offerhub.store.audit import AuditRecord

    for hops, expected in ((0, "10.0.0.9"), (1, "203.0.113.5")):
        caller = replace(open_api(world, trusted_proxies=hops), address="10.0.0.9")
        forged = "192.0.2.66, 203.0.113.5"
        body = {"name": f"hops-{hops}", "scopes": ["read"]}
        made = caller.made("/auth/api-keys", body, X_Forwarded_For=forged)
        with atomic():
            record = AuditRecord.get(AuditRecord.resource_id == made["id"])
        assert record.ip == expected
