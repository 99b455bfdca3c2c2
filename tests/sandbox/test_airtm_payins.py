"""Pay-ins over real HTTP: shape, refusals, life cycle, money."""

import json
from decimal import Decimal

import pytest

from offerhub.sandbox.knobs import AirtmKnobs
from tests.sandbox.airtm_world import airtm_client, control_client, payin_body, running, until

ALWAYS = {
    "id",
    "code",
    "status",
    "amount",
    "netAmount",
    "airtmFee",
    "description",
    "items",
    "confirmationUri",
    "cancelUri",
    "createdAt",
    "updatedAt",
}
OPTIONAL = {"hash", "airtmUserId", "airtmUserEmail", "failureReason"}


def test_a_payin_is_created_with_the_documented_members_and_status_200(airtm):
    response = airtm.post("/payins", json=payin_body())
    body = response.json()
    assert response.status_code == 200
    assert set(body) >= ALWAYS
    assert set(body) <= ALWAYS | OPTIONAL
    assert body["status"] == "CREATED"
    assert body["confirmationUri"] == "https://pay.shop.example/return"
    assert body["items"][0]["payinId"] == body["id"]
    assert "airtmUserId" not in body


def test_amounts_are_exact_json_numbers_on_the_wire(airtm):
    text = airtm.post("/payins", json=payin_body(amount=0.1)).text
    assert '"amount":0.1,' in text
    body = json.loads(text, parse_float=Decimal)
    assert body["amount"] == body["netAmount"] + body["airtmFee"] == Decimal("0.1")


def test_the_fee_is_rounded_half_up_to_the_cent(airtm):
    body = airtm.post("/payins", json=payin_body(amount=50.2)).json()
    assert (body["airtmFee"], body["netAmount"]) == (1.26, 48.94)


@pytest.mark.parametrize(
    "change",
    [
        {"currency": "USD"},
        {"destinationUserId": "x"},
        {"amount": "50.00"},
        {"amount": 50.001},
        {"amount": 0},
        {"amount": -1},
        {"amount": True},
        {"amount": 49.99},
        {"description": "x" * 251},
        {"description": ""},
        {"items": []},
        {"items": [{"description": "x", "amount": 50, "quantity": 0}]},
        {"items": [{"description": "x", "amount": 50, "quantity": 1, "sku": "1"}]},
        {"items": [{"description": "x", "amount": 25, "quantity": 1}]},
        {"confirmationUri": "/return"},
        {"cancelUri": "javascript:alert(1)"},
        {"code": None},
        {"code": 7},
    ],
)
def test_a_body_outside_the_schema_is_refused_as_invalid(airtm, change):
    response = airtm.post("/payins", json={**payin_body(), **change})
    assert response.status_code == 400
    assert response.json()["code"] == "415906"
    assert airtm.get("/payins/by-code/topup_1").status_code == 404


@pytest.mark.parametrize("missing", ["code", "amount", "items", "confirmationUri", "cancelUri"])
def test_a_required_member_that_is_missing_is_named(airtm, missing):
    body = payin_body()
    del body[missing]
    response = airtm.post("/payins", json=body)
    assert response.status_code == 400
    assert missing in response.json()["message"]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"amount": NaN}', b'"x"', b"\xff\xfe"])
def test_what_is_not_a_json_object_is_refused(airtm, raw):
    response = airtm.post("/payins", content=raw)
    assert response.status_code == 400
    assert response.json()["code"] in ("415901", "415906")


def test_a_huge_number_is_refused_and_costs_nothing(airtm):
    raw = json.dumps(payin_body()).replace("50.0", "1e999999999")
    response = airtm.post("/payins", content=raw.encode())
    assert (response.status_code, response.json()["code"]) == (400, "415906")


def test_items_with_quantities_have_to_add_up(airtm):
    items = [
        {"description": "a", "amount": 12.5, "quantity": 3},
        {"description": "b", "amount": 12.5, "quantity": 1},
    ]
    assert airtm.post("/payins", json=payin_body(items=items)).status_code == 200


