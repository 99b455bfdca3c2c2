"""Differences as data: how each is brought about, and as what a reconciliation must find it.

Each is done to people of its own, by the sandbox's control routes or by SQL in our own database,
as a bug, a thief or a lost message would. `arrange` answers the subject that the difference is
about.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from stellar_sdk import Keypair, StrKey

from offerhub.domain import ids
from offerhub.domain.differences import Difference
from offerhub.ledger import accounts, journal, transfers
from offerhub.ports.chain import SigningKey
from offerhub.ports.escrow import EscrowTerms, MilestoneTerms
from offerhub.services import disputes, operations, orders, topups, users, withdrawals
from offerhub.store.database import atomic, execute
from tests.services.world import USD, World

_numbers = count(1)


@dataclass(frozen=True)
class Seed:
    """`left`: whether it is for the operator; false where a run puts it right."""

    name: str
    kind: Difference
    arrange: Callable[[World], str]
    left: bool = True


def sql(statement: str) -> None:
    """As somebody would who has the database's password."""
    with atomic():
        execute(statement)


def person(world: World, amount: str | None = None) -> dict[str, Any]:
    """A user with a wallet and an Airtm account of their own, perhaps with USDC."""
    number = next(_numbers)
    email = f"person-{number}@example.com"
    world.control("POST", "/airtm/users", email=email, first_name="A", last_name="B",
                  country="MEX", wallet="10000.00")  # fmt: skip
    made = world.user(f"person-{number}", email=email)
    if amount is not None:
        world.topped_up(made["id"], amount, email=email)
    return {**made, "email": email}


def topup(world: World, who: dict[str, Any], amount: int = 10 * USD) -> str:
    """A top-up that waits for its user at the checkout."""
    made = topups.create_topup(
        world.ctx, user_id=who["id"], amount_stroops=amount,
        return_url="http://localhost/return", cancel_url="http://localhost/cancel",
    )  # fmt: skip
    world.drain()
    return str(made["id"])


def payout(world: World, who: dict[str, Any], amount: int = 5 * USD) -> str:
    """A withdrawal to Airtm whose pay-out is under way there."""
    made = withdrawals.create_withdrawal(
        world.ctx, user_id=who["id"], amount_stroops=amount, destination_type="AIRTM_BALANCE",
        destination_ref=who["email"], commit=True,
    )  # fmt: skip
    world.drain()
    return str(made["id"])


def paid_on_chain(world: World, who: dict[str, Any], amount: int = 5 * USD) -> str:
    """A withdrawal that was paid to an address outside."""
    outside = world.control("POST", "/stellar/outside-account")["address"]
    made = withdrawals.create_withdrawal(
        world.ctx, user_id=who["id"], amount_stroops=amount, destination_type="CRYPTO",
        destination_ref=outside,
    )  # fmt: skip
    world.drain()
    return str(made["id"])


def escrow(world: World, **more: Any) -> tuple[str, str, str]:
    """(escrow id, contract, order) of an order in progress."""
    buyer, seller = world.funded_user(f"buyer-{next(_numbers)}", "60.00"), person(world)
    order_id = world.in_progress(buyer["id"], seller["id"], "50.00", **more)
    shown = orders.get_order(world.ctx, order_id)["escrow"]
    return shown["id"], shown["trustless_contract_id"], order_id


# --- Airtm ------------------------------------------------------------------------------------


def _payin_missing(world: World) -> str:
    id_ = topup(world, person(world))
    _sandbox_sql(world, f"DELETE FROM airtm_payins WHERE code = '{id_}'")
    return id_


def _sandbox_sql(world: World, statement: str) -> None:
    with world.sandbox.store.transaction():
        world.sandbox.store.execute(statement)


def _payin_unknown(world: World) -> str:
    code = ids.new_id(ids.TOPUP)
    world.app.payments.create_payin(
        code=code, amount_stroops=7 * USD, description="not ours",
        confirmed_url="https://example.com/a", canceled_url="https://example.com/b",
    )  # fmt: skip
    return code


def _payin_amount(world: World) -> str:
    id_ = topup(world, person(world))
    sql(f"UPDATE topups SET amount = amount + 10000000 WHERE id = '{id_}'")
    return id_


