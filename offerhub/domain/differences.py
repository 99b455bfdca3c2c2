"""Every class of difference that is recorded: what it means and what to do.

Pure data, one home: the finders name a class, the command line prints its sentence, and
docs/operations/reconciliation.md has a row for each (a test compares them).
Not here: finding them (`services.comparing`), writing them down (`services.discrepancies`).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Difference(StrEnum):
    """The classes, by their names in rows, events and answers."""

    PAYIN_MISSING = "payin_missing"
    PAYIN_UNKNOWN = "payin_unknown"
    PAYIN_AMOUNT = "payin_amount"
    PAYIN_STATE = "payin_state"
    PAYIN_BEHIND = "payin_behind"
    PAYOUT_MISSING = "payout_missing"
    PAYOUT_UNKNOWN = "payout_unknown"
    PAYOUT_AMOUNT = "payout_amount"
    PAYOUT_STATE = "payout_state"
    PAYOUT_BEHIND = "payout_behind"
    RETURN_UNMATCHED = "return_unmatched"
    BOOKED_AMOUNT = "booked_amount"
    PAYMENT_MISSING = "payment_missing"
    PAYMENT_DIFFERS = "payment_differs"
    PAYMENT_TWICE = "payment_twice"
    PAYMENT_UNKNOWN = "payment_unknown"
    DEPOSIT_UNREAD = "deposit_unread"
    DEPOSIT_UNCREDITED = "deposit_uncredited"
    ASSET_BALANCE = "asset_balance"
    WALLET_MISSING = "wallet_missing"
    WALLET_FROZEN = "wallet_frozen"
    XLM_LOW = "xlm_low"
    ESCROW_MISSING = "escrow_missing"
    ESCROW_UNKNOWN = "escrow_unknown"
    ESCROW_TERMS = "escrow_terms"
    ESCROW_STATE = "escrow_state"
    MILESTONE_STATE = "milestone_state"
    WEBHOOK_MISSING = "webhook_missing"
    WEBHOOK_UNAPPLIED = "webhook_unapplied"
    DELIVERY_FAILED = "delivery_failed"
    LEDGER_INVARIANT = "ledger_invariant"
    OPERATION_STUCK = "operation_stuck"
    OPERATION_IDLE = "operation_idle"
    WORK_MISSING = "work_missing"
    HISTORY_PRUNED = "history_pruned"
    HISTORY_RESET = "history_reset"
    WRONG_NETWORK = "wrong_network"
    AUDIT_REWRITTEN = "audit_rewritten"


@dataclass(frozen=True, slots=True)
class Meaning:
    """`repair` says what a run does by itself, where that is provably safe; `do` is for people."""

    what: str
    do: str
    repair: str | None = None


# Found by others than a reconciliation: the deposit reader, and whoever writes audit checkpoints.
BETWEEN_RUNS: Final = frozenset(
    {
        Difference.HISTORY_PRUNED,
        Difference.HISTORY_RESET,
        Difference.WRONG_NETWORK,
        Difference.AUDIT_REWRITTEN,
    }
)

_BY_HAND: Final = "Compare both, and book the difference with an adjustment that names its reason."

MEANINGS: Final[dict[Difference, Meaning]] = {
    Difference.PAYIN_MISSING: Meaning(
        "Airtm does not know the pay-in of a top-up that it had confirmed to us.",
        "Ask Airtm about the pay-in's id; if money was credited for it, take it back.",
    ),
    Difference.PAYIN_UNKNOWN: Meaning(
        "Airtm has a pay-in under a code that is not one of our top-ups.",
        "Find out who made it with our credentials; if it is paid, the money is somebody's.",
    ),
    Difference.PAYIN_AMOUNT: Meaning(
        "The pay-in at Airtm is of another amount than the top-up.",
        "Nothing was credited for it, or too much: compare the top-up with the pay-in at Airtm.",
    ),
    Difference.PAYIN_STATE: Meaning(
        "The top-up and its pay-in ended differently, and no rule leads from one to the other.",
        "Paid at Airtm: refresh the top-up, which books the money among the adjustments, and credit"
        " the user from there. Not paid: take the credit back.",
    ),
    Difference.PAYIN_BEHIND: Meaning(
        "Airtm went on and we did not: neither its webhook nor our own look was applied.",
        "Nothing, if it was repaired; else look at dead letters, the worker and the webhook's URL.",
        "the top-up is brought to the state that Airtm shows",
    ),
    Difference.PAYOUT_MISSING: Meaning(
        "Airtm does not know the pay-out of a withdrawal that it had registered.",
        "Ask Airtm about the pay-out's id before anything else; the hold stays meanwhile.",
    ),
    Difference.PAYOUT_UNKNOWN: Meaning(
        "Airtm has a pay-out that is not one of our withdrawals.",
        "Stop it in Airtm's dashboard if it is not paid; then change the API key and find out who.",
    ),
    Difference.PAYOUT_AMOUNT: Meaning(
        "The pay-out at Airtm is of another amount than the withdrawal.",
        "Compare the withdrawal with the pay-out at Airtm; book what left too much.",
    ),
    Difference.PAYOUT_STATE: Meaning(
        "The withdrawal and its pay-out ended differently.",
        "If Airtm paid and the hold was returned, the user has it twice: take it back; if it did"
        " not pay and we say so, give it back.",
    ),
    Difference.PAYOUT_BEHIND: Meaning(
        "Airtm went on with a pay-out and we did not.",
        "Nothing, if it was repaired; else look at dead letters, the worker and the webhook's URL.",
        "the withdrawal is brought to the state that Airtm shows",
    ),
    Difference.RETURN_UNMATCHED: Meaning(
        "Airtm returned money of a pay-out, and it cannot be told whose it is.",
        "Find the pay-out in Airtm's dashboard and credit its user by an adjustment.",
    ),
    Difference.BOOKED_AMOUNT: Meaning(
        "A top-up or withdrawal ended, and the books have no transfer of its amount.",
        _BY_HAND,
    ),
    Difference.PAYMENT_MISSING: Meaning(
        "A payment that we booked is not on chain, or failed there.",
        "Look the hash up in another explorer; if it never applied, the user was not paid.",
    ),
    Difference.PAYMENT_DIFFERS: Meaning(
        "A payment on chain is of another amount or memo, or between other addresses, than the"
        " withdrawal or the escrow says.",
        "Look the hash up; settle the difference with the user, and find out who changed the row.",
    ),
    Difference.PAYMENT_TWICE: Meaning(
        "One withdrawal was paid by two transactions, or one transaction stands for two payments.",
        "Stop withdrawals (maintenance), look both hashes up, and book what left too much.",
    ),
    Difference.PAYMENT_UNKNOWN: Meaning(
        "USDC left a wallet of ours by a transaction that we did not make.",
        "Treat the wallet's key as stolen: turn maintenance on, and see docs on rotating keys.",
    ),
    Difference.DEPOSIT_UNREAD: Meaning(
        "A deposit lay on chain for long before it was credited.",
        "Nothing, if it was repaired; else see that the deposit reader runs (`offerhub status`).",
        "the wallet is read on, which credits it once",
    ),
    Difference.DEPOSIT_UNCREDITED: Meaning(
        "A deposit before the reader's position was never recorded.",
        "Nothing, if it was repaired; else find out who moved the reader's position.",
        "the wallet is read again from before it; what is recorded stays recorded once",
    ),
    Difference.ASSET_BALANCE: Meaning(
        "A place holds another amount than the books say.",
        "Less there: money is gone, stop paying out. More: somebody's, or the operator's own;"
        " book it when you know.",
    ),
    Difference.WALLET_MISSING: Meaning(
        "A wallet of ours does not exist on chain.",
        "The test network was reset, or Horizon is another network's: check its URL.",
    ),
    Difference.WALLET_FROZEN: Meaning(
        "The issuer of USDC has frozen a wallet of ours.",
        "Talk to the issuer; the user's money cannot move until it is lifted.",
    ),
    Difference.XLM_LOW: Meaning(
        "A wallet has too little XLM to go on paying fees and reserves.",
        "Send XLM to its address; a user's wallet needs nothing, if it was repaired.",
        "a user's wallet is refilled from the treasury",
    ),
    Difference.ESCROW_MISSING: Meaning(
        "Trustless Work does not know a contract of ours.",
        "Look the contract up in an explorer; if it is archived it must be restored.",
    ),
    Difference.ESCROW_UNKNOWN: Meaning(
        "Our wallet deployed a contract that no order of ours has.",
        "A repeated deployment left it (empty: nothing to do), or the key was used elsewhere.",
    ),
    Difference.ESCROW_TERMS: Meaning(
        "A contract has other parties or another amount than the order.",
        "Do not fund it; refund it if it is funded, and ask Trustless Work.",
    ),
    Difference.ESCROW_STATE: Meaning(
        "A contract is released, resolved or disputed and our escrow is not, or the reverse.",
        "Look at what the contract paid; book it with the operation that should have, or by"
        " adjustments.",
    ),
    Difference.MILESTONE_STATE: Meaning(
        "A milestone on the contract has gone another way than ours.",
        "As for the escrow's state, for that milestone.",
    ),
    Difference.WEBHOOK_MISSING: Meaning(
        "Airtm's webhook about a change never came; our own look found the change.",
        "See the endpoint's log in Airtm's webhook portal, and resend from there.",
    ),
    Difference.WEBHOOK_UNAPPLIED: Meaning(
        "A webhook was received and is not applied, or was given up.",
        "Waiting: nothing, work was woken. Dead: `offerhub dead-letters list`, then retry.",
        "those that wait are woken",
    ),
    Difference.DELIVERY_FAILED: Meaning(
        "An event did not reach a webhook endpoint of the marketplace.",
        "Waiting: nothing, work was woken. Failed: mend the endpoint, then replay it.",
        "those that wait are woken",
    ),
    Difference.LEDGER_INVARIANT: Meaning(
        "The books contradict themselves: a row was changed outside of the application.",
        "Turn maintenance on, keep a copy of the database, and compare it with the last backup.",
    ),
    Difference.OPERATION_STUCK: Meaning(
        "Work at a provider ran out of attempts.",
        "`offerhub operations list --status STUCK`, then retry or settle it.",
    ),
    Difference.OPERATION_IDLE: Meaning(
        "Work at a provider is due and nobody does it.",
        "Nothing, if the workers run; else start them (`offerhub status`).",
        "the workers are woken",
    ),
    Difference.WORK_MISSING: Meaning(
        "Something is under way by its state, and nothing is left that would bring it further.",
        "Nothing, if a look was scheduled; else bring it to its end by hand.",
        "where looking at the provider is enough, a look is scheduled",
    ),
    Difference.HISTORY_PRUNED: Meaning(
        "The chain's history that Horizon has begins after what was read last: deposits between may"
        " have been missed, and none is read any more.",
        "Name a Horizon with a longer history and start again, or reconcile afterwards; then"
        " discard this dead letter, and reading goes on.",
    ),
    Difference.HISTORY_RESET: Meaning(
        "The chain's newest ledger lies below what was read already: it was reset, or it is another"
        " network. No deposit is read any more.",
        "Put STELLAR_HORIZON_URL right; for a test network that was reset begin with a new"
        " database. Then discard this dead letter, and reading goes on.",
    ),
    Difference.WRONG_NETWORK: Meaning(
        "Horizon is of another network than this deployment's. No deposit is read any more.",
        "Put STELLAR_HORIZON_URL right and start again; then discard this dead letter.",
    ),
    Difference.AUDIT_REWRITTEN: Meaning(
        "The audit chain is not the one that the signed checkpoints were written for.",
        "Keep the checkpoints and a copy of the database, run `offerhub audit verify` with both,"
        " and find out who could write in the database.",
    ),
}
