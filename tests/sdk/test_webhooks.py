"""Webhook endpoints, their deliveries, and the comparison of a wallet, over the wire."""

from tests.sdk.samples import NOW, balance, delivery, endpoint


def test_a_new_endpoint_gives_its_secret_and_keeps_it_out_of_its_repr(script, client) -> None:
    script.data(endpoint(secret="whsec_verysecret"), status=201)
    made = client.webhooks.create(url="https://shop.example/hooks", events=("order.*",))
    assert (made.id, made.secret, made.events) == ("whe_1", "whsec_verysecret", ("order.*",))
    assert "verysecret" not in repr(made)
    seen = script.seen[0]
    assert (seen.method, seen.path) == ("POST", "/api/v1/webhook-endpoints")
    assert seen.body == {"url": "https://shop.example/hooks", "events": ["order.*"]}
    assert seen.headers["idempotency-key"]


def test_endpoints_are_listed_changed_and_forgotten(script, client) -> None:
    script.data([endpoint(id="whe_2")], next_cursor="c2").data([endpoint()])
    script.data(endpoint()).data(endpoint(enabled=True)).answer(204, b"")
    assert [one.id for one in client.webhooks.iterate()] == ["whe_2", "whe_1"]
    assert client.webhooks.get("whe_1").url == "https://shop.example/hooks"
    client.webhooks.update("whe_1", enabled=True, events=["*"])
    client.webhooks.delete("whe_1")
    path = "/api/v1/webhook-endpoints/whe_1"
    assert [(s.method, s.path, s.body) for s in script.seen[2:]] == [
        ("GET", path, None),
        ("PATCH", path, {"enabled": True, "events": ["*"]}),
        ("DELETE", path, None),
    ]


def test_an_endpoint_can_be_switched_off(script, client) -> None:
    script.data(endpoint(enabled=False))
    assert client.webhooks.update("whe_1", enabled=False).enabled is False
    assert script.seen[0].body == {"enabled": False}


def test_samples_and_new_secrets_reach_their_routes(script, client) -> None:
    script.data({"accepted": False, "status_code": 500, "error": "500"})
    script.data(endpoint(secret="whsec_b"))
    came_back = client.webhooks.test("whe_1")
    assert (came_back.accepted, came_back.status_code) == (False, 500)
    assert client.webhooks.rotate_secret("whe_1").secret == "whsec_b"
    assert [s.path.rpartition("/")[2] for s in script.seen] == ["test", "rotate-secret"]


def test_failed_deliveries_are_found_and_sent_again(script, client) -> None:
    script.data([delivery()]).data(delivery(status="PENDING", attempts=0), status=202)
    (failed,) = client.webhooks.iterate_deliveries("whe_1", status="FAILED")
    assert (failed.attempts, failed.last_status_code, failed.next_attempt_at) == (10, 500, None)
    assert client.webhooks.replay(failed.id, idempotency_key="again-1").status == "PENDING"
    asked, replayed = script.seen
    assert asked.path == "/api/v1/webhook-endpoints/whe_1/deliveries"
    assert asked.query == {"limit": "100", "status": "FAILED"}
    assert replayed.path == "/api/v1/webhook-deliveries/whd_1/replay"
    assert replayed.headers["idempotency-key"] == "again-1"


def test_a_wallet_is_compared_with_the_chain(script, client) -> None:
    wallet = {
        "place": "GABC", "ours": "12.34", "ours_exact": "12.3456789", "theirs": None,
        "theirs_exact": None, "same": False, "settled": True, "error": "unavailable",
    }  # fmt: skip
    script.data(balance(wallet=wallet))
    synced = client.users.sync_balance("usr_1")
    assert (synced.available, synced.wallet.theirs) == ("12.34", None)
    assert script.seen[0].path == "/api/v1/users/usr_1/balance/sync"


def test_movements_on_chain_are_read_page_by_page(script, client) -> None:
    moved = {
        "id": "ldg_1.1", "kind": "deposit_credited", "direction": "IN", "amount": "5.00",
        "amount_exact": "5.0000000", "transfer_id": "ldg_1", "subject_type": "deposit",
        "subject_id": "dep_1", "transaction_hash": None, "created_at": NOW,
    }  # fmt: skip
    script.data([moved])
    (one,) = client.users.iterate_wallet_transactions("usr_1")
    assert (one.direction, one.amount, one.transaction_hash) == ("IN", "5.00", None)
    assert script.seen[0].path == "/api/v1/users/usr_1/wallet/transactions"