def _payin_state(world: World) -> str:
    who = person(world)
    id_ = topup(world, who)
    sql(f"UPDATE topups SET status = 'TOPUP_FAILED' WHERE id = '{id_}'")
    return id_


def _payin_behind(world: World) -> str:
    who = person(world)
    id_ = topup(world, who)
    world.control("POST", f"/payins/{id_}/pay", email=who["email"])
    world.until(lambda: world.control("GET", f"/payins/{id_}")["status"] == "CONFIRMED")
    return id_


def _payout_missing(world: World) -> str:
    id_ = payout(world, person(world, "20.00"))
    code = id_
    sql(f"UPDATE withdrawals SET status = 'WITHDRAWAL_PENDING' WHERE id = '{id_}'")
    _sandbox_sql(world, f"UPDATE airtm_payouts SET code = NULL WHERE code = '{code}'")
    return id_


def _payout_unknown(world: World) -> str:
    code = ids.new_id(ids.WITHDRAWAL)
    who = person(world)
    world.app.payments.create_payout(
        code=code, amount_stroops=1 * USD, recipient_email=who["email"], note="not ours"
    )
    return code


def _payout_state(world: World) -> str:
    id_ = payout(world, person(world, "20.00"))
    world.finish_withdrawal(id_)
    sql(f"UPDATE withdrawals SET status = 'WITHDRAWAL_CANCELED' WHERE id = '{id_}'")
    return id_


def _payout_behind(world: World) -> str:
    id_ = payout(world, person(world, "20.00"))
    world.until(lambda: world.control("GET", f"/payouts/{id_}")["status"] == "COMPLETED")
    return id_


def _payout_amount(world: World) -> str:
    id_ = payout(world, person(world, "20.00"))
    world.finish_withdrawal(id_)
    sql(f"UPDATE withdrawals SET amount = amount - 10000000 WHERE id = '{id_}'")
    return id_


def _booked_amount(world: World) -> str:
    """A top-up that says more than was credited."""
    who = person(world)
    shown = world.topped_up(who["id"], "10.00", email=who["email"])
    sql(f"UPDATE topups SET net_amount = net_amount + 1 WHERE id = '{shown['id']}'")
    return str(shown["id"])


def _return_unmatched(world: World) -> str:
    made = world.control("POST", "/airtm/balance/credit", amount="3.00", type="refunded")
    return str(made["deposit_id"])


# --- chain ------------------------------------------------------------------------------------


def _payment_missing(world: World) -> str:
    id_ = paid_on_chain(world, world.funded_user(f"payer-{next(_numbers)}", "20.00"))
    sql(f"UPDATE withdrawals SET stellar_tx_hash = '{next(_numbers):064x}' WHERE id = '{id_}'")
    return id_


def _payment_differs(world: World) -> str:
    id_ = paid_on_chain(world, world.funded_user(f"payer-{next(_numbers)}", "20.00"))
    other = Keypair.random().public_key
    sql(f"UPDATE withdrawals SET destination_ref = '{other}' WHERE id = '{id_}'")
    return id_


def _payment_memo(world: World) -> str:
    id_ = paid_on_chain(world, world.funded_user(f"payer-{next(_numbers)}", "20.00"))
    sql(f"UPDATE withdrawals SET destination_memo = 'somebody else' WHERE id = '{id_}'")
    return id_


def _funding_missing(world: World) -> str:
    escrow_id, _, _ = escrow(world)
    sql(f"UPDATE escrows SET fund_tx_hash = '{'ab' * 32}' WHERE id = '{escrow_id}'")
    return escrow_id


def _payout_of_another(world: World) -> str:
    """The hash of a real payment, which paid somebody else from somewhere else."""
    id_ = paid_on_chain(world, world.funded_user(f"payer-{next(_numbers)}", "20.00"))
    hash_ = str(withdrawals.get_withdrawal(world.ctx, id_)["stellar_tx_hash"])
    escrow_id, _, order_id = escrow(world)
    world.release(order_id)
    sql(f"UPDATE escrows SET release_tx_hash = '{hash_}' WHERE id = '{escrow_id}'")
    return escrow_id


