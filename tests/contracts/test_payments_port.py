"""What `ports.payments.Payments` promises, asked of the adapter over real HTTP, faults included."""

import threading
from collections.abc import Callable, Iterator

import pytest

from offerhub.ports.errors import (
    OutcomeUnknown,
    ProviderFailure,
    RateLimited,
    Rejected,
    Unavailable,
)
from offerhub.ports.payments import Payin, PayinStatus, Payout, PayoutStatus
from tests.contracts.payments_world import AFTER, BEFORE, PaymentsWorld, airtm_in_sandbox

USD = 10_000_000


@pytest.fixture(scope="module")
def _world() -> Iterator[PaymentsWorld]:
    with airtm_in_sandbox() as made:
        yield made


@pytest.fixture
def world(_world: PaymentsWorld) -> Iterator[PaymentsWorld]:
    yield _world
    _world.limiter.left = None


def pay_in(world: PaymentsWorld, code: str, amount: int = 50 * USD) -> Payin:
    return world.payments.create_payin(
        code=code,
        amount_stroops=amount,
        description="Wallet top-up",
        confirmed_url="https://shop.example/ok",
        canceled_url="https://shop.example/no",
    )


def pay_out(
    world: PaymentsWorld, code: str, amount: int = 20 * USD, *, to: str | None = None
) -> Payout:
    return world.payments.create_payout(
        code=code, amount_stroops=amount, recipient_email=to or world.friend, note="Withdrawal"
    )


def failure_of(call: Callable[[], object]) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        call()
    return caught.value


# Pay-ins


def test_a_new_payin_waits_for_its_payer_at_a_checkout_page(world: PaymentsWorld) -> None:
    code = world.code("topup")
    made = pay_in(world, code, amount=50_100_000)
    assert (made.code, made.status) == (code, PayinStatus.AWAITING)
    assert made.amount_stroops == 50_100_000
    assert made.provider_id in made.checkout_url
    assert made.checkout_url.startswith("http")


def test_a_payin_tells_what_is_paid_what_arrives_and_what_it_costs(world: PaymentsWorld) -> None:
    made = pay_in(world, world.code("topup"))
    assert made.amount_stroops == 50 * USD
    assert 0 < made.fee_stroops == made.amount_stroops - made.net_stroops


def test_the_same_code_gives_the_same_payin(world: PaymentsWorld) -> None:
    code = world.code("topup")
    assert pay_in(world, code) == pay_in(world, code) == world.payments.find_payin(code)
    assert world.count("payin", code) == 1


def test_the_same_code_gives_the_payin_as_it_is_now(world: PaymentsWorld) -> None:
    code = world.code("topup")
    pay_in(world, code)
    world.pay(code)
    assert pay_in(world, code).status is PayinStatus.SUCCEEDED


def test_the_same_code_for_another_amount_is_refused(world: PaymentsWorld) -> None:
    code = world.code("topup")
    pay_in(world, code)
    failure = failure_of(lambda: pay_in(world, code, amount=51 * USD))
    assert type(failure) is Rejected
    assert code in failure.message
    assert "another amount" in failure.message
    assert world.count("payin", code) == 1


