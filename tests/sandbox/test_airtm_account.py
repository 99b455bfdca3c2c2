"""The enterprise account, users, credentials and limits over real HTTP."""

import httpx
import pytest
from flask import Flask

from offerhub.sandbox.airtm.blueprint import airtm_blueprint
from offerhub.sandbox.airtm.rate_limit import RateLimit
from tests.sandbox.airtm_world import KEY, SECRET, payin_body


def test_me_is_a_cheap_check_that_needs_the_credentials(airtm):
    body = airtm.get("/me").json()
    assert set(body) == {"id", "cancelPendingPayoutsAfterDays", "payoutRequireIdVerification"}
    assert body["cancelPendingPayoutsAfterDays"] == 90


@pytest.mark.parametrize(
    "auth", [None, ("test-key", "wrong"), ("wrong", "test-secret"), ("", ""), ("test-key", "")]
)
@pytest.mark.parametrize("path", ["/me", "/payins", "/no/such/path"])
def test_wrong_credentials_are_401_on_every_path(sandbox, auth, path):
    response = httpx.get(sandbox.airtm_base_url + path, auth=auth)
    assert (response.status_code, response.json()["code"]) == (401, "415904")


def test_a_bearer_token_is_not_a_credential(sandbox):
    response = httpx.get(sandbox.airtm_base_url + "/me", headers={"authorization": "Bearer x"})
    assert response.status_code == 401


@pytest.mark.parametrize("path", ["/users/by-email/a@example.com", "/payins/x/cancel", "/nothing"])
def test_paths_that_airtm_does_not_have_are_not_found(airtm, path):
    assert airtm.post(path, json={}).status_code == 404


def test_the_eleventh_call_in_a_second_is_refused_and_has_no_effect(sandbox, control):
    control.patch("/airtm/knobs", json={"enforce_rate_limits": True})
    now_s = [100.0]
    blueprint = airtm_blueprint(
        sandbox.airtm, key=KEY, secret=SECRET, limit=RateLimit(lambda: now_s[0])
    )
    app = Flask("limited")
    app.register_blueprint(blueprint)

    def create(number: int) -> int:
        body = payin_body(code=f"topup_{number}")
        return app.test_client().post("/payins", json=body, auth=(KEY, SECRET)).status_code

    assert [create(number) for number in range(11)] == [200] * 10 + [429]
    now_s[0] += 0.99
    assert create(11) == 429
    now_s[0] += 0.02
    assert create(12) == 200
    codes = {row["code"] for row in sandbox.store.query("SELECT code FROM airtm_payins")}
    assert codes == {f"topup_{number}" for number in (*range(10), 12)}


def test_the_limit_is_a_knob_and_does_not_count_wrong_credentials(sandbox, control, airtm):
    control.patch("/airtm/knobs", json={"enforce_rate_limits": True})
    for _ in range(15):
        assert httpx.get(sandbox.airtm_base_url + "/me").status_code == 401
    control.patch("/airtm/knobs", json={"enforce_rate_limits": False})
    assert {airtm.get("/me").status_code for _ in range(15)} == {200}


def test_a_user_is_found_by_any_address_and_any_case(airtm):
    primary = airtm.get("/users/buyer@example.com").json()
    second = airtm.get("/users/Buyer.Second@Example.com").json()
    assert primary == {
        "id": second["id"],
        "status": "active",
        "primaryEmail": True,
        "isVerified": True,
        "firstName": "Example",
        "lastName": "Buyer",
        "country": "MEX",
    }
    assert second["primaryEmail"] is False


def test_a_plus_in_an_address_matters(airtm, control):
    control.post("/airtm/users", json={"email": "ana+shop@example.com"})
    assert airtm.get("/users/ana%2Bshop@example.com").status_code == 200
    assert airtm.get("/users/ana@example.com").status_code == 404


def test_the_seed_users_play_their_roles(airtm):
    assert airtm.get("/users/seller@example.com").json()["status"] == "active"
    assert airtm.get("/users/inactive@example.com").json()["status"] == "inactive"
    assert airtm.get("/users/unverified@example.com").json()["isVerified"] is False
    assert airtm.get("/users/us@example.com").json()["country"] == "USA"


def test_an_unknown_user_is_415059(airtm):
    response = airtm.get("/users/nobody@example.com")
    assert (response.status_code, response.json()["code"]) == (404, "415059")


def test_a_deposit_is_listed_with_the_balance_it_left(airtm, control):
    created = control.post("/airtm/balance/credit", json={"amount": "12.34"})
    assert created.json()["available"] == "1012.34"
    newest = airtm.get("/deposits").json()["items"][0]
    assert newest["id"] == created.json()["deposit_id"]
    assert (newest["type"], newest["amount"], newest["availableBalance"]) == (
        "funding",
        12.34,
        1012.34,
    )
    assert airtm.get(f"/deposits/{newest['id']}").json() == newest
    assert airtm.get("/deposits/unknown").json()["code"] == "415902"


def test_the_balance_can_be_set_without_a_deposit(airtm, control):
    before = airtm.get("/deposits").json()
    assert control.put("/airtm/balance", json={"available": "0.05"}).status_code == 200
    assert airtm.get("/me/balance").json() == {"available": 0.05, "pending": 0}
    assert airtm.get("/deposits").json() == before