def _payment_twice(world: World) -> str:
    who = world.funded_user(f"payer-{next(_numbers)}", "20.00")
    first, second = paid_on_chain(world, who), paid_on_chain(world, who)
    shown = withdrawals.get_withdrawal(world.ctx, first)
    hash_ = str(shown["stellar_tx_hash"])
    sql(f"UPDATE withdrawals SET stellar_tx_hash = '{hash_}' WHERE id = '{second}'")
    return hash_


def _steal(world: World, who: dict[str, Any]) -> None:
    """Somebody else uses the user's key."""
    with atomic():
        sealed = execute(
            f"SELECT id, sealed_key FROM wallets WHERE user_id = '{who['id']}'"
        ).fetchone()
    key: SigningKey = world.app.vault.open(sealed[1], binding=sealed[0])
    outside = world.control("POST", "/stellar/outside-account")["address"]
    built = world.app.chain.build_payment(source=key, destination=outside, amount_stroops=2 * USD)
    world.app.chain.submit(built)


def _payment_unknown(world: World) -> str:
    who = world.funded_user(f"victim-{next(_numbers)}", "20.00")
    _steal(world, who)
    return str(who["id"])


def _deposit_unread(world: World) -> str:
    """The id of a deposit is made when it is read; its wallet tells it."""
    who = person(world)
    world.deposit(who["wallet"]["address"], "4.00")
    return f"wallet:{who['wallet']['id']}"


def _deposit_uncredited(world: World) -> str:
    """Somebody moved the reader's position past a deposit."""
    who = person(world)
    world.deposit(who["wallet"]["address"], "4.00")
    cursor = (world.app.chain.head().sequence + 1) << 32
    sql(f"UPDATE wallets SET cursor = '{cursor}' WHERE id = '{who['wallet']['id']}'")
    return str(who["wallet"]["id"])


def _wallet_balance(world: World) -> str:
    """Credited in the books, with nothing on chain."""
    who = person(world)
    with atomic():
        journal.post(
            transfers.deposit_credited(
                deposit_key=f"never.{next(_numbers)}", deposit_id="dep_never",
                user_id=who["id"], amount=7,
            ),
            now_ms=world.app.now_ms(),
        )  # fmt: skip
    return str(who["id"])


def _wallet_missing(world: World) -> str:
    who = person(world)
    gone = Keypair.random().public_key
    sql(f"UPDATE wallets SET address = '{gone}' WHERE id = '{who['wallet']['id']}'")
    return str(who["wallet"]["id"])


def _xlm_low(world: World) -> str:
    """A wallet that was made with a tenth of what it should have."""
    poor = replace(world.app, policy=replace(world.app.policy, wallet_xlm_stroops=1_000_000))
    made = users.create_user(world.ctx, external_user_id=f"poor-{next(_numbers)}", type="BOTH")
    world.drain(poor)
    return str(users.get_user(world.ctx, made["id"])["wallet"]["id"])


def _wallet_frozen(world: World) -> str:
    who = person(world)
    world.control("POST", "/stellar/freeze", address=who["wallet"]["address"])
    return str(who["wallet"]["id"])


def _treasury_balance(world: World) -> str:
    world.control("POST", "/airtm/balance/credit", amount="1.00")
    return accounts.AIRTM_TREASURY


# --- escrows ----------------------------------------------------------------------------------


def _escrow_missing(world: World) -> str:
    escrow_id, contract, _ = escrow(world)
    other = StrKey.encode_contract(Keypair.random().raw_public_key())
    assert other != contract
    sql(f"UPDATE escrows SET trustless_contract_id = '{other}' WHERE id = '{escrow_id}'")
    return escrow_id


def _escrow_dust(world: World) -> str:
    _, contract, order_id = escrow(world)
    world.control("POST", "/stellar/dust", contract=contract, amount="0.0000002")
    return accounts.contract(order_id)


def _escrow_terms(world: World) -> str:
    escrow_id, _, _ = escrow(world)
    other = Keypair.random().public_key
    sql(f"UPDATE escrows SET seller_address = '{other}' WHERE id = '{escrow_id}'")
    return escrow_id


