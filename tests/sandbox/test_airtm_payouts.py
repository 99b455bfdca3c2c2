"""Payouts over real HTTP: refusals, life cycle, money, audit trail."""

import pytest

from tests.sandbox.airtm_world import payout_body, until

ALWAYS = {
    "id",
    "airtmUserId",
    "airtmUserEmail",
    "status",
    "grossAmount",
    "amount",
    "netAmount",
    "createdAt",
    "updatedAt",
}
OPTIONAL = {
    "code",
    "bulkPayoutId",
    "hash",
    "internalNote",
    "notes",
    "requireIdVerified",
    "airtmFee",
    "enterpriseFee",
    "reasonCode",
    "reasonDescription",
}


@pytest.fixture
def by_hand(control):
    """Payouts stay where they are until control moves them."""
    control.patch("/airtm/knobs", json={"payout_auto": False})


def test_creating_a_payout_reserves_its_money(airtm):
    response = airtm.post("/payouts", json=payout_body())
    body = response.json()
    assert response.status_code == 200
    assert set(body) >= ALWAYS
    assert set(body) <= ALWAYS | OPTIONAL
    assert (body["status"], body["code"]) == ("CREATED", "wd_1")
    assert airtm.get("/me/balance").json() == {"available": 980, "pending": 20}


def test_the_worked_example_of_fees(airtm, control):
    control.patch("/airtm/knobs", json={"payout_fee_bps": 526})
    body = airtm.post("/payouts", json=payout_body(amount=10.0, enterpriseFee=0.5)).json()
    assert (body["grossAmount"], body["amount"], body["netAmount"]) == (10, 9.5, 9)
    assert (body["enterpriseFee"], body["airtmFee"]) == (0.5, 0.5)
    assert airtm.get("/me/balance").json() == {"available": 990.5, "pending": 9.5}


def test_a_commit_answers_204_and_the_payout_completes_by_itself(airtm):
    payout = airtm.post("/payouts", json=payout_body()).json()
    commit = airtm.post(f"/payouts/{payout['id']}/commit")
    assert (commit.status_code, commit.content) == (204, b"")
    until(lambda: airtm.get("/payouts/by-code/wd_1").json()["status"] == "COMPLETED")
    assert airtm.get("/me/balance").json() == {"available": 980, "pending": 0}


def test_without_a_commit_nothing_happens(airtm):
    payout = airtm.post("/payouts", json=payout_body()).json()
    assert airtm.get(f"/payouts/{payout['id']}").json()["status"] == "CREATED"
    assert [event["newStatus"] for event in _events(airtm, payout)] == ["CREATED"]


def test_one_step_mode_creates_and_commits(airtm, by_hand):
    assert airtm.post("/payouts", json=payout_body(commit=True)).json()["status"] == "COMMITTED"


def test_a_second_commit_is_refused_as_already_processed(airtm, by_hand):
    payout = airtm.post("/payouts", json=payout_body()).json()
    airtm.post(f"/payouts/{payout['id']}/commit")
    again = airtm.post(f"/payouts/{payout['id']}/commit")
    assert (again.status_code, again.json()["code"]) == (409, "415027")


def test_the_events_tell_every_status_with_the_balances(airtm):
    payout = airtm.post("/payouts", json=payout_body(commit=True)).json()
    until(lambda: airtm.get("/payouts/by-code/wd_1").json()["status"] == "COMPLETED")
    events = _events(airtm, payout)
    assert [(event["previousStatus"], event["newStatus"]) for event in events] == [
        (None, "CREATED"),
        ("CREATED", "COMMITTED"),
        ("COMMITTED", "PROCESSING"),
        ("PROCESSING", "COMPLETED"),
    ]
    assert [event["pendingBalance"] for event in events] == [20, 20, 20, 0]
    assert {event["operationType"] for event in events} == {"PAYOUT"}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"airtmUserEmail": "nobody@example.com"}, 404, "415059"),
        ({"airtmUserEmail": "inactive@example.com"}, 422, "415009"),
        ({"airtmUserEmail": "us@example.com", "amount": 0.99}, 422, "415058"),
        ({"amount": 1000.01}, 422, "415016"),
        ({"amount": 0}, 400, "415906"),
        ({"amount": 1.001}, 400, "415906"),
        ({"amount": "20.00"}, 400, "415906"),
        ({"enterpriseFee": 20}, 400, "415906"),
        ({"enterpriseFee": -1}, 400, "415906"),
        ({"notes": "x" * 256}, 400, "415906"),
        ({"notes": None}, 400, "415906"),
        ({"airtmUserEmail": "not an address"}, 400, "415906"),
        ({"commit": "yes"}, 400, "415906"),
        ({"requireIdVerified": True}, 400, "415906"),
        ({"destinationType": "bank"}, 400, "415906"),
        ({"description": "x"}, 400, "415906"),
    ],
)
def test_a_refused_payout_reserves_nothing(airtm, change, status, code):
    response = airtm.post("/payouts", json={**payout_body(), **change})
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert airtm.get("/me/balance").json() == {"available": 1000, "pending": 0}
    assert airtm.get("/payouts/by-code/wd_1").status_code == 404


