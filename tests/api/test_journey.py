"""One order over HTTP, with every answer held to the description."""

from tests.api.caller import Caller
from tests.services.world import BUYER_EMAIL


def test_an_order_runs_from_topup_to_release_over_http(api: Caller) -> None:
    world = api.world
    world.set_up()
    buyer, seller = api.user("buyer", "BUYER"), api.user("seller", "SELLER")
    world.drain()
    linked = api.made(f"/users/{buyer}/airtm/link", {"email": BUYER_EMAIL})
    assert linked["airtm"]["verified"] in {True, False}

    topup = api.made(
        "/topups",
        {
            "user_id": buyer,
            "amount": "100.00",
            "return_url": "https://shop.example/done?cart=1",
            "cancel_url": "https://shop.example/cart",
            "metadata": {"cart": 7},
        },
    )
    assert topup["confirmation_url"] is None
    world.drain()
    topup = api.get(f"/topups/{topup['id']}").json["data"]
    assert topup["status"] == "TOPUP_AWAITING_USER_CONFIRMATION"
    assert topup["confirmation_url"]
    landed = api.with_key(None).get(f"/topups/{topup['id']}/return")
    assert landed.status_code == 303
    assert landed.headers["Location"].startswith("https://shop.example/done?cart=1&")
    world.control("POST", f"/payins/{topup['airtm_payin_id']}/pay", email=BUYER_EMAIL)
    world.until(lambda: world._settled(topup["id"]))
    net = api.get(f"/topups/{topup['id']}").json["data"]["net_amount"]
    assert api.get(f"/users/{buyer}/balance").json["data"]["available"] == net
    assert api.get(f"/users/{buyer}/ledger").json["data"][0]["subject_id"] == topup["id"]

    order = api.made(
        "/orders",
        {"buyer_id": buyer, "seller_id": seller, "amount": "40.00", "title": "Logo design"},
    )
    path = f"/orders/{order['id']}"
    assert api.made(f"{path}/reserve")["status"] == "FUNDS_RESERVED"
    assert api.made(f"{path}/escrow")["status"] == "ESCROW_CREATING"
    world.drain()
    assert api.made(f"{path}/escrow/fund")["status"] == "ESCROW_FUNDING"
    world.drain()
    assert api.made(f"{path}/release", {"reason": "done"})["status"] == "RELEASE_REQUESTED"
    world.drain()
    order = api.get(path).json["data"]
    assert (order["status"], order["resolution"]) == ("CLOSED", "RELEASED")
    assert order["escrow"]["status"] == "RELEASED"
    assert {entry["event_type"] for entry in order["timeline"]} >= {
        "order.created",
        "order.funds_reserved",
        "order.closed",
        "escrow.funded",
    }

    outside = world.control("POST", "/stellar/outside-account")["address"]
    withdrawal = api.made(
        "/withdrawals",
        {
            "user_id": seller,
            "amount": "10.00",
            "destination_type": "CRYPTO",
            "destination_ref": outside,
        },
    )
    world.drain()
    shown = api.get(f"/withdrawals/{withdrawal['id']}").json["data"]
    assert shown["status"] == "WITHDRAWAL_COMPLETED"
    for listing in ("/users", "/topups", "/orders", "/withdrawals"):
        assert api.get(f"{listing}?limit=1").json["data"]
    world.check()
