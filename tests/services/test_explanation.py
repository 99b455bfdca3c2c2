"""`why`: one real order explains itself, whichever of its ids one starts from."""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from offerhub.cli.why import words
from offerhub.domain import ids
from offerhub.domain.errors import NotFound
from offerhub.events import relay
from offerhub.ledger import accounts
from offerhub.services import (
    deliveries,
    escrows,
    explanation,
    orders,
    releases,
    webhook_endpoints,
    withdrawals,
)
from offerhub.services.context import Actor, Context
from offerhub.store.database import atomic, connection, proxy
from tests.services.world import BUYER_EMAIL, USD, World

KEY = ids.new_id(ids.API_KEY)


@dataclass
class Told:
    """One order's whole life, and the names by which it can be asked for."""

    world: World
    buyer: dict[str, Any]
    seller: dict[str, Any]
    topup: dict[str, Any]
    order_id: str
    withdrawal: dict[str, Any]
    request_id: str

    def why(self, value: str, **more: Any) -> dict[str, Any]:
        return explanation.explain(self.world.ctx, value, **more)


def by_key(world: World, request_id: str, idempotency_key: str) -> Context:
    actor = Actor(
        "api_key", KEY, scopes=("write",), request_id=request_id, idempotency_key=idempotency_key
    )
    return Context(world.app, actor)


def publish(world: World) -> None:
    token = relay.take_lease(holder="test", now_ms=world.app.now_ms())
    assert token is not None
    while relay.sequence_events(holder="test", token=token):
        pass
    while relay.seal_audit(holder="test", token=token)[0]:
        pass


@pytest.fixture(scope="module")
def life(_module_world: World) -> Told:
    """A top-up, an order from its creation to its release, and a withdrawal on chain."""
    world = _module_world.use()
    webhook_endpoints.create_endpoint(
        world.ctx, url="http://hooks.example:9/in?token=unguessable", events=["order.*"]
    )
    buyer, seller = world.user("buyer", email=BUYER_EMAIL), world.user("seller")
    topup = world.topped_up(buyer["id"], "100.00")
    order_id = world.order(buyer["id"], seller["id"], "60.00", client_order_ref="shop-77")
    request_id = ids.new_id(ids.REQUEST)
    orders.reserve(by_key(world, request_id, "reserve-77"), order_id)
    escrows.create_escrow(world.ctx, order_id)
    world.drain()
    escrows.fund_escrow(world.ctx, order_id)
    world.drain()
    releases.release(world.ctx, order_id)
    world.drain()
    publish(world)
    deliveries.fan_out(world.ctx)
    made = withdrawals.create_withdrawal(
        world.ctx, user_id=seller["id"], amount_stroops=5 * USD, commit=True,
        destination_type="CRYPTO",
        destination_ref=world.control("POST", "/stellar/outside-account")["address"],
    )  # fmt: skip
    world.drain()
    shown = withdrawals.get_withdrawal(world.ctx, made["id"])
    return Told(world, buyer, seller, topup, order_id, shown, request_id)


@pytest.fixture
def told(life: Told, shared_world: World) -> Told:
    return replace(life, world=shared_world)


def of(found: dict[str, Any], source: str) -> list[dict[str, Any]]:
    return [line for line in found["lines"] if line["source"] == source]