def test_a_recipient_without_a_full_name_is_refused(airtm, control):
    control.post("/airtm/users", json={"email": "noname@example.com"})
    response = airtm.post("/payouts", json=payout_body(airtmUserEmail="noname@example.com"))
    assert (response.status_code, response.json()["code"]) == (422, "415103")


def test_one_dollar_to_the_united_states_is_enough(airtm):
    body = payout_body(airtmUserEmail="us@example.com", amount=1.0)
    assert airtm.post("/payouts", json=body).status_code == 200


def test_a_secondary_address_reaches_the_same_person(airtm):
    body = payout_body(airtmUserEmail="buyer.second@example.com")
    payout = airtm.post("/payouts", json=body).json()
    assert payout["airtmUserId"] == airtm.get("/users/buyer@example.com").json()["id"]


def test_a_code_can_be_used_once(airtm):
    airtm.post("/payouts", json=payout_body())
    again = airtm.post("/payouts", json=payout_body(amount=1.0))
    assert (again.status_code, again.json()["code"]) == (409, "415056")
    assert airtm.get("/me/balance").json()["pending"] == 20


def test_cancelling_before_the_commit_gives_the_money_back(airtm):
    payout = airtm.post("/payouts", json=payout_body()).json()
    assert airtm.delete(f"/payouts/{payout['id']}").json()["status"] == "CANCELED"
    assert airtm.get("/me/balance").json() == {"available": 1000, "pending": 0}
    again = airtm.delete(f"/payouts/{payout['id']}")
    assert (again.status_code, again.json()["code"]) == (409, "415055")


def test_a_payout_under_way_cannot_be_cancelled(airtm, by_hand):
    payout = airtm.post("/payouts", json=payout_body(commit=True)).json()
    cancel = airtm.delete(f"/payouts/{payout['id']}")
    assert (cancel.status_code, cancel.json()["code"]) == (409, "415055")


@pytest.mark.parametrize(("action", "status"), [("fail", "FAILED"), ("cancel", "CANCELED")])
def test_a_payout_that_ends_badly_gives_the_money_back_once(
    airtm, control, by_hand, action, status
):
    airtm.post("/payouts", json=payout_body(commit=True))
    assert control.post(f"/payouts/wd_1/{action}", json={}).json()["status"] == status
    assert airtm.get("/me/balance").json() == {"available": 1000, "pending": 0}
    assert control.post(f"/payouts/wd_1/{action}", json={}).status_code == 409
    assert control.post("/payouts/wd_1/complete").status_code == 409
    assert airtm.get("/me/balance").json() == {"available": 1000, "pending": 0}


def test_a_failure_carries_its_reason_as_text_or_number(airtm, control, by_hand):
    airtm.post("/payouts", json=payout_body(commit=True))
    control.post("/payouts/wd_1/fail", json={"reason_code": "415064", "reason": "AML"})
    payout = airtm.get("/payouts/by-code/wd_1").json()
    assert (payout["reasonCode"], payout["reasonDescription"]) == ("415064", "AML")
    control.patch("/airtm/knobs", json={"reason_code_as_number": True})
    assert airtm.get("/payouts/by-code/wd_1").json()["reasonCode"] == 415064


def test_more_than_a_thousand_received_waits_for_an_unverified_recipient(airtm, control):
    control.post("/airtm/balance/credit", json={"amount": "1000.00"})
    body = payout_body(airtmUserEmail="unverified@example.com", amount=1500.0, commit=True)
    payout = airtm.post("/payouts", json=body).json()
    until(lambda: airtm.get("/payouts/by-code/wd_1").json()["status"] == "PENDING")
    assert airtm.get("/me/balance").json() == {"available": 500, "pending": 1500}
    changed = control.patch("/airtm/users/unverified@example.com", json={"is_verified": True})
    assert changed.json()["resumed_payouts"] == 1
    until(lambda: airtm.get(f"/payouts/{payout['id']}").json()["status"] == "COMPLETED")


