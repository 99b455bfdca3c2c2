"""What the engine does when a step does what no step should: it stops where somebody sees it."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from offerhub.domain import ids
from offerhub.domain.errors import OfferHubError
from offerhub.ledger import accounts
from offerhub.ports.errors import OutcomeUnknown, Rejected, Unavailable
from offerhub.ports.limits import Urgency
from offerhub.services import deposits, engine, operations, progress, users, withdrawals
from offerhub.services.context import App
from offerhub.services.flows import bridge
from offerhub.services.steps import Run
from offerhub.store import events as events_store
from offerhub.store import operations as store
from offerhub.store.database import atomic, connection
from offerhub.worker.jobs.operations import perform_next
from tests.services.flow_cases import CASES, Subject
from tests.services.world import USD, World

BY_NAME = {case.name: case for case in CASES}


class Odd:
    """A port with some methods replaced; everything else is the real adapter's."""

    def __init__(self, port: Any, **methods: Any) -> None:
        self._port = port
        self.__dict__.update(methods)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


def row_of(subject: Subject) -> store.Operation:
    with connection():
        found = store.get(subject.operation_id)
    assert found is not None
    return found


def claims() -> dict[str, str]:
    with connection():
        return {row.address: row.operation_id for row in store.Claim.select()}


def stuck_events(subject: Subject) -> list[str]:
    with connection():
        return [e.type for e in events_store.of_aggregate(subject.operation_id, limit=100)]


def held(world: World, subject: Subject) -> int:
    return world.balance(accounts.user(subject.buyer["id"], accounts.WITHDRAWING))


def retry_and_finish(world: World, subject: Subject, name: str) -> None:
    operations.retry(world.ctx, subject.operation_id, reason="looked at")
    world.drain()
    BY_NAME[name].check(world, subject)


@pytest.mark.parametrize("where", ["transaction", "account", "head"])
def test_a_refused_look_up_refunds_nobody(shared_world: World, where: str) -> None:
    """The payment is on its way; then the reader's gateway says 403 for a while."""
    subject = BY_NAME["withdrawal"].begin(shared_world)
    chain, refusals = shared_world.app.chain, [3]

    def refuse(*args: Any, **kwargs: Any) -> Any:
        if refusals[0] and any(s.status != "SUCCEEDED" for s in _steps(subject) if s.tx_hash):
            refusals[0] -= 1
            raise Rejected("no access", provider="stellar", code="403")
        return getattr(chain, where)(*args, **kwargs)

    shared_world.fault("timeout_after", provider="horizon", path_regex="transactions_async",
                       delay_s=0.01)  # fmt: skip

    def unseen(hash_: str) -> Any:
        return None if refusals[0] else chain.transaction(hash_)

    methods = {"transaction": unseen, where: refuse}
    app = replace(shared_world.app, chain=Odd(chain, **methods))
    before = held(shared_world, subject)
    while refusals[0]:
        perform_next(app)
        assert held(shared_world, subject) == before
        shared_world.clock.skip(70)
    assert withdrawals.get_withdrawal(shared_world.ctx, subject.id)["failure_reason"] is None
    shared_world.drain()
    BY_NAME["withdrawal"].check(shared_world, subject)


def _steps(subject: Subject) -> list[store.Step]:
    if not subject.operation_id:
        return []
    with connection():
        return store.steps_of(subject.operation_id)


def test_an_effect_that_is_not_what_was_asked_for_is_stuck_at_once_and_posts_nothing(
    shared_world: World,
) -> None:
    subject = BY_NAME["withdrawal"].begin(shared_world)
    chain = shared_world.app.chain

    def less(hash_: str) -> Any:
        found = chain.transaction(hash_)
        if found is None:
            return None
        moved = tuple(replace(t, amount_stroops=t.amount_stroops - 1) for t in found.transfers)
        return replace(found, transfers=moved)

    shared_world.drain(replace(shared_world.app, chain=Odd(chain, transaction=less)))
    row = row_of(subject)
    assert row.status == "STUCK"
    assert "299999999" in row.last_error
    assert "operation.stuck" in stuck_events(subject)
    assert held(shared_world, subject) == 30 * USD
    retry_and_finish(shared_world, subject, "withdrawal")