def _escrow_state(world: World) -> str:
    """The contract is disputed; a restored database does not know."""
    escrow_id, _, order_id = escrow(world)
    disputes.open_dispute(world.ctx, order_id, opened_by="BUYER", reason="NOT_DELIVERED")
    world.drain()
    sql(f"UPDATE escrows SET status = 'FUNDED' WHERE id = '{escrow_id}'")
    return escrow_id


def _milestone_state(world: World) -> str:
    milestones = [("a", "First", 25 * USD), ("b", "Second", 25 * USD)]
    escrow_id, _, order_id = escrow(world, milestones=milestones)
    sql(
        "UPDATE milestones SET status = 'RELEASED'"
        f" WHERE order_id = '{order_id}' AND milestone_ref = 'a'"
    )
    return escrow_id


def _escrow_unknown(world: World) -> str:
    """Our key deployed a contract, and no order of ours has it."""
    buyer, seller = person(world), person(world)
    keys = world.app.platform_keys
    terms = EscrowTerms(
        order_id=ids.new_id(ids.ORDER), multi_release=False, title="stray", description="stray",
        buyer=buyer["wallet"]["address"], seller=seller["wallet"]["address"],
        platform=keys.treasury.address, release_signer=keys.release.address,
        dispute_resolver=keys.resolver.address, amount_stroops=5 * USD, platform_fee_bps=100,
        milestones=(MilestoneTerms("stray", 5 * USD),),
    )  # fmt: skip
    built = world.app.escrows.build_deploy(terms, signer=keys.treasury)
    sent = world.app.escrows.send(built)
    assert sent.contract_id is not None
    return sent.contract_id


# --- inside -----------------------------------------------------------------------------------


def _ledger_invariant(world: World) -> str:
    who = person(world, "10.00")
    name = accounts.user(who["id"], accounts.AVAILABLE)
    sql(f"UPDATE accounts SET balance = balance + 1 WHERE name = '{name}'")
    return name


def _operation(world: World, status: str) -> str:
    user = person(world)
    with atomic():
        row = operations.start(
            world.ctx, kind="wallet.create", subject_type="user", subject_id=user["id"],
            params={"user_id": user["id"]},
        )  # fmt: skip
        execute(f"UPDATE operations SET status = '{status}' WHERE id = '{row.id}'")
    return row.id


def _work_missing(world: World) -> str:
    id_ = topup(world, person(world))
    sql(f"UPDATE topups SET next_check_at = NULL WHERE id = '{id_}'")
    return id_


def _webhook_row(world: World, status: str, code: str = "topup_gone") -> str:
    id_ = ids.new_id(ids.INBOX)
    now = world.app.now_ms()
    sql(
        "INSERT INTO inbox_events (id, provider, event_id, event_type, code, body, status,"
        " attempts, next_attempt_at, received_at) VALUES"
        f" ('{id_}', 'airtm', 'msg_{id_}', 'payin.confirmed', '{code}', '{{}}', '{status}',"
        f" 1, {'NULL' if status == 'DEAD' else now}, {now})"
    )
    return id_


def _webhook_missing(world: World) -> str:
    """One webhook came, so they do come; that of another pay-in did not, and a look found it."""
    _webhook_row(world, "APPLIED")
    who = person(world)
    world.topped_up(who["id"], "10.00", email=who["email"])
    return "airtm"


def _delivery_failed(world: World) -> str:
    endpoint = ids.new_id(ids.WEBHOOK_ENDPOINT)
    now = world.app.now_ms()
    sql(
        "INSERT INTO webhook_endpoints (id, url, events, sealed_secrets, cursor, created_at,"
        f" updated_at) VALUES ('{endpoint}', 'https://shop.example', '[]', '[]', 0, {now}, {now})"
    )
    sql(
        "INSERT INTO webhook_deliveries (id, endpoint_id, event_id, status, attempts, created_at,"
        f" updated_at) VALUES ('{ids.new_id(ids.DELIVERY)}', '{endpoint}', 'evt_x',"
        f" 'FAILED', 10, {now}, {now})"
    )
    return endpoint