def test_a_pending_payout_can_be_cancelled_by_us(airtm, control):
    control.post("/airtm/balance/credit", json={"amount": "1000.00"})
    body = payout_body(airtmUserEmail="unverified@example.com", amount=1500.0, commit=True)
    payout = airtm.post("/payouts", json=body).json()
    until(lambda: airtm.get("/payouts/by-code/wd_1").json()["status"] == "PENDING")
    assert airtm.delete(f"/payouts/{payout['id']}").json()["status"] == "CANCELED"
    assert airtm.get("/me/balance").json() == {"available": 2000, "pending": 0}


def test_a_pending_payout_is_cancelled_by_airtm_after_the_configured_days(airtm, control):
    control.post("/airtm/balance/credit", json={"amount": "1000.00"})
    body = payout_body(airtmUserEmail="unverified@example.com", amount=1500.0, commit=True)
    airtm.post("/payouts", json=body)
    until(lambda: airtm.get("/payouts/by-code/wd_1").json()["status"] == "PENDING")
    control.post("/clock/advance", json={"seconds": 90 * 86_400 + 60})
    until(lambda: airtm.get("/payouts/by-code/wd_1").json()["status"] == "CANCELED")
    assert airtm.get("/me/balance").json() == {"available": 2000, "pending": 0}


def test_an_address_without_an_account_can_be_made_to_wait_for_one(airtm, control):
    control.patch("/airtm/knobs", json={"payout_to_unknown_email": True})
    body = payout_body(airtmUserEmail="new@example.com", commit=True)
    airtm.post("/payouts", json=body)
    until(lambda: airtm.get("/payouts/by-code/wd_1").json()["status"] == "PENDING")
    payout = airtm.get("/payouts/by-code/wd_1").json()
    assert payout["reasonCode"] == "415912"
    assert airtm.get("/users/new@example.com").status_code == 404
    created = control.post("/airtm/users", json={"email": "new@example.com"})
    assert created.json()["id"] == payout["airtmUserId"]
    control.post("/payouts/wd_1/complete")
    assert airtm.get("/payouts/by-code/wd_1").json()["status"] == "COMPLETED"


def test_a_bounced_payout_comes_back_once_as_a_refunded_deposit(airtm, control):
    payout = airtm.post("/payouts", json=payout_body(commit=True)).json()
    assert control.post("/payouts/wd_1/bounce").status_code == 409
    until(lambda: airtm.get("/payouts/by-code/wd_1").json()["status"] == "COMPLETED")
    deposit_id = control.post("/payouts/wd_1/bounce").json()["deposit_id"]
    deposit = airtm.get(f"/deposits/{deposit_id}").json()
    assert (deposit["type"], deposit["amount"]) == ("refunded", 20)
    assert deposit["refundedPayoutId"] == payout["id"]
    assert airtm.get("/payouts/by-code/wd_1").json()["status"] == "COMPLETED"
    assert control.post("/payouts/wd_1/bounce").status_code == 409
    assert airtm.get("/me/balance").json() == {"available": 1000, "pending": 0}


def test_any_status_name_can_be_shown_while_the_money_stays_held(airtm, control, by_hand):
    airtm.post("/payouts", json=payout_body(commit=True))
    for status in ("PENDING_USER_ACTION", "BRIDGE_FAILED", "ERROR", "NEVER_HEARD_OF"):
        control.post("/payouts/wd_1/status", json={"status": status})
        assert airtm.get("/payouts/by-code/wd_1").json()["status"] == status
    assert airtm.get("/me/balance").json() == {"available": 980, "pending": 20}
    assert control.post("/payouts/wd_1/complete").json()["status"] == "COMPLETED"


def test_an_unknown_payout_is_not_found(airtm):
    for path in ("/payouts/x", "/payouts/by-code/x", "/payouts/x/events"):
        response = airtm.get(path)
        assert (response.status_code, response.json()["code"]) == (404, "415005")


def test_payouts_can_be_listed_oldest_first(airtm):
    for number in range(3):
        airtm.post("/payouts", json=payout_body(code=f"wd_{number}", amount=1.0))
    items = airtm.get("/payouts?order=asc&status=CREATED").json()["items"]
    assert [item["code"] for item in items] == ["wd_0", "wd_1", "wd_2"]


def _events(airtm, payout) -> list[dict]:
    return airtm.get(f"/payouts/{payout['id']}/events").json()
