"""What goes over the wire: paths, bodies, keys, pages."""

import pytest

from offerhub.sdk import ConfigurationError, MilestoneSpec, OfferHub
from tests.sdk.samples import NOW, balance, order, user


def test_a_read_sends_the_key_and_no_idempotency_key(script, client) -> None:
    script.data(user())
    assert client.users.get("usr_1").wallet.address == "GABC"
    seen = script.seen[0]
    assert (seen.method, seen.path) == ("GET", "/api/v1/users/usr_1")
    assert seen.headers["authorization"] == "Bearer ohk_test_key_secret"
    assert "idempotency-key" not in seen.headers


def test_a_mutation_sends_its_body_without_absent_fields(script, client) -> None:
    script.data(order(), status=201)
    client.orders.create(
        buyer_id="usr_1",
        seller_id="usr_2",
        amount="100.00",
        title="A logo",
        milestones=[MilestoneSpec(milestone_ref="a", title="All", amount="100.00")],
    )
    assert script.seen[0].body == {
        "buyer_id": "usr_1",
        "seller_id": "usr_2",
        "amount": "100.00",
        "title": "A logo",
        "currency": "USD",
        "milestones": [{"milestone_ref": "a", "title": "All", "amount": "100.00"}],
    }


def test_each_call_makes_its_own_idempotency_key(script, client) -> None:
    script.data(order()).data(order())
    client.orders.reserve("ord_1")
    client.orders.reserve("ord_1")
    first, second = (seen.headers["idempotency-key"] for seen in script.seen)
    assert first != second


def test_the_callers_idempotency_key_is_used(script, client) -> None:
    script.data(order())
    client.orders.release("ord_1", idempotency_key="mine-1")
    assert script.seen[0].headers["idempotency-key"] == "mine-1"


def test_waiting_is_asked_for_by_preference(script, client) -> None:
    script.data(order())
    client.orders.create_escrow("ord_1", wait_s=5)
    assert script.seen[0].headers["prefer"] == "wait=5"
    assert script.seen[0].path == "/api/v1/orders/ord_1/escrow"


def test_actions_reach_their_routes(script, client) -> None:
    for _ in range(4):
        script.data(order())
    client.orders.reserve("ord_1", amount="100.00")
    client.orders.cancel("ord_1", reason="changed my mind", requested_by="BUYER")
    client.orders.fund_escrow("ord_1")
    client.orders.release("ord_1", requested_by="BUYER")
    assert [(seen.method, seen.path, seen.body) for seen in script.seen] == [
        ("POST", "/api/v1/orders/ord_1/reserve", {"amount": "100.00"}),
        (
            "POST",
            "/api/v1/orders/ord_1/cancel",
            {"reason": "changed my mind", "requested_by": "BUYER"},
        ),
        ("POST", "/api/v1/orders/ord_1/escrow/fund", {}),
        ("POST", "/api/v1/orders/ord_1/release", {"requested_by": "BUYER"}),
    ]


@pytest.mark.parametrize("bad", ["", "../auth", "usr_1/balance", "usr 1", "usr_ä", "a?b"])
def test_an_id_cannot_change_the_route(script, client, bad: str) -> None:
    with pytest.raises(ValueError, match="not an id"):
        client.users.get(bad)
    assert script.seen == []


def test_pages_are_followed_with_the_filters_kept(script, client) -> None:
    script.data([user(id="usr_1"), user(id="usr_2")], next_cursor="c2").data([user(id="usr_3")])
    assert [u.id for u in client.users.iterate(type="BUYER")] == ["usr_1", "usr_2", "usr_3"]
    assert [seen.query for seen in script.seen] == [
        {"limit": "100", "type": "BUYER"},
        {"limit": "100", "type": "BUYER", "cursor": "c2"},
    ]


def test_iterating_fetches_only_what_is_looked_at(script, client) -> None:
    script.data([user(id="usr_1")], next_cursor="c2")
    assert next(client.users.iterate()).id == "usr_1"
    assert len(script.seen) == 1


def test_the_end_of_a_list_has_no_next_page(script, client) -> None:
    script.data([user()])
    page = client.users.list()
    assert not page.has_more
    assert page.next_page() is None
    assert len(page) == 1


def test_a_revoked_key_answers_nothing(script, client) -> None:
    script.answer(204, b"")
    client.api_keys.revoke("key_1")
    assert (script.seen[0].method, script.seen[0].path) == ("DELETE", "/api/v1/auth/api-keys/key_1")


def test_a_new_key_gives_its_secret(script, client) -> None:
    script.data(
        {"id": "key_1", "name": "ops", "scopes": ["read"], "created_at": NOW, "key": "ohk_test_s"},
        status=201,
    )
    assert client.api_keys.create(name="ops", scopes=["read"]).key == "ohk_test_s"
    assert script.seen[0].body == {"name": "ops", "scopes": ["read"]}


def test_an_unhealthy_answer_is_still_an_answer(script, client) -> None:
    script.answer(
        503, {"data": {"status": "unhealthy", "components": {"database": {"status": "unhealthy"}}}}
    )
    health = client.health()
    assert health.status == "unhealthy"
    assert health.component_status("database") == "unhealthy"
    assert health.component_status("redis") == "unknown"
    assert len(script.seen) == 1


def test_a_balance_is_read(script, client) -> None:
    script.data(balance())
    assert client.users.balance("usr_1").available_exact == "12.3456789"


@pytest.mark.parametrize("url", ["", "pay.example.com", "ftp://x", "http://", "://"])
def test_an_address_that_cannot_work_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigurationError):
        OfferHub(url, None)


def test_the_key_is_not_in_the_repr(client) -> None:
    assert "secret" not in repr(client)
