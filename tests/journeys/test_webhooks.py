"""Airtm's signed webhooks over the wire, with the API there and with the API down."""

from tests.journeys.market import Market, People, until


def inbox_of(market: Market, code: str) -> list[str]:
    """How each stored webhook about a pay-in stands."""
    return [r[0] for r in market.rows("SELECT status FROM inbox_events WHERE code = ?", code)]


def status_of(market: Market, topup_id: str) -> str:
    return str(market.rows("SELECT status FROM topups WHERE id = ?", topup_id)[0][0])


def test_a_signed_webhook_credits_the_user_once(market: Market, people: People) -> None:
    before = market.client.users.balance(people.buyer).available.decimal
    topup_id = market.paid_topup(people, "20.00", before=lambda: None)
    topup = market.client.topups.wait_for(topup_id, {"TOPUP_SUCCEEDED"})
    until(lambda: "APPLIED" in inbox_of(market, topup_id), "the webhook to be applied")
    assert market.control_get("/webhooks")["failed"] == 0
    after = market.client.users.balance(people.buyer).available.decimal
    assert after - before == topup.net_amount.decimal
    market.books_match()


def test_a_payment_is_found_while_the_api_is_down_and_its_late_webhook_credits_nothing_more(
    market: Market, people: People
) -> None:
    before = market.client.users.balance(people.buyer).available.decimal
    topup_id = market.paid_topup(people, "30.00", before=lambda: market.control("stop", "api"))
    try:
        until(lambda: status_of(market, topup_id) == "TOPUP_SUCCEEDED", "polling to find it")
        told = len(inbox_of(market, topup_id))  # what came before it was paid
        assert "APPLIED" not in inbox_of(market, topup_id)
    finally:
        market.control("start", "api")
    topup = market.client.topups.get(topup_id)
    market.sandbox._post("/webhooks/hurry", {})
    until(lambda: len(inbox_of(market, topup_id)) > told, "the webhook to come again")
    until(lambda: "RECEIVED" not in inbox_of(market, topup_id), "the webhook to be dealt with")
    after = market.client.users.balance(people.buyer).available.decimal
    assert after - before == topup.net_amount.decimal
    market.books_match()
