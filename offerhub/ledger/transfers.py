"""One pure builder per business movement; each returns a balanced transfer.

Amounts are stroops in the account's natural sign: what makes its balance larger is positive.
`reference` is the movement's permanent business key: the journal posts it once, ever.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec

from offerhub.ledger import accounts as a

P = ParamSpec("P")


CAME_BACK = "withdrawal_came_back"  # what came back is also looked up by its kind


class Unbalanced(ValueError):
    """Entries that do not sum to zero, or amounts that make no sense; nothing is posted."""


@dataclass(frozen=True, slots=True)
class Line:
    account: str
    amount_stroops: int


@dataclass(frozen=True, slots=True)
class NewTransfer:
    """A transfer to be posted. Raises Unbalanced when it does not balance."""

    kind: str
    reference: str
    subject_type: str
    subject_id: str
    lines: tuple[Line, ...]
    description: str | None = None

    def __post_init__(self) -> None:
        for line in self.lines:
            if isinstance(line.amount_stroops, bool) or not isinstance(line.amount_stroops, int):
                raise TypeError("money is an integer of stroops")
            if line.amount_stroops == 0:
                raise Unbalanced(f"{self.reference}: an entry of zero on {line.account}")
        total = sum(a.sign(line.account) * line.amount_stroops for line in self.lines)
        if total != 0 or len(self.lines) < 2:
            raise Unbalanced(f"{self.reference}: entries sum to {total}")


def forward(build: Callable[P, NewTransfer]) -> Callable[P, NewTransfer]:
    """A builder moves money one way only: every number it is given is zero or more stroops."""

    @wraps(build)
    def checked(*args: P.args, **kwargs: P.kwargs) -> NewTransfer:
        for name, value in kwargs.items():
            if isinstance(value, int) and value < 0:
                raise Unbalanced(f"{build.__name__}: {name} is {value} stroops")
        return build(*args, **kwargs)

    return checked


def transfer_of(
    kind: str, reference: str, subject: tuple[str, str], *lines: tuple[str, int]
) -> NewTransfer:
    """A transfer whose reference is `kind:reference`; lines of zero are left out."""
    kept = tuple(Line(account, amount) for account, amount in lines if amount != 0)
    return NewTransfer(kind, f"{kind}:{reference}", subject[0], subject[1], kept)


@forward
def topup_credited(
    *, topup_id: str, user_id: str, amount: int, net: int, fee: int, platform_bears_fee: bool
) -> NewTransfer:
    """Airtm keeps `fee` of `amount`; by policy the user or the platform bears it."""
    if amount != net + fee:
        raise Unbalanced(f"top-up {topup_id}: {amount} is not {net} + {fee}")
    credited = amount if platform_bears_fee else net
    return transfer_of(
        "topup_credited",
        topup_id,
        ("topup", topup_id),
        (a.user(user_id, a.AVAILABLE), credited),
        (a.FEES_AIRTM, net - credited),
        (a.AIRTM_TREASURY, net),
    )


@forward
def topup_held(*, topup_id: str, amount: int) -> NewTransfer:
    """A pay-in that had ended was paid after all: it is there, and nobody is credited by guess."""
    return transfer_of(
        "topup_held",
        topup_id,
        ("topup", topup_id),
        (a.ADJUSTMENTS, amount),
        (a.AIRTM_TREASURY, amount),
    )


@forward
def deposit_credited(
    *, deposit_key: str, deposit_id: str, user_id: str, amount: int
) -> NewTransfer:
    """`deposit_key`: the network's operation id and change index."""
    return transfer_of(
        "deposit_credited",
        deposit_key,
        ("deposit", deposit_id),
        (a.user(user_id, a.AVAILABLE), amount),
        (a.wallet(user_id), amount),
    )


@forward
def treasury_funded(*, deposit_key: str, deposit_id: str, amount: int) -> NewTransfer:
    """Money that the operator put into the platform's own wallet."""
    return transfer_of(
        "treasury_funded",
        deposit_key,
        ("deposit", deposit_id),
        (a.ADJUSTMENTS, amount),
        (a.STELLAR_TREASURY, amount),
    )