def test_a_code_can_be_used_once_even_after_a_cancellation(airtm):
    first = airtm.post("/payins", json=payin_body()).json()
    again = airtm.post("/payins", json=payin_body())
    assert (again.status_code, again.json()["code"]) == (409, "415029")
    airtm.delete(f"/payins/{first['id']}")
    assert airtm.post("/payins", json=payin_body()).json()["code"] == "415029"
    assert airtm.get("/payins/by-code/topup_1").json()["id"] == first["id"]


def test_paying_credits_the_net_amount_and_names_the_payer(airtm, control):
    airtm.post("/payins", json=payin_body())
    control.post("/payins/topup_1/pay", json={"email": "buyer@example.com"})
    payin = airtm.get("/payins/by-code/topup_1").json()
    assert payin["status"] == "CONFIRMED"
    assert payin["airtmUserEmail"] == "buyer@example.com"
    assert airtm.get("/users/buyer@example.com").json()["id"] == payin["airtmUserId"]
    assert airtm.get("/me/balance").json() == {"available": 1048.75, "pending": 0}


def test_a_confirmed_payin_can_be_neither_canceled_nor_paid_again(airtm, control):
    payin = airtm.post("/payins", json=payin_body()).json()
    control.post("/payins/topup_1/pay", json={})
    cancel = airtm.delete(f"/payins/{payin['id']}")
    assert (cancel.status_code, cancel.json()["code"]) == (409, "415032")
    again = control.post("/payins/topup_1/pay", json={})
    assert (again.status_code, again.json()["airtm_code"]) == (409, "415032")
    assert airtm.get("/me/balance").json()["available"] == 1048.75


def test_a_payin_that_is_processing_cannot_be_canceled_by_us(airtm, control):
    control.patch("/airtm/knobs", json={"payin_settle_delay_ms": 600_000})
    payin = airtm.post("/payins", json=payin_body()).json()
    assert control.post("/payins/topup_1/pay", json={}).json()["status"] == "PROCESSING"
    cancel = airtm.delete(f"/payins/{payin['id']}")
    assert (cancel.status_code, cancel.json()["code"]) == (409, "415030")
    assert airtm.get("/me/balance").json()["available"] == 1000
    assert control.post("/payins/topup_1/confirm").json()["status"] == "CONFIRMED"
    assert airtm.get("/me/balance").json()["available"] == 1048.75


def test_a_processing_payin_that_airtm_cancels_gives_the_payer_the_money_back(airtm, control):
    control.patch("/airtm/knobs", json={"payin_settle_delay_ms": 600_000})
    airtm.post("/payins", json=payin_body())
    before = _wallet(control, "buyer@example.com")
    control.post("/payins/topup_1/pay", json={})
    assert _wallet(control, "buyer@example.com") == before - 50
    assert control.post("/payins/topup_1/decline").json()["status"] == "CANCELED"
    assert _wallet(control, "buyer@example.com") == before


def test_a_payin_settles_by_itself_after_the_delay(airtm, control):
    control.patch("/airtm/knobs", json={"payin_settle_delay_ms": 50})
    airtm.post("/payins", json=payin_body())
    control.post("/payins/topup_1/pay", json={})
    until(lambda: airtm.get("/payins/by-code/topup_1").json()["status"] == "CONFIRMED")


def test_a_payer_in_the_united_states_is_refused_and_the_payin_stays_open(airtm, control):
    airtm.post("/payins", json=payin_body())
    refused = control.post("/payins/topup_1/pay", json={"email": "us@example.com"})
    assert (refused.status_code, refused.json()["airtm_code"]) == (422, "415053")
    assert airtm.get("/payins/by-code/topup_1").json()["status"] == "CREATED"


def test_a_payer_without_the_money_ends_the_payin_failed_with_a_reason(airtm, control):
    airtm.post("/payins", json=payin_body(amount=1000.01))
    payin = control.post("/payins/topup_1/pay", json={"email": "seller@example.com"}).json()
    assert payin["status"] == "FAILED"
    assert payin["failureReason"]
    assert airtm.get("/me/balance").json()["available"] == 1000


