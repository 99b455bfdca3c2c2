"""Builder of an admin's correction of a user's balance. Pure."""

from offerhub.domain.errors import InvalidAmount
from offerhub.domain.money import MAX_BY_HAND_STROOPS
from offerhub.ledger import accounts as a
from offerhub.ledger.transfers import NewTransfer, forward, transfer_of


def check_by_hand(amount_stroops: int) -> None:
    """Raises: InvalidAmount for more than may be booked by hand at once."""
    if amount_stroops > MAX_BY_HAND_STROOPS:
        raise InvalidAmount("At most 1000000000.00 can be booked by hand at once.", field="amount")


@forward
def adjusted(*, reference: str, user_id: str, credit: int, debit: int) -> NewTransfer:
    """Credit or debit (one of them zero) against the `adjustments` equity account.

    reference: the operator's own, unique for ever.
    """
    return transfer_of(
        "adjusted",
        reference,
        ("user", user_id),
        (a.user(user_id, a.AVAILABLE), credit - debit),
        (a.ADJUSTMENTS, debit - credit),
    )


@forward
def wallet_corrected(*, reference: str, user_id: str, more: int, less: int) -> NewTransfer:
    """A user's wallet holds more or less than the books say (one of them zero), as was seen there.

    The user is owed what they were owed: the difference is the platform's, until it is known whose.
    """
    return transfer_of(
        "wallet_corrected",
        reference,
        ("user", user_id),
        (a.wallet(user_id), more - less),
        (a.ADJUSTMENTS, more - less),
    )


@forward
def treasury_recorded(
    *, reference: str, account: str, amount_in: int, amount_out: int
) -> NewTransfer:
    """The operator moved money of the platform's own in or out of a rail (one of them zero)."""
    return transfer_of(
        "treasury_recorded",
        reference,
        ("treasury", account),
        (account, amount_in - amount_out),
        (a.ADJUSTMENTS, amount_in - amount_out),
    )


@forward
def treasury_sent(*, reference: str, account: str, transit: str, amount: int) -> NewTransfer:
    """The platform's own money has left a rail for the other one and is under way.

    transit: the id that its place on the way is named by.
    """
    return transfer_of(
        "treasury_sent",
        reference,
        ("treasury", account),
        (account, -amount),
        (a.in_transit(transit), amount),
    )


@forward
def treasury_arrived(
    *, reference: str, account: str, transit: str, sent: int, arrived: int
) -> NewTransfer:
    """What was under way has arrived, less what it cost; nothing is under way there any more.

    arrived: what the rail's account is still to gain by it: zero where the chain has posted it.
    """
    return transfer_of(
        "treasury_arrived",
        reference,
        ("treasury", account),
        (a.in_transit(transit), -sent),
        (account, arrived),
        (a.ADJUSTMENTS, arrived - sent),
    )