@forward
def funds_reserved(*, order_id: str, buyer_id: str, amount: int) -> NewTransfer:
    return transfer_of(
        "funds_reserved",
        order_id,
        ("order", order_id),
        (a.user(buyer_id, a.AVAILABLE), -amount),
        (a.user(buyer_id, a.RESERVED), amount),
    )


@forward
def reserve_returned(*, order_id: str, buyer_id: str, amount: int) -> NewTransfer:
    return transfer_of(
        "reserve_returned",
        order_id,
        ("order", order_id),
        (a.user(buyer_id, a.RESERVED), -amount),
        (a.user(buyer_id, a.AVAILABLE), amount),
    )


@forward
def bridged(*, tx_hash: str, operation_id: str, user_id: str, amount: int) -> NewTransfer:
    """The treasury lends its chain liquidity: the user's money came in on another rail."""
    return transfer_of(
        "bridged",
        tx_hash,
        ("operation", operation_id),
        (a.STELLAR_TREASURY, -amount),
        (a.wallet(user_id), amount),
    )


@forward
def swept(*, tx_hash: str, operation_id: str, user_id: str, amount: int) -> NewTransfer:
    """USDC in a wallet beyond what its user is owed goes back to the treasury."""
    return transfer_of(
        "swept",
        tx_hash,
        ("operation", operation_id),
        (a.wallet(user_id), -amount),
        (a.STELLAR_TREASURY, amount),
    )


@forward
def escrow_funded(*, order_id: str, buyer_id: str, amount: int) -> NewTransfer:
    return transfer_of(
        "escrow_funded",
        order_id,
        ("order", order_id),
        (a.user(buyer_id, a.RESERVED), -amount),
        (a.order_escrow(order_id), amount),
        (a.wallet(buyer_id), -amount),
        (a.contract(order_id), amount),
    )


@forward
def withdrawal_held(*, withdrawal_id: str, user_id: str, amount: int) -> NewTransfer:
    return transfer_of(
        "withdrawal_held",
        withdrawal_id,
        ("withdrawal", withdrawal_id),
        (a.user(user_id, a.AVAILABLE), -amount),
        (a.user(user_id, a.WITHDRAWING), amount),
    )


@forward
def withdrawal_returned(*, withdrawal_id: str, user_id: str, amount: int) -> NewTransfer:
    return transfer_of(
        "withdrawal_returned",
        withdrawal_id,
        ("withdrawal", withdrawal_id),
        (a.user(user_id, a.WITHDRAWING), -amount),
        (a.user(user_id, a.AVAILABLE), amount),
    )


@forward
def withdrawal_paid_on_chain(*, withdrawal_id: str, user_id: str, amount: int) -> NewTransfer:
    return transfer_of(
        "withdrawal_paid",
        withdrawal_id,
        ("withdrawal", withdrawal_id),
        (a.user(user_id, a.WITHDRAWING), -amount),
        (a.wallet(user_id), -amount),
    )


@forward
def withdrawal_paid_by_airtm(*, withdrawal_id: str, user_id: str, amount: int) -> NewTransfer:
    return transfer_of(
        "withdrawal_paid",
        withdrawal_id,
        ("withdrawal", withdrawal_id),
        (a.user(user_id, a.WITHDRAWING), -amount),
        (a.AIRTM_TREASURY, -amount),
    )


@forward
def withdrawal_came_back(
    *, deposit_id: str, withdrawal_id: str, user_id: str, amount: int
) -> NewTransfer:
    """A pay-out that was completed and bounced: Airtm holds the money again, and it is the user's.

    deposit_id: Airtm's own, of the deposit by which it returned the money.
    """
    return transfer_of(
        "withdrawal_came_back",
        deposit_id,
        ("withdrawal", withdrawal_id),
        (a.user(user_id, a.AVAILABLE), amount),
        (a.AIRTM_TREASURY, amount),
    )


def reserve_references(order_id: str) -> tuple[str, str, str]:
    """The business keys of an order's reserve, and of the two movements that end it."""
    return (
        f"funds_reserved:{order_id}", f"reserve_returned:{order_id}", f"escrow_funded:{order_id}",
    )  # fmt: skip


def held_reference(topup_id: str) -> str:
    """The business key of a pay-in that is held."""
    return f"topup_held:{topup_id}"


def returned_reference(deposit_id: str) -> str:
    """The business key of what came back by this deposit."""
    return f"{CAME_BACK}:{deposit_id}"