@pytest.mark.parametrize(
    ("name", "port", "method"),
    [
        ("withdrawal", "chain", "build_payment"),
        ("withdrawal", "chain", "submit"),
        ("funding", "escrows", "build_fund"),
        ("pay-out", "payments", "commit_payout"),
    ],
)
def test_a_fault_of_our_own_is_counted_and_ends_stuck(
    shared_world: World, name: str, port: str, method: str
) -> None:
    subject = BY_NAME[name].begin(shared_world)
    calls: list[int] = []

    def broken(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        raise ZeroDivisionError("a fault of our own")

    odd = Odd(getattr(shared_world.app, port), **{method: broken})
    shared_world.drain(replace(shared_world.app, **{port: odd}))
    row = row_of(subject)
    assert (row.status, row.last_error_code) == ("STUCK", "INTERNAL_ERROR")
    assert "ZeroDivisionError" in row.last_error
    assert 2 <= len(calls) <= progress.MAX_FAILURES // engine.FAULT_WEIGHT
    retry_and_finish(shared_world, subject, name)


def test_a_kind_that_this_version_does_not_know_is_shown_and_not_tried_for_ever(
    shared_world: World,
) -> None:
    with atomic():
        made = operations.start(
            shared_world.ctx, kind="order.teleport", subject_type="order", subject_id="ord_x"
        )
    shared_world.drain()
    assert row_of(Subject("", operation_id=made.id)).status == "STUCK"
    with atomic():
        store.Operation.update(status="SETTLED").where(store.Operation.id == made.id).execute()


def test_a_stuck_operation_keeps_the_users_wallet_and_frees_the_platforms_signers(
    shared_world: World,
) -> None:
    """Its bridge is in doubt for so long that it is stuck; everybody else goes on."""
    subject = BY_NAME["bridged withdrawal"].begin(shared_world)
    chain = shared_world.app.chain

    def nobody_answers(*args: Any) -> Any:
        raise Unavailable("away", provider="stellar")

    def lost(transaction: Any) -> Any:
        chain.submit(transaction)
        raise OutcomeUnknown("lost", provider="stellar")

    odd = Odd(chain, transaction=nobody_answers, head=nobody_answers, submit=lost)
    shared_world.drain(replace(shared_world.app, chain=odd))
    row = row_of(subject)
    assert (row.status, row.last_error) == ("STUCK", "away")
    wallet = subject.buyer["wallet"]["address"]
    assert claims() == {wallet: subject.operation_id}
    assert held(shared_world, subject) == 30 * USD

    # The treasury signs for others; the user's own wallet waits.
    shared_world.user("unconcerned")
    outside = shared_world.control("POST", "/stellar/outside-account")["address"]
    second = withdrawals.create_withdrawal(
        shared_world.ctx, user_id=subject.buyer["id"], amount_stroops=5 * USD,
        destination_type="CRYPTO", destination_ref=outside,
    )  # fmt: skip
    for _ in range(10):
        perform_next(shared_world.app)
        shared_world.clock.skip(10)
    shown = withdrawals.get_withdrawal(shared_world.ctx, second["id"])
    assert shown["status"] == "WITHDRAWAL_COMMITTED"

    operations.retry(shared_world.ctx, subject.operation_id, reason="the reader is back")
    shared_world.drain()
    shown = withdrawals.get_withdrawal(shared_world.ctx, second["id"])
    assert shown["status"] == "WITHDRAWAL_COMPLETED"
    assert row_of(subject).status == "SUCCEEDED"
    assert claims() == {}
    shared_world.check()


def test_a_refusal_leaves_no_claim_and_gives_the_hold_back_once(shared_world: World) -> None:
    subject = BY_NAME["withdrawal"].begin(shared_world)
    available = shared_world.available(subject.buyer["id"])
    shared_world.control("POST", "/stellar/freeze", address=subject.more["address"])
    shared_world.drain()
    assert row_of(subject).status == "FAILED"
    shown = withdrawals.get_withdrawal(shared_world.ctx, subject.id)
    assert shown["status"] == "WITHDRAWAL_FAILED"
    assert shared_world.available(subject.buyer["id"]) - available == 30 * USD
    assert claims() == {}
    shared_world.check()


def test_a_transaction_that_fails_on_chain_is_a_refusal(shared_world: World) -> None:
    """The destination is frozen between building and sending: included, failed, final."""
    subject = BY_NAME["withdrawal"].begin(shared_world)

    def freeze(point: str) -> None:
        if point == "withdrawal.chain/pay/intent":
            shared_world.control("POST", "/stellar/freeze", address=subject.more["address"])

    shared_world.drain(shared_world.with_probe(freeze))
    shown = withdrawals.get_withdrawal(shared_world.ctx, subject.id)
    assert shown["status"] == "WITHDRAWAL_FAILED"
    assert "failed on chain" in shown["failure_reason"]
    assert shared_world.transfers(destination=subject.more["address"]) == []
    shared_world.check()


def test_money_that_arrives_between_the_decision_and_the_building_makes_no_bridge(
    shared_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deposit reader credits after the step has decided and before it builds."""
    subject = BY_NAME["bridged withdrawal"].begin(shared_world)
    decide = bridge.Bridge.skip

    def decide_and_be_paid(self: bridge.Bridge, run: Run) -> str | None:
        decided = decide(self, run)
        shared_world.deposit(subject.buyer["wallet"]["address"], "100.00")
        deposits.read_wallet(shared_world.ctx, subject.buyer["wallet"]["id"])
        return decided

    monkeypatch.setattr(bridge.Bridge, "skip", decide_and_be_paid)
    shared_world.drain()
    assert row_of(subject).status == "SUCCEEDED"
    assert shared_world.transfers(destination=subject.more["address"]) == [30 * USD]
    treasury = shared_world.app.platform_keys.treasury.address
    wallet = subject.buyer["wallet"]["address"]
    assert shared_world.transfers(source=treasury, destination=wallet) == []
    shared_world.check()


def test_what_never_happens_is_given_up_after_so_many_attempts(
    shared_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "MAX_ATTEMPTS", 2)
    subject = BY_NAME["withdrawal"].begin(shared_world)
    shared_world.chain_fault(never_include=1_000)
    for _ in range(400):
        perform_next(shared_world.app)
        if row_of(subject).status == "STUCK":
            break
        shared_world.clock.skip(40)
    assert "never happened" in row_of(subject).last_error
    assert held(shared_world, subject) == 30 * USD
    shared_world.healthy()
    retry_and_finish(shared_world, subject, "withdrawal")


def test_an_outcome_that_stays_unknown_calls_for_help(
    shared_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader stands still: nothing fails, nothing is proven, and somebody must know."""
    monkeypatch.setattr(progress, "MAX_LOOKS", 20)
    subject = BY_NAME["withdrawal"].begin(shared_world)
    chain = shared_world.app.chain
    frozen = chain.head()
    odd = Odd(chain, transaction=lambda _: None, head=lambda: frozen)
    shared_world.drain(replace(shared_world.app, chain=odd))
    assert row_of(subject).status == "STUCK"
    assert "not known after" in row_of(subject).last_error
    assert held(shared_world, subject) == 30 * USD
    retry_and_finish(shared_world, subject, "withdrawal")


def test_a_pay_out_of_another_amount_is_never_committed(shared_world: World) -> None:
    subject = BY_NAME["pay-out"].begin(shared_world)
    payments = shared_world.app.payments

    def another(code: str) -> Any:
        found = payments.find_payout(code)
        return found and replace(found, amount_stroops=found.amount_stroops + USD)

    def lost(**asked: Any) -> Any:
        payments.create_payout(**asked)
        raise OutcomeUnknown("lost", provider="airtm")

    odd = Odd(payments, find_payout=another, create_payout=lost)
    shared_world.drain(replace(shared_world.app, payments=odd))
    assert row_of(subject).status == "STUCK"
    assert str(payments.find_payout(subject.id).status) == "CREATED"
    assert held(shared_world, subject) == 30 * USD
    retry_and_finish(shared_world, subject, "pay-out")


def test_a_refusal_of_a_repeated_call_is_not_believed_while_the_first_one_took_effect(
    shared_world: World,
) -> None:
    """The first create made the pay-out unseen; the second is refused for another reason."""
    subject = BY_NAME["pay-out"].begin(shared_world)
    payments, calls = shared_world.app.payments, []

    def create(**asked: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            payments.create_payout(**asked)
            raise OutcomeUnknown("lost", provider="airtm")
        raise Rejected("too little balance", provider="airtm", code="x")

    def find(code: str) -> Any:
        return payments.find_payout(code) if len(calls) > 1 else None

    odd = Odd(payments, create_payout=create, find_payout=find)
    shared_world.drain(replace(shared_world.app, payments=odd))
    assert len(calls) == 2
    BY_NAME["pay-out"].check(shared_world, subject)


def test_whoever_lost_the_lease_writes_nothing(shared_world: World) -> None:
    """A worker is paused after its call; another one takes over and ends the work."""
    case = BY_NAME["withdrawal"]
    subject = case.begin(shared_world)

    def pause(point: str) -> None:
        if point == "withdrawal.chain/pay/call":
            shared_world.clock.skip(engine.LEASE_MS / 1000 + 1)
            shared_world.drain()
            assert row_of(subject).status == "SUCCEEDED"

    claimed = engine.claim_next(shared_world.app)
    assert claimed is not None
    engine.perform(shared_world.with_probe(pause), claimed)
    case.check(shared_world, subject)


def test_a_lease_that_was_given_back_is_not_renewed(shared_world: World) -> None:
    subject = BY_NAME["withdrawal"].begin(shared_world)
    claimed = engine.claim_next(shared_world.app)
    assert claimed is not None
    assert engine.renew(shared_world.app, claimed)
    with atomic():
        store.Operation.update(lease_until=0).where(store.Operation.id == claimed.id).execute()
    assert not engine.renew(shared_world.app, claimed)
    shared_world.drain()
    BY_NAME["withdrawal"].check(shared_world, subject)


def test_a_clock_that_is_set_back_leaves_no_operation_leased_for_hours(
    shared_world: World,
) -> None:
    subject = BY_NAME["withdrawal"].begin(shared_world)
    with atomic():
        store.Operation.update(
            lease_until=shared_world.app.now_ms() + 3_600_000, lease_token=7
        ).where(store.Operation.id == subject.operation_id).execute()
    assert perform_next(shared_world.app)
    shared_world.drain()
    BY_NAME["withdrawal"].check(shared_world, subject)


class _BrokenBell:
    def ring(self, name: str) -> None:
        raise RuntimeError(f"no bell {name}")


def test_a_bell_that_cannot_be_rung_fails_nobody(shared_world: World) -> None:
    case = BY_NAME["withdrawal"]
    app: App = replace(shared_world.app, doorbell=_BrokenBell())
    quiet = shared_world.app
    shared_world.app = app
    try:
        subject = case.begin(shared_world)
        shared_world.drain()
        case.check(shared_world, subject)
    finally:
        shared_world.app = quiet


def test_two_pay_outs_of_one_user_that_end_at_once_start_one_sweep(shared_world: World) -> None:
    case = BY_NAME["sweep"]
    for _ in range(5):
        subject = case.arrange(shared_world)
        email = shared_world.app.payments.find_payout(subject.id).recipient_email
        other = withdrawals.create_withdrawal(
            shared_world.ctx, user_id=subject.buyer["id"], amount_stroops=5 * USD, commit=True,
            destination_type="AIRTM_BALANCE", destination_ref=email,
        )["id"]  # fmt: skip
        shared_world.drain()
        ends = [
            shared_world.until(lambda w=one: _ended(shared_world, w)) for one in (subject.id, other)
        ]
        start = threading.Barrier(2)
        faults: list[BaseException] = []

        def settle(found: Any, start: Any = start, faults: Any = faults) -> None:
            start.wait()
            try:
                withdrawals.apply_payout_result(shared_world.ctx, found.code, found)
            except BaseException as error:  # noqa: BLE001 - told to the test below
                faults.append(error)

        threads = [threading.Thread(target=settle, args=(found,)) for found in ends]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert faults == []
        shared_world.drain()
        assert shared_world.balance(accounts.wallet(subject.buyer["id"])) in {5 * USD, 10 * USD}
    shared_world.check()


def _ended(world: World, withdrawal_id: str) -> Any:
    found = world.app.payments.find_payout(withdrawal_id)
    return found if found is not None and str(found.status) == "COMPLETED" else None


def test_only_a_stuck_operation_can_be_retried(shared_world: World) -> None:
    subject = BY_NAME["withdrawal"].begin(shared_world)
    with pytest.raises(OfferHubError, match="INVALID_STATE"):
        operations.retry(shared_world.ctx, subject.operation_id, reason="impatience")
    shared_world.drain()
    with pytest.raises(OfferHubError, match="INVALID_STATE"):
        operations.retry(shared_world.ctx, subject.operation_id, reason="impatience")
    BY_NAME["withdrawal"].check(shared_world, subject)


def test_work_with_an_open_intent_goes_first_and_is_ranked_by_its_kind_again_afterwards(
    shared_world: World,
) -> None:
    """A transaction in flight holds a wallet that others may wait for."""
    subject = BY_NAME["wallet"].begin(shared_world)
    assert row_of(subject).urgency == Urgency.NEW
    chain = shared_world.app.chain
    unseen = replace(shared_world.app, chain=Odd(chain, transaction=lambda hash_: None))
    assert perform_next(unseen)
    waiting = row_of(subject)
    assert (waiting.status, waiting.urgency) == ("PENDING", Urgency.UNDER_WAY)

    users.create_user(shared_world.ctx, external_user_id=ids.new_id(ids.USER), type="BUYER")

    def kept_waiting() -> store.Operation | None:
        perform_next(unseen)
        with connection():
            return store.Operation.get_or_none(store.Operation.step == store.WAITING_FOR_SIGNER)

    assert shared_world.until(kept_waiting).urgency == Urgency.NEW
    shared_world.drain()
    assert row_of(subject).status == "SUCCEEDED"