def test_a_late_payment_confirms_a_canceled_payin(airtm, control):
    payin = airtm.post("/payins", json=payin_body()).json()
    assert airtm.delete(f"/payins/{payin['id']}").json()["status"] == "CANCELED"
    assert control.post("/payins/topup_1/pay", json={}).status_code == 409
    late = control.post("/payins/topup_1/pay", json={"late": True})
    assert late.json()["status"] == "CONFIRMED"
    assert airtm.get("/me/balance").json()["available"] == 1048.75


def test_a_payin_lapses_after_fifteen_days(airtm, control):
    airtm.post("/payins", json=payin_body())
    control.post("/clock/advance", json={"seconds": 15 * 86_400 - 60})
    assert airtm.get("/payins/by-code/topup_1").json()["status"] == "CREATED"
    control.post("/clock/advance", json={"seconds": 120})
    until(lambda: airtm.get("/payins/by-code/topup_1").json()["status"] == "CANCELED")


def test_an_unknown_status_can_be_shown_and_is_left_by_the_next_action(airtm, control):
    airtm.post("/payins", json=payin_body())
    control.post("/payins/topup_1/status", json={"status": "SOMETHING_NEW"})
    assert airtm.get("/payins/by-code/topup_1").json()["status"] == "SOMETHING_NEW"
    refused = control.post("/payins/topup_1/status", json={"status": "CONFIRMED"})
    assert refused.status_code == 400
    assert control.post("/payins/topup_1/pay", json={}).json()["status"] == "CONFIRMED"


def test_an_unknown_payin_is_not_found(airtm):
    for path in ("/payins/8f6f3c0e-5d2b-4a1e-9c57-0d3a6b1f2e44", "/payins/by-code/none"):
        response = airtm.get(path)
        assert (response.status_code, response.json()["code"]) == (404, "415031")


def test_a_list_is_read_to_its_end_by_cursors(airtm):
    codes = [f"topup_{number}" for number in range(25)]
    for code in codes:
        airtm.post("/payins", json=payin_body(code=code, amount=1))
    seen, query = [], {"perPage": 10}
    for _ in range(10):
        page = airtm.get("/payins", params=query).json()
        if not page["items"]:
            assert "endCursor" not in page
            break
        seen += [item["code"] for item in page["items"]]
        query["after"] = page["endCursor"]
    assert seen == list(reversed(codes))


def test_paging_backwards_shows_the_neighbours_of_the_cursor(airtm):
    for number in range(25):
        airtm.post("/payins", json=payin_body(code=f"topup_{number}", amount=1))
    first = airtm.get("/payins", params={"perPage": 10}).json()
    second = airtm.get("/payins", params={"perPage": 10, "after": first["endCursor"]}).json()
    back = airtm.get("/payins", params={"perPage": 10, "before": second["startCursor"]}).json()
    assert back == first


@pytest.mark.parametrize(
    "query", ["perPage=9", "perPage=1001", "perPage=x", "after=!", "status=DONE", "order=up"]
)
def test_a_list_refuses_what_it_does_not_understand(airtm, query):
    response = airtm.get(f"/payins?{query}")
    assert (response.status_code, response.json()["code"]) == (400, "415906")


def test_a_list_can_be_filtered_by_status(airtm, control):
    for number in range(3):
        airtm.post("/payins", json=payin_body(code=f"topup_{number}", amount=1))
    control.post("/payins/topup_1/pay", json={})
    items = airtm.get("/payins?status=CONFIRMED").json()["items"]
    assert [item["code"] for item in items] == ["topup_1"]


def test_the_fee_is_a_seed():
    with (
        running(airtm_knobs=AirtmKnobs(payin_fee_bps=0)) as server,
        airtm_client(server) as airtm,
        control_client(server) as control,
    ):
        airtm.post("/payins", json=payin_body())
        control.post("/payins/topup_1/pay", json={})
        assert airtm.get("/me/balance").json()["available"] == 50


def _wallet(control, email: str) -> Decimal:
    people = control.get("/airtm/users").json()["users"]
    return Decimal(next(one["wallet"] for one in people if one["email"] == email))