def test_an_order_tells_its_whole_story_in_the_order_of_time(told: Told) -> None:
    found = told.why(told.order_id)
    assert [(one["what"], one["id"]) for one in found["found"]] == [("an order", told.order_id)]
    assert found["found"][0]["state"]["status"] == "CLOSED"
    times = [line["at"] for line in found["lines"]]
    assert times == sorted(times)
    assert found["truncated"] is False

    (request,) = of(found, "request")
    assert request["detail"]["idempotency_key"] == "reserve-77"
    assert request["detail"]["request_id"] == told.request_id
    assert request["detail"]["actor"] == {"type": "api_key", "id": KEY}
    assert "ORDER_CREATED -> FUNDS_RESERVED" in request["what"]
    assert request["detail"]["seal_number"] > 0

    kinds = [line["detail"]["event_type"] for line in of(found, "event")]
    assert {
        "order.created", "order.funds_reserved", "balance.reserved", "escrow.created",
        "escrow.funded", "order.released", "balance.credited", "order.closed",
    } <= set(kinds)  # fmt: skip
    sequences = [line["detail"]["sequence"] for line in of(found, "event")]
    assert sequences == sorted(sequences)

    moved = [line["detail"]["kind"] for line in of(found, "ledger")]
    with connection():
        rows = proxy.execute_sql("SELECT id FROM transfers").fetchall()
        assert len(moved) < len(rows)  # the top-up's are another story
    for line in of(found, "ledger"):
        assert len(line["detail"]["entries"]) >= 2

    hashes = {line["detail"]["tx_hash"] for line in of(found, "step")}
    escrow = found["found"][0]["state"]["escrow"]
    named = {escrow["deploy_tx_hash"], escrow["fund_tx_hash"], escrow["release_tx_hash"]}
    assert named <= hashes
    assert {line["detail"]["status"] for line in of(found, "step")} == {"SUCCEEDED"}
    assert {line["detail"]["status"] for line in of(found, "outcome")} == {"SUCCEEDED"}
    assert of(found, "delivery")


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("an order's escrow", lambda t, s: s["escrow"]["id"]),
        ("the contract of an order's escrow", lambda t, s: s["escrow"]["trustless_contract_id"]),
        ("the transaction that funded an escrow", lambda t, s: s["escrow"]["fund_tx_hash"]),
        ("the marketplace's reference of an order", lambda t, s: "shop-77"),
        ("a request", lambda t, s: t.request_id),
        ("the idempotency key of a request", lambda t, s: "reserve-77"),
    ],
)
def test_every_name_of_an_order_leads_to_it(told: Told, what: str, name: Any) -> None:
    state = told.why(told.order_id)["found"][0]["state"]
    value = name(told, state)
    found = told.why(value)
    assert (found["found"][0]["what"], found["found"][0]["id"]) == (what, told.order_id)
    assert len(found["lines"]) == len(told.why(told.order_id)["lines"])


@pytest.mark.parametrize("source", ["request", "event", "ledger", "operation", "step", "delivery"])
def test_every_line_can_be_asked_for_and_is_marked(told: Told, source: str) -> None:
    line = of(told.why(told.order_id), source)[0]
    # A step has no id that anybody sees; its transaction has.
    value = line["detail"]["tx_hash"] if source == "step" else line["id"]
    found = told.why(value)
    assert found["found"][0]["id"] == told.order_id
    marked = [one for one in found["lines"] if one["asked_for"]]
    assert line["id"] in {one["id"] for one in marked}
    assert len(marked) < len(found["lines"])


def test_a_request_marks_all_that_it_caused(told: Told) -> None:
    marked = [line for line in told.why(told.request_id)["lines"] if line["asked_for"]]
    kinds = {line["detail"].get("event_type") for line in marked if line["source"] == "event"}
    assert kinds == {"order.funds_reserved", "balance.reserved"}


def test_a_top_up_is_explained_by_the_pay_in_and_its_webhooks(told: Told) -> None:
    found = told.why(told.topup["airtm_payin_id"])
    assert found["found"][0]["what"] == "Airtm's pay-in of a top-up"
    assert found["found"][0]["id"] == told.topup["id"]
    kinds = {line["detail"]["event_type"] for line in of(found, "event")}
    assert {"topup.created", "topup.succeeded", "balance.credited"} <= kinds
    assert of(found, "ledger")


def test_a_withdrawal_is_explained_by_its_transaction(told: Told) -> None:
    found = told.why(told.withdrawal["stellar_tx_hash"])
    assert [one["id"] for one in found["found"]] == [told.withdrawal["id"]]
    assert found["found"][0]["state"]["status"] == "WITHDRAWAL_COMPLETED"


@pytest.mark.parametrize("which", ["id", "address", "external_user_id"])
def test_a_user_is_explained_by_what_concerns_them(told: Told, which: str) -> None:
    value = told.seller["wallet"]["address"] if which == "address" else told.seller[which]
    found = told.why(value)
    assert [one["id"] for one in found["found"]] == [told.seller["id"]]
    kinds = {line["detail"]["event_type"] for line in of(found, "event")}
    assert {"user.created", "wallet.created", "order.released", "withdrawal.completed"} <= kinds
    # What the balance comes from is told with its requests, steps and transactions.
    (request,) = of(found, "request")
    assert request["detail"]["request_id"] == told.request_id
    steps = {line["detail"]["tx_hash"] for line in of(found, "step")}
    assert told.withdrawal["stellar_tx_hash"] in steps
    assert told.why(told.order_id)["found"][0]["state"]["escrow"]["release_tx_hash"] in steps
    lines = {(line["source"], line["id"]) for line in found["lines"]}
    for own in (told.order_id, told.withdrawal["id"]):
        theirs = {(one["source"], one["id"]) for one in told.why(own)["lines"]}
        assert {one for one in theirs - lines if one[0] not in {"deposit", "event"}} == set()
    arrived = of(found, "deposit")
    told.world.check()
    assert all(line["detail"]["user_id"] == told.seller["id"] for line in arrived)