def test_many_at_once_with_one_code_make_one_payin(world: PaymentsWorld) -> None:
    code = world.code("topup")
    made: list[Payin] = []
    threads = [threading.Thread(target=lambda: made.append(pay_in(world, code))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len({one.provider_id for one in made}) == 1
    assert world.count("payin", code) == 1


def test_a_paid_payin_says_who_paid(world: PaymentsWorld) -> None:
    code = world.code("topup")
    before = pay_in(world, code)
    world.pay(code)
    paid = world.payments.find_payin(code)
    assert paid is not None
    assert (paid.status, paid.payer_email) == (PayinStatus.SUCCEEDED, "buyer@example.com")
    assert paid.payer_id
    assert paid.updated_at_ms > before.updated_at_ms


def test_a_failed_payin_says_why(world: PaymentsWorld) -> None:
    code = world.code("topup")
    pay_in(world, code)
    world.fail_payin(code, "The card was made of cheese.")
    failed = world.payments.find_payin(code)
    assert failed is not None
    assert (failed.status, failed.failure_reason) == (
        PayinStatus.FAILED,
        "The card was made of cheese.",
    )


def test_a_payin_nobody_made_is_not_found(world: PaymentsWorld) -> None:
    assert world.payments.find_payin(world.code("nothing")) is None


def test_a_status_we_cannot_place_is_unclear_and_kept(world: PaymentsWorld) -> None:
    code = world.code("topup")
    pay_in(world, code)
    world.show_status("payin", code, "TELEPORTED")
    found = world.payments.find_payin(code)
    assert found is not None
    assert (found.status, found.raw_status) == (PayinStatus.UNCLEAR, "TELEPORTED")


def test_a_canceled_payin_stays_canceled_however_often_it_is_asked(world: PaymentsWorld) -> None:
    code = world.code("topup")
    made = pay_in(world, code)
    assert world.payments.cancel_payin(made.provider_id).status is PayinStatus.CANCELED
    assert world.payments.cancel_payin(made.provider_id).status is PayinStatus.CANCELED


def test_a_paid_payin_cannot_be_canceled(world: PaymentsWorld) -> None:
    code = world.code("topup")
    made = pay_in(world, code)
    world.pay(code)
    failure = failure_of(lambda: world.payments.cancel_payin(made.provider_id))
    assert isinstance(failure, Rejected)
    assert failure.error_code == "INVALID_STATE"
    found = world.payments.find_payin(code)
    assert found is not None
    assert found.status is PayinStatus.SUCCEEDED


def test_a_very_long_description_is_no_obstacle(world: PaymentsWorld) -> None:
    made = world.payments.create_payin(
        code=world.code("topup"),
        amount_stroops=USD,
        description="ä" * 2000,
        confirmed_url="https://shop.example/ok",
        canceled_url="https://shop.example/no",
    )
    assert made.status is PayinStatus.AWAITING


@pytest.mark.parametrize("amount", [0, -USD, 1, USD + 1, USD // 1000])
def test_an_amount_that_is_no_positive_whole_cents_is_never_sent(
    world: PaymentsWorld, amount: int
) -> None:
    before = world.calls()
    with pytest.raises(ValueError, match="cents"):
        pay_in(world, world.code("topup"), amount=amount)
    with pytest.raises(ValueError, match="cents"):
        pay_out(world, world.code("wd"), amount=amount)
    assert world.calls() == before


@pytest.mark.parametrize("code", ["", "a b", "topup/1", "ü", "x" * 65])
def test_a_code_outside_the_safe_alphabet_is_never_sent(world: PaymentsWorld, code: str) -> None:
    before = world.calls()
    with pytest.raises(ValueError, match="code"):
        pay_in(world, code)
    with pytest.raises(ValueError, match="code"):
        pay_out(world, code)
    assert world.calls() == before


# Pay-outs


def test_a_payout_pays_nobody_before_its_commit(world: PaymentsWorld) -> None:
    code, before = world.code("wd"), world.received_stroops(world.friend)
    made = pay_out(world, code)
    assert (made.code, made.status) == (code, PayoutStatus.CREATED)
    assert made.recipient_email == world.friend
    assert made.amount_stroops == 20 * USD
    assert 0 < made.fee_stroops == made.amount_stroops - made.net_stroops
    assert world.received_stroops(world.friend) == before


def test_a_committed_payout_pays_once_however_often_it_is_committed(world: PaymentsWorld) -> None:
    code, before = world.code("wd"), world.received_stroops(world.friend)
    made = pay_out(world, code)
    first = world.payments.commit_payout(made.provider_id)
    assert (first.code, first.status) == (code, PayoutStatus.COMMITTED)
    assert world.payments.commit_payout(made.provider_id).status is PayoutStatus.COMMITTED
    world.step_payout(code, "complete")
    assert world.payments.commit_payout(made.provider_id).status is PayoutStatus.COMPLETED
    assert world.received_stroops(world.friend) == before + made.net_stroops


def test_the_same_code_gives_the_same_payout(world: PaymentsWorld) -> None:
    code = world.code("wd")
    assert pay_out(world, code) == pay_out(world, code) == world.payments.find_payout(code)
    assert world.count("payout", code) == 1


def test_the_same_code_may_name_another_address_of_the_same_person(world: PaymentsWorld) -> None:
    code = world.code("wd")
    made = pay_out(world, code)
    assert pay_out(world, code, to=world.friend.upper()) == made
    assert pay_out(world, code, to=world.friend_alias) == made


def test_the_same_code_for_another_amount_or_person_is_refused(world: PaymentsWorld) -> None:
    code = world.code("wd")
    pay_out(world, code)
    for call, what in (
        (lambda: pay_out(world, code, amount=21 * USD), "another amount"),
        (lambda: pay_out(world, code, to=world.unverified), "another recipient"),
        (lambda: pay_out(world, code, to="nobody@example.com"), "another recipient"),
    ):
        failure = failure_of(call)
        assert type(failure) is Rejected
        assert what in failure.message
    assert world.count("payout", code) == 1


def test_a_mismatch_with_a_payout_that_was_paid_is_no_refusal(world: PaymentsWorld) -> None:
    code = world.code("wd")
    world.payments.commit_payout(pay_out(world, code).provider_id)
    failure = failure_of(lambda: pay_out(world, code, amount=21 * USD))
    assert type(failure) is OutcomeUnknown
    assert "COMMITTED" in failure.message


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("process", PayoutStatus.PENDING),
        ("wait", PayoutStatus.PENDING_USER_ACTION),
        ("complete", PayoutStatus.COMPLETED),
        ("fail", PayoutStatus.FAILED),
        ("cancel", PayoutStatus.CANCELED),
    ],
)
def test_a_payout_is_followed_by_its_code(
    world: PaymentsWorld, action: str, status: PayoutStatus
) -> None:
    code = world.code("wd")
    world.payments.commit_payout(pay_out(world, code).provider_id)
    world.step_payout(code, action)
    found = world.payments.find_payout(code)
    assert found is not None
    assert found.status is status
    if status is PayoutStatus.FAILED:
        assert found.reason_code == "415073"
        assert found.reason


@pytest.mark.parametrize("status", ["ERROR", "BRIDGE_FAILED", "SOMETHING_NEW"])
def test_a_payout_status_we_cannot_place_is_unclear(world: PaymentsWorld, status: str) -> None:
    code = world.code("wd")
    pay_out(world, code)
    world.show_status("payout", code, status)
    found = world.payments.find_payout(code)
    assert found is not None
    assert (found.status, found.raw_status) == (PayoutStatus.UNCLEAR, status)


def test_a_payout_nobody_made_is_not_found(world: PaymentsWorld) -> None:
    assert world.payments.find_payout(world.code("nothing")) is None


def test_a_canceled_payout_gives_the_money_back_and_stays_canceled(world: PaymentsWorld) -> None:
    before = world.payments.enterprise_balance()
    made = pay_out(world, world.code("wd"))
    held = world.payments.enterprise_balance()
    assert held.available_stroops == before.available_stroops - 20 * USD
    assert held.pending_stroops == before.pending_stroops + 20 * USD
    assert world.payments.cancel_payout(made.provider_id).status is PayoutStatus.CANCELED
    assert world.payments.cancel_payout(made.provider_id).status is PayoutStatus.CANCELED
    assert world.payments.enterprise_balance() == before


def test_a_committed_payout_cannot_be_canceled(world: PaymentsWorld) -> None:
    made = pay_out(world, world.code("wd"))
    world.payments.commit_payout(made.provider_id)
    failure = failure_of(lambda: world.payments.cancel_payout(made.provider_id))
    assert isinstance(failure, Rejected)
    assert failure.error_code == "INVALID_STATE"
    assert "COMMITTED" in failure.message


def test_a_canceled_payout_is_reported_as_such_when_committed(world: PaymentsWorld) -> None:
    made = pay_out(world, world.code("wd"))
    world.payments.cancel_payout(made.provider_id)
    assert world.payments.commit_payout(made.provider_id).status is PayoutStatus.CANCELED


def test_who_cannot_be_paid_is_refused(world: PaymentsWorld) -> None:
    for email in ("nobody@example.com", world.inactive):
        failure = failure_of(lambda email=email: pay_out(world, world.code("wd"), to=email))  # type: ignore[misc]
        assert isinstance(failure, Rejected)
        assert failure.error_code == "WITHDRAWAL_DESTINATION_INVALID"


def test_too_little_for_the_recipient_is_refused(world: PaymentsWorld) -> None:
    failure = failure_of(
        lambda: pay_out(world, world.code("wd"), amount=USD // 2, to="us@example.com")
    )
    assert isinstance(failure, Rejected)
    assert failure.error_code == "INVALID_AMOUNT"


def test_an_empty_treasury_is_no_refusal(world: PaymentsWorld) -> None:
    failure = failure_of(lambda: pay_out(world, world.code("wd"), amount=1_000_000 * USD))
    assert type(failure) is Unavailable
    assert failure.code == "415016"


# Accounts and the rest


def test_an_account_is_found_by_any_of_its_addresses(world: PaymentsWorld) -> None:
    found = world.payments.find_account(world.friend)
    assert found is not None
    assert (found.active, found.verified, found.has_name, found.country) == (
        True,
        True,
        True,
        "ARG",
    )
    assert world.payments.find_account(world.friend_alias) == found


def test_accounts_that_are_inactive_or_not_verified_say_so(world: PaymentsWorld) -> None:
    inactive = world.payments.find_account(world.inactive)
    unverified = world.payments.find_account(world.unverified)
    assert inactive is not None
    assert unverified is not None
    assert (inactive.active, unverified.active, unverified.verified) == (False, True, False)


@pytest.mark.parametrize("email", ["nobody@example.com", "a/b?c#d@example.com", "ü@example.com"])
def test_an_account_nobody_has_is_not_found(world: PaymentsWorld, email: str) -> None:
    assert world.payments.find_account(email) is None


def test_ping_needs_valid_credentials(world: PaymentsWorld) -> None:
    world.payments.ping()
    failure = failure_of(world.with_wrong_credentials().ping)
    assert type(failure) is Rejected
    assert failure.error_code == "PROVIDER_ERROR"


# When things go wrong


@pytest.mark.parametrize("kind", AFTER)
def test_a_payin_made_behind_our_back_is_found_and_not_made_again(
    world: PaymentsWorld, kind: str
) -> None:
    code = world.code("topup")
    world.break_next(kind, on="create_payin")
    assert type(failure_of(lambda: pay_in(world, code))) is OutcomeUnknown
    found = world.payments.find_payin(code)
    assert found is not None
    assert pay_in(world, code) == found
    assert world.count("payin", code) == 1


@pytest.mark.parametrize("kind", BEFORE)
def test_a_payin_that_was_not_made_is_not_claimed(world: PaymentsWorld, kind: str) -> None:
    code = world.code("topup")
    world.break_next(kind, on="create_payin")
    assert type(failure_of(lambda: pay_in(world, code))) is OutcomeUnknown
    assert world.payments.find_payin(code) is None
    assert pay_in(world, code).status is PayinStatus.AWAITING


@pytest.mark.parametrize("kind", AFTER)
def test_a_payout_made_behind_our_back_is_found_and_not_made_again(
    world: PaymentsWorld, kind: str
) -> None:
    code = world.code("wd")
    world.break_next(kind, on="create_payout")
    assert type(failure_of(lambda: pay_out(world, code))) is OutcomeUnknown
    found = world.payments.find_payout(code)
    assert found is not None
    assert pay_out(world, code) == found
    assert world.count("payout", code) == 1


@pytest.mark.parametrize("kind", [*AFTER, *BEFORE])
def test_a_commit_gone_wrong_is_settled_by_looking_and_pays_once(
    world: PaymentsWorld, kind: str
) -> None:
    code, before = world.code("wd"), world.received_stroops(world.friend)
    made = pay_out(world, code)
    world.break_next(kind, on="commit_payout")
    if kind == "wrong_body_after":
        world.payments.commit_payout(made.provider_id)  # its answer's body means nothing
    else:
        failure = failure_of(lambda: world.payments.commit_payout(made.provider_id))
        assert type(failure) is OutcomeUnknown
    found = world.payments.find_payout(code)
    assert found is not None
    assert found.status is (PayoutStatus.COMMITTED if kind in AFTER else PayoutStatus.CREATED)
    assert world.payments.commit_payout(made.provider_id).status is PayoutStatus.COMMITTED
    world.step_payout(code, "complete")
    assert world.received_stroops(world.friend) == before + made.net_stroops


@pytest.mark.parametrize("kind", AFTER)
def test_a_cancel_gone_wrong_may_be_repeated(world: PaymentsWorld, kind: str) -> None:
    made, out = pay_in(world, world.code("topup")), pay_out(world, world.code("wd"))
    world.break_next(kind, on="cancel_payin")
    assert type(failure_of(lambda: world.payments.cancel_payin(made.provider_id))) is OutcomeUnknown
    assert world.payments.cancel_payin(made.provider_id).status is PayinStatus.CANCELED
    world.break_next(kind, on="cancel_payout")
    assert type(failure_of(lambda: world.payments.cancel_payout(out.provider_id))) is OutcomeUnknown
    assert world.payments.cancel_payout(out.provider_id).status is PayoutStatus.CANCELED


@pytest.mark.parametrize("kind", [*AFTER, *BEFORE])
def test_a_read_gone_wrong_is_unavailable_and_never_nothing(
    world: PaymentsWorld, kind: str
) -> None:
    code = world.code("topup")
    pay_in(world, code)
    payments = world.payments
    for read in (
        lambda: payments.find_payin(code),
        lambda: payments.find_payout(code),
        lambda: payments.find_account(world.friend),
        payments.enterprise_balance,
        payments.ping,
    ):
        world.break_next(kind, on="read")
        assert type(failure_of(read)) is Unavailable


@pytest.mark.parametrize(
    "on", ["create_payin", "create_payout", "commit_payout", "cancel_payin", "cancel_payout"]
)
def test_slowed_down_by_the_provider_nothing_happened(world: PaymentsWorld, on: str) -> None:
    topup, withdrawal = world.code("topup"), world.code("wd")
    made, out = pay_in(world, topup), pay_out(world, withdrawal)
    new_topup, new_withdrawal = world.code("topup"), world.code("wd")
    world.break_next("rate_limited", on=on)
    calls: dict[str, Callable[[], object]] = {
        "create_payin": lambda: pay_in(world, new_topup),
        "create_payout": lambda: pay_out(world, new_withdrawal),
        "commit_payout": lambda: world.payments.commit_payout(out.provider_id),
        "cancel_payin": lambda: world.payments.cancel_payin(made.provider_id),
        "cancel_payout": lambda: world.payments.cancel_payout(out.provider_id),
    }
    assert type(failure_of(calls[on])) is RateLimited
    assert world.count("payin", new_topup) == world.count("payout", new_withdrawal) == 0
    assert world.payments.find_payin(topup) == made
    assert world.payments.find_payout(withdrawal) == out


def test_our_own_limit_stops_a_call_before_it_is_sent(world: PaymentsWorld) -> None:
    before = world.calls()
    world.limiter.left = 0
    failure = failure_of(lambda: pay_in(world, world.code("topup")))
    assert type(failure) is RateLimited
    assert failure.retry_after_s == 3.0
    assert world.calls() == before


@pytest.mark.parametrize("kind", ["rate_limited", "error_500_before", "reset_after", "our limit"])
def test_once_committed_a_failing_look_is_not_told_as_nothing_happened(
    world: PaymentsWorld, kind: str
) -> None:
    code = world.code("wd")
    made = pay_out(world, code)
    if kind == "our limit":
        world.limiter.left = 1
    else:
        world.break_next(kind, on="read")
    failure = failure_of(lambda: world.payments.commit_payout(made.provider_id))
    assert type(failure) is OutcomeUnknown
    world.limiter.left = None
    found = world.payments.find_payout(code)
    assert found is not None
    assert found.status is PayoutStatus.COMMITTED


@pytest.mark.parametrize("kind", ["rate_limited", "error_500_before", "reset_after", "our limit"])
def test_once_made_a_failing_look_is_not_told_as_nothing_happened(
    world: PaymentsWorld, kind: str
) -> None:
    topup, withdrawal = world.code("topup"), world.code("wd")
    pay_in(world, topup)
    pay_out(world, withdrawal)
    for again in (lambda: pay_in(world, topup), lambda: pay_out(world, withdrawal)):
        if kind == "our limit":
            world.limiter.left = 1
        else:
            world.break_next(kind, on="read")
        assert type(failure_of(again)) is OutcomeUnknown
        world.limiter.left = None


def test_with_nobody_there_nothing_happened() -> None:
    with airtm_in_sandbox() as world:
        made = pay_in(world, "topup_1")
        world.stop()
        calls: list[Callable[[], object]] = [
            lambda: pay_in(world, "topup_2"),
            lambda: pay_out(world, "wd_2"),
            lambda: world.payments.commit_payout("x"),
            lambda: world.payments.cancel_payin(made.provider_id),
            lambda: world.payments.cancel_payout("x"),
            lambda: world.payments.find_payin("topup_1"),
            lambda: world.payments.find_payout("wd_1"),
            lambda: world.payments.find_account(world.friend),
            world.payments.enterprise_balance,
            world.payments.ping,
        ]
        for call in calls:
            assert type(failure_of(call)) in (Unavailable, OutcomeUnknown)
        # The first call may still find a connection from before; after it there is none.
        assert type(failure_of(lambda: pay_in(world, "topup_3"))) is Unavailable