SEEDS = (
    Seed("a pay-in that Airtm lost", Difference.PAYIN_MISSING, _payin_missing),
    Seed("a pay-in of somebody else's", Difference.PAYIN_UNKNOWN, _payin_unknown),
    Seed("a top-up of another amount", Difference.PAYIN_AMOUNT, _payin_amount),
    Seed("a top-up that failed while its pay-in waits", Difference.PAYIN_STATE, _payin_state),
    Seed("a paid pay-in without webhook", Difference.PAYIN_BEHIND, _payin_behind, left=False),
    Seed("a pay-out that Airtm lost", Difference.PAYOUT_MISSING, _payout_missing),
    Seed("a pay-out of somebody else's", Difference.PAYOUT_UNKNOWN, _payout_unknown),
    Seed("a withdrawal of another amount", Difference.PAYOUT_AMOUNT, _payout_amount),
    Seed("a paid withdrawal that says canceled", Difference.PAYOUT_STATE, _payout_state),
    Seed("a paid pay-out without webhook", Difference.PAYOUT_BEHIND, _payout_behind, left=False),
    Seed("a top-up whose books say less", Difference.BOOKED_AMOUNT, _booked_amount),
    Seed("returned money of nobody", Difference.RETURN_UNMATCHED, _return_unmatched),
    Seed("a payment that is not on chain", Difference.PAYMENT_MISSING, _payment_missing),
    Seed("a payment to another address", Difference.PAYMENT_DIFFERS, _payment_differs),
    Seed("a payment with another memo", Difference.PAYMENT_DIFFERS, _payment_memo),
    Seed("a funding that is not on chain", Difference.PAYMENT_MISSING, _funding_missing),
    Seed("a payout that was another's", Difference.PAYMENT_DIFFERS, _payout_of_another),
    Seed("one payment for two withdrawals", Difference.PAYMENT_TWICE, _payment_twice),
    Seed("USDC that a thief took", Difference.PAYMENT_UNKNOWN, _payment_unknown),
    Seed("an old deposit that nobody read", Difference.DEPOSIT_UNREAD, _deposit_unread, left=False),
    Seed("a deposit passed over", Difference.DEPOSIT_UNCREDITED, _deposit_uncredited, left=False),
    Seed("a credit without deposit", Difference.ASSET_BALANCE, _wallet_balance),
    Seed("a wallet that is not on chain", Difference.WALLET_MISSING, _wallet_missing),
    Seed("a wallet without XLM", Difference.XLM_LOW, _xlm_low, left=False),
    Seed("a frozen wallet", Difference.WALLET_FROZEN, _wallet_frozen),
    Seed("money at Airtm that nobody booked", Difference.ASSET_BALANCE, _treasury_balance),
    Seed("a contract that is not there", Difference.ESCROW_MISSING, _escrow_missing),
    Seed("dust in a contract", Difference.ASSET_BALANCE, _escrow_dust),
    Seed("another seller in the contract", Difference.ESCROW_TERMS, _escrow_terms),
    Seed("a dispute that we do not know of", Difference.ESCROW_STATE, _escrow_state),
    Seed("a milestone that was not released", Difference.MILESTONE_STATE, _milestone_state),
    Seed("a contract of no order", Difference.ESCROW_UNKNOWN, _escrow_unknown),
    Seed("a balance changed by hand", Difference.LEDGER_INVARIANT, _ledger_invariant),
    Seed("stuck work", Difference.OPERATION_STUCK, lambda world: _operation(world, "STUCK")),
    Seed("a top-up that nobody asks about", Difference.WORK_MISSING, _work_missing, left=False),
    Seed("a dead webhook", Difference.WEBHOOK_UNAPPLIED, lambda world: _webhook_row(world, "DEAD")),
    Seed(
        "a webhook that nobody applies", Difference.WEBHOOK_UNAPPLIED,
        lambda world: _webhook_row(world, "RECEIVED"), left=False,
    ),
    Seed("a webhook that never came", Difference.WEBHOOK_MISSING, _webhook_missing),
    Seed("an event that did not arrive", Difference.DELIVERY_FAILED, _delivery_failed),
    # The last one: whoever performs what is pending would perform it.
    Seed(
        "work that nobody does", Difference.OPERATION_IDLE,
        lambda world: _operation(world, "PENDING"),
        left=False,
    ),
)  # fmt: skip