def test_a_deposit_is_explained_by_the_transaction_that_brought_it(told: Told) -> None:
    user = told.world.funded_user(f"saver-{ids.new_id(ids.USER)}", "7.00")
    (line,) = [
        line
        for line in of(told.why(user["id"]), "deposit")
        if line["detail"]["status"] == "CREDITED"
    ]
    found = told.why(line["detail"]["transaction_hash"])
    assert [one["type"] for one in found["found"]] == ["deposit"]
    assert {line["source"] for line in found["lines"]} >= {"deposit", "ledger", "event"}


def test_nothing_secret_is_told(told: Told) -> None:
    with connection():
        sealed = [row[0] for row in proxy.execute_sql("SELECT sealed_key FROM wallets").fetchall()]
    signed = [
        row[0]
        for row in proxy.execute_sql(
            "SELECT signed_xdr FROM operation_steps WHERE signed_xdr IS NOT NULL"
        ).fetchall()
    ]
    assert sealed
    assert signed
    for value in (told.order_id, told.buyer["id"], told.topup["id"], told.withdrawal["id"]):
        found = told.why(value)
        for text in (json.dumps(found), words(found)):
            assert "unguessable" not in text
            assert BUYER_EMAIL not in text
            assert not any(secret in text for secret in (*sealed, *signed))


def test_people_read_entries_marks_and_the_request(told: Told) -> None:
    text = words(told.why(told.request_id))
    assert (
        f"{told.request_id} is a request; it belongs to {told.order_id}, which is now CLOSED."
        in text
    )
    assert "idempotency key reserve-77" in text
    assert accounts.user(told.buyer["id"], accounts.RESERVED) in text
    assert any(" > request" in line for line in text.splitlines())


def test_an_operation_is_said_to_be_where_it_stands_itself(told: Told) -> None:
    """Somebody who asks about stuck work wants its state first, and not the order's."""
    (asked,) = [
        line["id"]
        for line in of(told.why(told.order_id), "operation")
        if line["detail"]["kind"] == "escrow.fund"
    ]
    first, second, *_ = words(told.why(asked)).splitlines()
    assert first == f"{asked} is an operation; it belongs to {told.order_id}, which is now CLOSED."
    assert second == "escrow.fund is SUCCEEDED."


def test_only_the_newest_lines_are_told_when_there_are_too_many(told: Told) -> None:
    whole = told.why(told.order_id)
    found = told.why(told.order_id, limit=5)
    assert found["truncated"] is True
    assert len(found["lines"]) == 5
    assert found["lines"][-1]["id"] == whole["lines"][-1]["id"]


@pytest.mark.parametrize(
    "value", ["", "ord_nobody", "nothing", ids.new_id(ids.ORDER), "%", "x" * 999]
)
def test_what_nobody_knows_is_said_so(told: Told, value: str) -> None:
    with pytest.raises(NotFound):
        told.why(value)


def test_what_a_provider_wrote_of_a_failure_is_told_to_the_operator_without_secrets(
    world: World,
) -> None:
    """Clients get our own words for it, which do not tell an operator what to do."""
    user = world.funded_user("seller", "9.00")
    made = withdrawals.create_withdrawal(
        world.ctx, user_id=user["id"], amount_stroops=5 * USD, destination_type="CRYPTO",
        destination_ref=world.control("POST", "/stellar/outside-account")["address"],
    )  # fmt: skip
    with atomic():
        withdrawals.fail(
            world.ctx, made["id"], reason=f"declined by agent 44 for {BUYER_EMAIL}: whsec_abc"
        )
    shown = withdrawals.get_withdrawal(world.ctx, made["id"])
    assert shown["failure_reason"] == "The provider declined it."
    story = explanation.explain(world.ctx, made["id"])
    said = "declined by agent 44 for b***@example.com: [redacted]"
    assert story["found"][0]["provider_said"] == said
    assert f"The provider said: {said}" in words(story)
    assert explanation.explain(world.ctx, user["id"])["found"][0]["provider_said"] is None
