"""Airtm's webhooks: proven, stored once, applied once, in whatever order and however often."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from offerhub.domain.errors import OfferHubError
from offerhub.ports.errors import Unavailable
from offerhub.services import inbox, topups, withdrawals
from offerhub.store import inbox as store
from offerhub.store.database import connection
from tests.services.test_crash_points import Killed, KillOnce
from tests.services.world import BUYER_EMAIL, USD, World

_numbers = count(1)
Payer = dict[str, Any]


@pytest.fixture
def payer(shared_world: World) -> Payer:
    if "payer" not in shared_world.__dict__:
        email = BUYER_EMAIL
        shared_world.__dict__["payer"] = shared_world.user("webhook-payer", email=email)
    return dict(shared_world.__dict__["payer"])


def signed(
    world: World,
    event_type: str,
    code: str | None,
    *,
    event_id: str | None = None,
    age_s: int = 0,
    secret: str | None = None,
) -> tuple[Mapping[str, str], bytes]:
    """Headers and body as Svix would send them, the signature made here from its description."""
    event_id = event_id or f"msg_{next(_numbers)}"
    body = json.dumps(
        {"eventType": event_type, "type": event_type, "data": {"code": code}}
    ).encode()
    timestamp = str(world.app.now_ms() // 1000 - age_s)
    key = base64.b64decode((secret or world.environ["AIRTM_WEBHOOK_SECRET"]).split("_", 1)[1])
    text = b".".join((event_id.encode(), timestamp.encode(), body))
    digest = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    return {
        "svix-id": event_id, "svix-timestamp": timestamp, "svix-signature": f"v1,{digest}",
    }, body  # fmt: skip


def receive(world: World, event_type: str, code: str | None, **more: Any) -> bool:
    return inbox.receive_airtm(world.ctx, *signed(world, event_type, code, **more))


def started(world: World, payer: Payer) -> str:
    made = topups.create_topup(
        world.ctx, user_id=payer["id"], amount_stroops=20 * USD,
        return_url="http://localhost/r", cancel_url="http://localhost/c",
    )  # fmt: skip
    world.drain()
    return str(made["id"])


def paid(world: World, payer: Payer) -> str:
    """A top-up that was paid at Airtm, of which we do not know yet."""
    topup_id = started(world, payer)
    world.control("POST", f"/payins/{topup_id}/pay", email=BUYER_EMAIL)

    def settled() -> bool:
        found = world.app.payments.find_payin(topup_id)
        return found is not None and str(found.status) == "SUCCEEDED"

    world.until(settled)
    assert status(world, topup_id) == "TOPUP_AWAITING_USER_CONFIRMATION"
    return topup_id


def status(world: World, topup_id: str) -> str:
    return str(topups.get_topup(world.ctx, topup_id)["status"])


def stored(code: str | None) -> list[tuple[str, str | None]]:
    with connection():
        query = store.InboxEvent.select().where(store.InboxEvent.code == code)
        return [(row.status, row.reason) for row in query.order_by(store.InboxEvent.received_at)]


def credited(world: World, payer: Payer, before: int) -> bool:
    return world.available(payer["id"]) - before == 19_5000000


@pytest.mark.proves("F7")
def test_six_copies_at_once_and_many_workers_credit_once(shared_world: World, payer: Payer) -> None:
    topup_id = paid(shared_world, payer)
    before = shared_world.available(payer["id"])
    message = signed(shared_world, "payin.confirmed", topup_id)
    start = threading.Barrier(6)
    duplicates: list[bool] = []

    def deliver() -> None:
        start.wait()
        duplicates.append(inbox.receive_airtm(shared_world.ctx, *message))
        shared_world.process_inbox()

    threads = [threading.Thread(target=deliver) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(duplicates) == [False, *[True] * 5]
    assert status(shared_world, topup_id) == "TOPUP_SUCCEEDED"
    assert credited(shared_world, payer, before)
    assert len(stored(topup_id)) == 1
    shared_world.check()


@pytest.mark.proves("F7")
def test_webhooks_in_the_wrong_order_end_in_the_right_state(
    shared_world: World, payer: Payer
) -> None:
    topup_id = paid(shared_world, payer)
    before = shared_world.available(payer["id"])
    for event_type in ("payin.confirmed", "payin.created", "payin.confirmed", "payin.created"):
        receive(shared_world, event_type, topup_id)
        shared_world.process_inbox()
    assert status(shared_world, topup_id) == "TOPUP_SUCCEEDED"
    assert credited(shared_world, payer, before)
    assert [one for one, _ in stored(topup_id)] == ["APPLIED", "IGNORED", "IGNORED", "IGNORED"]
    shared_world.check()


@pytest.mark.proves("F6")
def test_a_late_failure_takes_nothing_back(shared_world: World, payer: Payer) -> None:
    """Whoever reports FAILED after SUCCEEDED, the state and the money stay."""
    topup_id = paid(shared_world, payer)
    before = shared_world.available(payer["id"])
    receive(shared_world, "payin.confirmed", topup_id)
    shared_world.process_inbox()
    late = _Reports(shared_world.app.payments, status="FAILED")
    ctx = replace(shared_world.ctx, app=replace(shared_world.app, payments=late))
    receive(shared_world, "payin.failed", topup_id)
    inbox.process_due(ctx)
    assert late.asked == 1
    assert stored(topup_id)[-1] == ("IGNORED", "a late TOPUP_FAILED cannot follow TOPUP_SUCCEEDED")
    assert status(shared_world, topup_id) == "TOPUP_SUCCEEDED"
    assert credited(shared_world, payer, before)
    shared_world.check()


class _Reports:
    """Airtm, with another status or amount in what it tells of pay-ins; or telling nothing."""

    def __init__(self, payments: Any, **changes: Any) -> None:
        self._payments, self._changes = payments, changes
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._payments, name)

    def find_payin(self, code: str) -> Any:
        self.asked += 1
        found = self._payments.find_payin(code)
        if self._changes.get("absent"):
            return None
        changes = dict(self._changes)
        if "status" in changes:
            changes["status"] = type(found.status)(changes["status"])
        return replace(found, **changes)


@pytest.mark.proves("F8")
@pytest.mark.parametrize("point", ["inbox/payin.confirmed/begin", "inbox/payin.confirmed/applied"])
@pytest.mark.proves("P3")
def test_a_death_between_receipt_and_effect_loses_nothing(
    shared_world: World, payer: Payer, point: str
) -> None:
    topup_id = paid(shared_world, payer)
    before = shared_world.available(payer["id"])
    message = signed(shared_world, "payin.confirmed", topup_id)
    assert inbox.receive_airtm(shared_world.ctx, *message) is False
    dying = replace(shared_world.ctx, app=shared_world.with_probe(KillOnce(point)))
    with pytest.raises(Killed):
        inbox.process_due(dying)
    assert inbox.receive_airtm(shared_world.ctx, *message) is True, "delivered again"
    shared_world.process_inbox()
    assert status(shared_world, topup_id) == "TOPUP_SUCCEEDED"
    assert credited(shared_world, payer, before)
    assert stored(topup_id)[0][0] in {"APPLIED", "IGNORED"}
    shared_world.check()


@pytest.mark.proves("F7")
@pytest.mark.parametrize(
    "forgery",
    [
        {"secret": "whsec_" + base64.b64encode(b"x" * 32).decode()},
        {"age_s": 301},
        {"age_s": -301},
    ],
    ids=["another secret", "too old", "from the future"],
)
def test_forged_and_stale_webhooks_are_refused_and_not_stored(
    shared_world: World, payer: Payer, forgery: dict[str, Any]
) -> None:
    code = f"topup_forged{next(_numbers)}"
    with pytest.raises(OfferHubError, match="WEBHOOK_SIGNATURE_INVALID"):
        receive(shared_world, "payin.confirmed", code, **forgery)
    assert stored(code) == []


@pytest.mark.proves("F7")
def test_a_changed_body_is_refused(shared_world: World, payer: Payer) -> None:
    headers, body = signed(shared_world, "payin.confirmed", "topup_a")
    with pytest.raises(OfferHubError, match="WEBHOOK_SIGNATURE_INVALID"):
        inbox.receive_airtm(shared_world.ctx, headers, body.replace(b"topup_a", b"topup_b"))


@pytest.mark.proves("P10")
def test_without_a_secret_nothing_is_accepted(shared_world: World, payer: Payer) -> None:
    verifier = type(shared_world.app.airtm_webhooks)(None)
    ctx = replace(shared_world.ctx, app=replace(shared_world.app, airtm_webhooks=verifier))
    with pytest.raises(OfferHubError, match="PROVIDER_UNAVAILABLE"):
        inbox.receive_airtm(ctx, *signed(shared_world, "payin.confirmed", "topup_a"))


@pytest.mark.proves("F7")
def test_codes_and_types_that_are_not_ours_are_kept_and_ignored(
    shared_world: World, payer: Payer
) -> None:
    code = f"topup_unknown{next(_numbers)}"
    for event_type in ("payin.confirmed", "payout.completed", "comet.seen"):
        receive(shared_world, event_type, code)
    shared_world.process_inbox()
    assert [one for one, _ in stored(code)] == ["IGNORED"] * 3
    shared_world.check()


def test_a_pay_in_of_another_amount_is_held_for_the_operator(
    shared_world: World, payer: Payer
) -> None:
    topup_id = paid(shared_world, payer)
    before = shared_world.available(payer["id"])
    wrong = _Reports(shared_world.app.payments, amount_stroops=2_000 * USD)
    ctx = replace(shared_world.ctx, app=replace(shared_world.app, payments=wrong))
    receive(shared_world, "payin.confirmed", topup_id)
    inbox.process_due(ctx)
    assert shared_world.available(payer["id"]) == before
    assert status(shared_world, topup_id) == "TOPUP_AWAITING_USER_CONFIRMATION"
    ((_, reason),) = stored(topup_id)
    assert "amount" in str(reason)
    shared_world.until(lambda: shared_world._settled(topup_id))


def test_what_airtm_announces_and_does_not_find_yet_is_asked_for_again(
    shared_world: World, payer: Payer
) -> None:
    topup_id = paid(shared_world, payer)
    before = shared_world.available(payer["id"])
    lagging = _Reports(shared_world.app.payments, absent=True)
    ctx = replace(shared_world.ctx, app=replace(shared_world.app, payments=lagging))
    receive(shared_world, "payin.confirmed", topup_id)
    inbox.process_due(ctx)
    assert stored(topup_id)[0][0] == "RECEIVED"
    shared_world.clock.skip(10)
    shared_world.process_inbox()
    assert stored(topup_id)[0][0] == "APPLIED"
    assert credited(shared_world, payer, before)


@pytest.mark.proves("F8")
def test_a_poisonous_webhook_holds_up_no_other_and_dies_at_last(
    shared_world: World, payer: Payer
) -> None:
    """It makes our own code raise; it comes first in every round."""
    poison, good = paid(shared_world, payer), paid(shared_world, payer)
    before = shared_world.available(payer["id"])
    odd = _Poisoned(shared_world.app.payments, poison)
    ctx = replace(shared_world.ctx, app=replace(shared_world.app, payments=odd))
    receive(shared_world, "payin.confirmed", poison)
    receive(shared_world, "payin.confirmed", good)
    for _ in range(inbox.MAX_ATTEMPTS + 1):
        inbox.process_due(ctx)
        shared_world.clock.skip(inbox.MAX_DELAY_MS / 1000)
    assert stored(good)[0][0] == "APPLIED"
    assert credited(shared_world, payer, before)
    ((last, reason),) = stored(poison)
    assert last == "DEAD"
    assert "poison" in str(reason)
    shared_world.until(lambda: shared_world._settled(poison))
    shared_world.check()


class _Poisoned(_Reports):
    def __init__(self, payments: Any, poison: str) -> None:
        super().__init__(payments)
        self.poison = poison

    def find_payin(self, code: str) -> Any:
        if code == self.poison:
            raise ValueError("poison")
        return super().find_payin(code)


def test_a_top_up_that_cannot_be_asked_about_holds_up_no_other(
    shared_world: World, payer: Payer
) -> None:
    poison, good = paid(shared_world, payer), paid(shared_world, payer)
    odd = _Poisoned(shared_world.app.payments, poison)
    ctx = replace(shared_world.ctx, app=replace(shared_world.app, payments=odd))
    shared_world.clock.skip(60)
    for _ in range(5):
        topups.check_due(ctx, limit=1)
    assert status(shared_world, good) == "TOPUP_SUCCEEDED"
    shared_world.until(lambda: shared_world._settled(poison))
    shared_world.check()


@pytest.mark.proves("F6")
def test_money_that_arrives_after_our_own_expiry_is_credited_as_late(
    shared_world: World, payer: Payer
) -> None:
    topup_id = started(shared_world, payer)
    found = shared_world.app.payments.find_payin(topup_id)
    assert found is not None
    canceled = replace(found, status=type(found.status)("CANCELED"))
    topups.apply_payin_result(shared_world.ctx, topup_id, canceled)
    assert status(shared_world, topup_id) == "TOPUP_CANCELED"
    before = shared_world.available(payer["id"])
    shared_world.control("POST", f"/payins/{topup_id}/pay", email=BUYER_EMAIL)
    shared_world.until(lambda: shared_world._settled(topup_id))
    assert topups.get_topup(shared_world.ctx, topup_id)["late_success"] is True
    assert credited(shared_world, payer, before)
    shared_world.check()


def test_webhooks_while_a_pay_out_is_between_its_steps_change_nothing_twice(
    shared_world: World, payer: Payer
) -> None:
    shared_world.topped_up(payer["id"], "50.00")
    made = withdrawals.create_withdrawal(
        shared_world.ctx, user_id=payer["id"], amount_stroops=10 * USD, commit=True,
        destination_type="AIRTM_BALANCE", destination_ref=BUYER_EMAIL,
    )  # fmt: skip

    def webhook(point: str) -> None:
        if point.startswith("withdrawal.airtm/commit_payout/"):
            receive(shared_world, "payout.confirmed", made["id"])
            shared_world.process_inbox()

    shared_world.drain(shared_world.with_probe(webhook))
    shared_world.finish_withdrawal(made["id"])
    shared_world.check()


@pytest.mark.proves("F8")
@pytest.mark.proves("P3")
def test_a_read_that_fails_is_no_answer(shared_world: World, payer: Payer) -> None:
    topup_id = paid(shared_world, payer)
    receive(shared_world, "payin.confirmed", topup_id)
    shared_world.fault("error_503_before", provider="airtm", times=2)
    shared_world.process_inbox()
    assert stored(topup_id)[0][0] == "RECEIVED"
    with pytest.raises(Unavailable):
        shared_world.app.payments.find_payin(topup_id)
    shared_world.clock.skip(10)
    shared_world.process_inbox()
    assert stored(topup_id)[0][0] == "APPLIED"
    shared_world.check()


def test_webhooks_that_failed_together_are_tried_again_at_different_times(
    shared_world: World, payer: Payer
) -> None:
    """Within two seconds, then within four: doubling, and spread."""
    topup_id = started(shared_world, payer)
    for _ in range(8):
        receive(shared_world, "payin.confirmed", topup_id)
    shared_world.fault(
        "error_503_before", provider="airtm", times=None, path_regex="payins/by-code"
    )
    for whole_s in (2, 4):
        before = shared_world.app.now_ms()
        shared_world.process_inbox()
        after = shared_world.app.now_ms()
        with connection():
            query = store.InboxEvent.select().where(store.InboxEvent.code == topup_id)
            due = [row.next_attempt_at for row in query if row.status == "RECEIVED"]
        assert len(due) == 8
        assert before + whole_s * 700 <= min(due) < max(due) <= after + whole_s * 1000
        assert max(due) - min(due) > whole_s * 50
        shared_world.clock.skip(whole_s)
    shared_world.healthy()
    shared_world.process_inbox()
    assert stored(topup_id) == [("IGNORED", "already there")] * 8
