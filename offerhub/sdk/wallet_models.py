"""Users' wallets on chain: what they are, what moved, how they compare with the books."""

from dataclasses import dataclass
from datetime import datetime

from offerhub.sdk.models import Balance
from offerhub.sdk.money import Money
from offerhub.sdk.records import Record


@dataclass(frozen=True, kw_only=True)
class ComparedWallet(Record):
    """The books beside the chain. `settled` is False while work is under way: a difference
    proves nothing then. `theirs` is None when the chain could not be asked; see `error`.
    """

    ours: Money
    ours_exact: Money
    same: bool
    settled: bool
    place: str | None = None
    theirs: Money | None = None
    theirs_exact: Money | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class SyncedBalance(Balance):
    wallet: ComparedWallet


@dataclass(frozen=True, kw_only=True)
class WalletTransaction(Record):
    """One movement on chain; `direction`: IN or OUT."""

    id: str
    kind: str
    direction: str
    amount: Money
    amount_exact: Money
    transfer_id: str
    subject_type: str
    subject_id: str
    created_at: datetime
    transaction_hash: str | None = None


@dataclass(frozen=True, kw_only=True)
class Asset(Record):
    code: str
    issuer: str | None = None


@dataclass(frozen=True, kw_only=True)
class Wallet(Record):
    id: str
    user_id: str
    address: str
    network: str
    asset: Asset
    status: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class DepositInstructions(Record):
    """Where to send USDC so that it is credited to the user; `uri` is a SEP-7 pay link."""

    address: str
    network: str
    asset: Asset
    status: str
    memo: str | None = None
    uri: str | None = None
