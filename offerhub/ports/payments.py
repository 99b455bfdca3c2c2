"""Fiat in and out: pay-ins, pay-outs and the accounts behind them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class PayinStatus(StrEnum):
    AWAITING = "AWAITING"
    PROCESSING = "PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    UNCLEAR = "UNCLEAR"  # a status we cannot map safely: keep ours, record, alarm


class PayoutStatus(StrEnum):
    CREATED = "CREATED"
    COMMITTED = "COMMITTED"
    PENDING = "PENDING"
    PENDING_USER_ACTION = "PENDING_USER_ACTION"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    UNCLEAR = "UNCLEAR"


@dataclass(frozen=True, slots=True)
class Payin:
    """A pay-in as the provider reports it. `code` is our top-up id."""

    provider_id: str
    code: str
    status: PayinStatus
    raw_status: str
    amount_stroops: int
    net_stroops: int
    fee_stroops: int
    checkout_url: str
    updated_at_ms: int
    payer_id: str | None = None
    payer_email: str | None = None
    failure_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Payout:
    """A pay-out as the provider reports it. `code` is our withdrawal id.

    `amount_stroops` leaves our balance; `net_stroops` reaches the recipient.
    """

    provider_id: str
    code: str
    status: PayoutStatus
    raw_status: str
    amount_stroops: int
    net_stroops: int
    fee_stroops: int
    recipient_email: str
    updated_at_ms: int
    reason_code: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentAccount:
    """A person's account at the provider. `country` is ISO 3166 alpha-3."""

    provider_id: str
    active: bool
    verified: bool
    has_name: bool
    country: str | None


@dataclass(frozen=True, slots=True)
class ReturnedPayout:
    """Money of a completed pay-out that came back. `payout_id` None: it is not said of which."""

    provider_id: str
    payout_id: str | None
    amount_stroops: int


@dataclass(frozen=True, slots=True)
class PayinListing:
    """Every pay-in, in no promised order; `complete` is false when there are more than are read."""

    items: tuple[Payin, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class PayoutListing:
    """Every pay-out, as `PayinListing`. One that was made without a code has `-` for it."""

    items: tuple[Payout, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class EnterpriseBalance:
    available_stroops: int
    pending_stroops: int


class Payments(Protocol):
    """Every method may raise the three failures of `ports.errors`; reads never OutcomeUnknown."""

    def create_payin(
        self,
        *,
        code: str,
        amount_stroops: int,
        description: str,
        confirmed_url: str,
        canceled_url: str,
    ) -> Payin:
        """Idempotent by `code`: a second call returns the pay-in made by the first."""
        ...

    def find_payin(self, code: str) -> Payin | None: ...

    def cancel_payin(self, provider_id: str) -> Payin: ...

    def create_payout(
        self, *, code: str, amount_stroops: int, recipient_email: str, note: str
    ) -> Payout:
        """Idempotent by `code`. Registers the pay-out; nothing is paid before `commit_payout`."""
        ...

    def commit_payout(self, provider_id: str) -> Payout:
        """Pay it out. Repeating it is safe: a pay-out commits once."""
        ...

    def find_payout(self, code: str) -> Payout | None: ...

    def cancel_payout(self, provider_id: str) -> Payout: ...

    def find_account(self, email: str) -> PaymentAccount | None: ...

    def returned_payouts(self) -> tuple[ReturnedPayout, ...]:
        """Everything that ever came back after it was completed."""
        ...

    def payins(self) -> PayinListing: ...

    def payouts(self) -> PayoutListing: ...

    def enterprise_balance(self) -> EnterpriseBalance: ...

    def ping(self) -> None:
        """Cheap authenticated read, for health. Raises the three failures."""
        ...
