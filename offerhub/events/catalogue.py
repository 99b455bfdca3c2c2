"""What each event says, for the generated documents; the types themselves are `domain.events`."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Described:
    """When an event is recorded, what its payload holds, and whom it concerns."""

    when: str
    payload: str
    users: str


_USER = "`user`"
_TOPUP = "`topup`"
_ORDER = "`order`"
_ESCROW = "`order_id`, `escrow`"
_MILESTONE = "`order_id`, `milestone`"
_DISPUTE = "`dispute`"
_WITHDRAWAL = "`withdrawal`"
_BALANCE = "`user_id`, `amount`, `amount_exact`, `transfer_id`, `subject_type`, `subject_id`"
_OPERATION = "`operation_id`, `kind`, `subject_type`, `subject_id`"
_ONE, _BOTH, _NOBODY = "the user", "buyer and seller", "none"

# type: (when, payload, users)
_SENTENCES: Final = {
    "user.created": ("A user was registered.", _USER, _ONE),
    "user.updated": ("A user's type, e-mail, metadata or status changed.", _USER, _ONE),
    "user.airtm_linked": ("A user's Airtm account was checked and linked.", _USER, _ONE),
    "user.suspended": ("A user may not move money out any more.", _USER, _ONE),
    "wallet.created": (
        "A user's wallet exists on chain and can receive USDC.",
        "`wallet` (`id`, `user_id`, `address`)",
        _ONE,
    ),
    "balance.credited": (
        "Available money was added: a top-up, a deposit, a payout of an escrow, an adjustment.",
        _BALANCE,
        _ONE,
    ),
    "balance.debited": ("An adjustment took available money away.", _BALANCE, _ONE),
    "balance.reserved": ("Available money was set aside for an order.", _BALANCE, _ONE),
    "balance.released": (
        "A hold ended and its money is available again: a canceled order, a withdrawal that was"
        " canceled or failed.",
        _BALANCE,
        _ONE,
    ),
    "balance.discrepancy_detected": (
        "The books differ from what the provider or the chain says; nothing was changed.",
        "`difference_id`, `kind`, `account`, `place`, `ours`, `ours_exact`, `theirs`,"
        " `theirs_exact`",
        "the wallet's user, if it is a wallet",
    ),
    "topup.created": ("A top-up was asked for.", _TOPUP, _ONE),
    "topup.confirmation_required": (
        "Airtm knows the pay-in; its `confirmation_url` is there for the payer.",
        _TOPUP,
        _ONE,
    ),
    "topup.processing": ("The payer has confirmed; the money is on its way.", _TOPUP, _ONE),
    "topup.succeeded": (
        "The money arrived and is credited (`late_success`: after our own expiry).",
        _TOPUP,
        _ONE,
    ),
    "topup.failed": ("The pay-in failed or was refused; no money moved.", _TOPUP, _ONE),
    "topup.canceled": ("The pay-in was canceled or expired.", _TOPUP, _ONE),
    "order.created": ("An order was recorded.", _ORDER, _BOTH),
    "order.funds_reserved": (
        "The buyer's money is reserved; or reserved again, since the contract was not deployed.",
        _ORDER,
        _BOTH,
    ),
    "order.escrow_creating": ("The contract is being deployed.", _ORDER, _BOTH),
    "order.escrow_funding": ("The contract is on chain and can be funded.", _ORDER, _BOTH),
    "order.escrow_funded": ("The contract holds the money.", _ORDER, _BOTH),
    "order.in_progress": (
        "Work may go on: after funding, after a request that was refused, or after one milestone's"
        " dispute.",
        _ORDER,
        _BOTH,
    ),
    "order.release_requested": ("The seller is to be paid.", _ORDER, _BOTH),
    "order.released": ("The seller was paid on chain.", _ORDER, _BOTH),
    "order.refund_requested": ("The buyer is to be paid back.", _ORDER, _BOTH),
    "order.refunded": ("The buyer was paid back on chain.", _ORDER, _BOTH),
    "order.disputed": ("One party opened a dispute.", _ORDER, _BOTH),
    "order.closed": ("Nothing more will happen; `resolution` says how it ended.", _ORDER, _BOTH),
    "order.canceled": ("The order was canceled before it had an escrow.", _ORDER, _BOTH),
    "escrow.created": ("The contract is on chain.", _ESCROW, _BOTH),
    "escrow.funding_started": ("The funding was asked for.", _ESCROW, _BOTH),
    "escrow.funded": ("The contract holds the order's amount.", _ESCROW, _BOTH),
    "escrow.milestone_completed": ("The seller marked a milestone as done.", _MILESTONE, _BOTH),
    "escrow.milestone_released": ("A milestone was paid.", _MILESTONE, _BOTH),
    "escrow.released": (
        "The contract has paid out, to the seller or as a split (`resolution`).",
        _ESCROW,
        _BOTH,
    ),
    "escrow.refunded": ("The contract has paid the buyer back.", _ESCROW, _BOTH),
    "dispute.opened": ("A dispute was opened.", _DISPUTE, _BOTH),
    "dispute.under_review": ("Somebody was assigned to the dispute.", _DISPUTE, _BOTH),
    "dispute.commented": ("A comment was added.", _DISPUTE, _BOTH),
    "dispute.resolved": ("The decision was carried out on chain.", _DISPUTE, _BOTH),
    "withdrawal.created": ("A withdrawal was asked for; its amount is held.", _WITHDRAWAL, _ONE),
    "withdrawal.committed": ("It is to be paid.", _WITHDRAWAL, _ONE),
    "withdrawal.pending": ("Airtm is paying it out.", _WITHDRAWAL, _ONE),
    "withdrawal.pending_user_action": (
        "Airtm waits for the recipient to do something.",
        _WITHDRAWAL,
        _ONE,
    ),
    "withdrawal.completed": ("It was paid.", _WITHDRAWAL, _ONE),
    "withdrawal.failed": ("It was not paid; the hold has ended.", _WITHDRAWAL, _ONE),
    "withdrawal.canceled": ("It was canceled; the hold has ended.", _WITHDRAWAL, _ONE),
    "operation.stuck": (
        "Long work needs an operator: out of attempts, refused, or in contradiction to a provider.",
        f"{_OPERATION}, `step`, `error_code`",
        _NOBODY,
    ),
    "operation.settled": (
        "An operator ended stuck work by hand.",
        f"{_OPERATION}, `outcome`",
        _NOBODY,
    ),
    "maintenance.enabled": (
        "Mutations are refused for now.",
        "`enabled`, `message`, `retry_after_s`, `since`, `by`",
        _NOBODY,
    ),
    "maintenance.disabled": (
        "Mutations are accepted again.",
        "`enabled`, `message`, `retry_after_s`, `since`, `by`",
        _NOBODY,
    ),
    "reconciliation.completed": (
        "Everything of ours was compared with the providers and the chain.",
        "`reconciliation`",
        _NOBODY,
    ),
    "key.created": ("An API key was made.", "the key, without its secret", _NOBODY),
    "key.revoked": ("An API key and its tokens ended.", "the key, without its secret", _NOBODY),
}

DESCRIBED: Final = {name: Described(*texts) for name, texts in _SENTENCES.items()}
