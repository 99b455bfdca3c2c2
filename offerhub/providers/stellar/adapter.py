"""`ports.chain.Chain` over Horizon.

It reads, builds, signs and sends, and keeps nothing: what was sent, and which sequence numbers are
in flight, is for the caller to write down before it sends.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from stellar_sdk import StrKey

from offerhub.ports.chain import (
    ChainAccount,
    Incoming,
    IncomingPage,
    LedgerHead,
    SignedTransaction,
    SigningKey,
    Submission,
    TransactionOutcome,
)
from offerhub.ports.clock import Clock
from offerhub.ports.errors import Rejected
from offerhub.ports.limits import OutboundLimiter
from offerhub.providers import transactions
from offerhub.providers.http import HttpClient
from offerhub.providers.stellar import builders, destinations, mapping, sending, submission
from offerhub.providers.stellar.client import MAX_PAGE, PROVIDER, HorizonClient, kind_of
from offerhub.providers.stellar.results import codes_as_stored

NETWORK_MINIMUM_FEE_STROOPS: Final = 100
SPONSORED_ENTRIES: Final = 3  # an account counts two, its trustline one
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class StellarChain:
    """One network and one USDC issuer.

    max_base_fee_stroops: the highest bid per operation. max_time_s: how long what is built stays
    valid. friendbot_url: only on test networks.
    Raises: ValueError for settings that could never work.
    """

    def __init__(
        self,
        http: HttpClient,
        *,
        passphrase: str,
        usdc_issuer: str,
        limiter: OutboundLimiter,
        clock: Clock,
        max_base_fee_stroops: int = 10_000,
        max_time_s: int = 180,
        friendbot_url: str | None = None,
    ) -> None:
        if max_base_fee_stroops < NETWORK_MINIMUM_FEE_STROOPS:
            raise ValueError("the network takes no fee below 100 stroops per operation")
        if not 60 <= max_time_s <= 300:
            raise ValueError("a transaction is valid for 60 to 300 seconds")
        if not StrKey.is_valid_ed25519_public_key(usdc_issuer):
            raise ValueError("the USDC issuer is a G address")
        self._horizon = HorizonClient(http, limiter)
        self._limiter = limiter
        self._passphrase = passphrase
        self._usdc_issuer = usdc_issuer
        self._clock = clock
        self._max_base_fee_stroops = max_base_fee_stroops
        self._max_time_s = max_time_s
        self._friendbot = (
            HttpClient(provider=PROVIDER, base_url=friendbot_url) if friendbot_url else None
        )

    def head(self) -> LedgerHead:
        """The newest ledger. Raises: Rejected when the URL points at another network."""
        root = self._horizon.root()
        with self._horizon.readable("the root"):
            head = mapping.head(root)
        if head.passphrase != self._passphrase:
            raise Rejected(
                f"Horizon serves the network {head.passphrase!r}, and this deployment is set up"
                f" for {self._passphrase!r}",
                provider=PROVIDER,
                code="wrong_network",
                error_code="STELLAR_NETWORK_ERROR",
            )
        return head

    def account(self, address: str) -> ChainAccount | None:
        """None when it does not exist. `xlm_stroops` is what it can spend above its reserve."""
        record = self._horizon.account(address)
        if record is None:
            return None
        with self._horizon.readable("an account"):
            return mapping.account(record, usdc_issuer=self._usdc_issuer)

    def base_address(self, address: str) -> str | None:
        """The G address that a G or M address pays; None for anything else."""
        try:
            return destinations.account_of(address)
        except Rejected:
            return None

    def transaction(self, hash_: str) -> TransactionOutcome | None:
        """What became of a transaction, by the hash known before it was sent.

        Raises: ValueError when `hash_` is not one; Unavailable when its operations are not all
        there yet, so that a sum of its transfers is never short.
        """
        if not _HASH.fullmatch(hash_):
            raise ValueError("a transaction hash is 64 hexadecimal digits")
        record = self._horizon.transaction(hash_)
        if record is None:
            return None
        with self._horizon.readable("a transaction"):
            successful = record["successful"]
            if not isinstance(successful, bool):
                raise TypeError("it does not say whether it was successful")
            codes = () if successful else codes_as_stored(record.get("result_xdr"))
            ledger = mapping.integer(record, "ledger")
            count = mapping.integer(record, "operation_count")
            memo = mapping.memo(record)
        operations = self._horizon.operations(hash_) if successful else []
        with self._horizon.readable("a transaction's operations"):
            if successful and len(operations) != count:
                raise ValueError(f"{len(operations)} of {count} are there")
            moved = mapping.transfers(operations, usdc_issuer=self._usdc_issuer)
        return TransactionOutcome(hash_, successful, ledger, codes, moved, memo)

    def sent_by(self, address: str, *, from_ms: int, to_ms: int) -> tuple[SignedTransaction, ...]:
        """What applied in this time with `address` as its source, oldest first.

        Raises: Unavailable when that is more than can be read.
        """
        return sending.sent_by(self._horizon, address, from_ms=from_ms, to_ms=to_ms)

    def incoming(self, address: str, *, cursor: str, limit: int = 200) -> IncomingPage:
        """What reached `address` after `cursor`, oldest first.

        Cursors are numbers in text and are compared as numbers. Other assets, and XLM, are in the
        page with `usdc` false; the amount of a merged account is not in its record, and 0 here.
        """
        return self._payments(mapping.incoming, address, cursor=cursor, limit=limit)

    def outgoing(self, address: str, *, cursor: str, limit: int = 200) -> IncomingPage:
        """What left `address` after `cursor`, oldest first; otherwise as `incoming`."""
        return self._payments(mapping.outgoing, address, cursor=cursor, limit=limit)

    def _payments(
        self, read: Callable[..., Iterator[Incoming]], address: str, *, cursor: str, limit: int
    ) -> IncomingPage:
        after = int(cursor)
        records = self._horizon.payments(address, cursor=cursor, limit=min(limit, MAX_PAGE))
        with self._horizon.readable("a page of payments"):
            fresh = [one for one in records if mapping.integer(one, "paging_token") > after]
            found = tuple(
                moved
                for operation in fresh
                for moved in read(operation, address=address, usdc_issuer=self._usdc_issuer)
            )
            last = max((mapping.integer(one, "paging_token") for one in fresh), default=after)
        return IncomingPage(found, str(last), full=len(records) >= min(limit, MAX_PAGE))

    def submit(self, transaction: SignedTransaction) -> Submission:
        """Send without waiting; falls back to the waiting address where there is no other.

        Raises: OutcomeUnknown, Unavailable. The same transaction again applies at most once.
        """
        answer = self._horizon.submit_async(transaction.xdr)
        if submission.has_no_async(answer):
            return submission.of_waiting(self._horizon.submit_waiting(transaction.xdr))
        return submission.of_async(answer)

    def build_wallet(
        self, *, sponsor: SigningKey, wallet: SigningKey, starting_xlm_stroops: int
    ) -> SignedTransaction:
        """One transaction that makes the account and its trustline, or neither."""
        payer = self._existing(sponsor.address)
        draft = self._draft(payer)
        reserves = SPONSORED_ENTRIES * mapping.BASE_RESERVE_STROOPS
        fees = builders.WALLET_OPERATIONS * draft.fee_stroops_per_operation
        destinations.check_xlm(payer, starting_xlm_stroops + reserves + fees)
        envelope = builders.wallet(
            draft,
            address=wallet.address,
            starting_xlm_stroops=starting_xlm_stroops,
            usdc_issuer=self._usdc_issuer,
        )
        return transactions.sign(envelope, sponsor, wallet)

    def build_trustline(self, *, account: SigningKey) -> SignedTransaction:
        """Open the account's own USDC trustline, from its own XLM."""
        owner = self._existing(account.address)
        draft = self._draft(owner)
        reserve = 0 if owner.has_trustline else mapping.BASE_RESERVE_STROOPS
        destinations.check_xlm(owner, reserve + draft.fee_stroops_per_operation)
        envelope = builders.trustline(draft, usdc_issuer=self._usdc_issuer)
        return transactions.sign(envelope, account)

    def build_payment(
        self,
        *,
        source: SigningKey,
        destination: str,
        amount_stroops: int,
        memo: str | None = None,
        memo_type: str | None = None,
    ) -> SignedTransaction:
        """A USDC payment that, by what the chain says now, will arrive.

        Raises: Rejected (WITHDRAWAL_DESTINATION_INVALID, INSUFFICIENT_FUNDS), Unavailable;
        ValueError for an amount that is not above zero.
        """
        if amount_stroops <= 0:
            raise ValueError("a payment's amount is above zero")
        receiver = destinations.account_of(destination)
        if receiver in (source.address, self._usdc_issuer):
            # To itself nothing would move; to the issuer the money would cease to exist.
            raise destinations.refused(f"{receiver} cannot be paid from here", "op_malformed")
        try:
            network_memo = builders.memo_of(memo, memo_type)
        except ValueError as exc:
            raise destinations.refused(str(exc), "memo_invalid") from exc
        destinations.check_receiver(
            self.account(receiver),
            destination=destination,
            amount_stroops=amount_stroops,
            has_memo=bool(memo),
        )
        payer = self._existing(source.address)
        draft = self._draft(payer)
        destinations.check_payer(
            payer, amount_stroops=amount_stroops, fee_stroops=draft.fee_stroops_per_operation
        )
        envelope = builders.payment(
            draft,
            destination=destination,
            amount_stroops=amount_stroops,
            usdc_issuer=self._usdc_issuer,
            memo=network_memo,
        )
        return transactions.sign(envelope, source)

    def build_xlm_payment(
        self, *, source: SigningKey, destination: str, amount_stroops: int
    ) -> SignedTransaction:
        """Raises: Rejected (`tx_insufficient_balance`: too little XLM for both), Unavailable."""
        payer, receiver = self._existing(source.address), self._existing(destination)
        draft = self._draft(payer)
        destinations.check_xlm(payer, amount_stroops + draft.fee_stroops_per_operation)
        to = receiver.address
        envelope = builders.xlm_payment(draft, destination=to, amount_stroops=amount_stroops)
        return transactions.sign(envelope, source)

    def fund_test_account(self, address: str) -> None:
        """Ask friendbot for XLM; an account that exists already is left as it is.

        Raises: Rejected where there is no friendbot, OutcomeUnknown, Unavailable.
        """
        if self._friendbot is None:
            message = "this network has no friendbot; fund the account yourself"
            raise destinations.broken(message, "no_friendbot")
        self._limiter.acquire(PROVIDER)
        answer = self._friendbot.call(
            "GET", "", query={"addr": address}, accept={400}, changes=True
        )
        if answer.status == 400 and self.account(address) is None:
            kind = kind_of(answer.body) or "bad_request"
            raise destinations.broken(f"friendbot refused to fund {address}", kind)

    def _existing(self, address: str) -> ChainAccount:
        account = self.account(address)
        if account is None:
            raise Rejected(
                f"our account {address} does not exist on the network",
                provider=PROVIDER,
                code="tx_no_source_account",
                error_code="STELLAR_NETWORK_ERROR",
            )
        return account

    def _draft(self, source: ChainAccount) -> builders.Draft:
        return builders.Draft(
            passphrase=self._passphrase,
            source=source.address,
            sequence=source.sequence,
            fee_stroops_per_operation=self._fee_stroops(),
            max_time_s=int(self._clock.now().timestamp()) + self._max_time_s,
        )

    def _fee_stroops(self) -> int:
        """What most are charged now, within the network's minimum and the configured cap."""
        stats = self._horizon.fee_stats()
        with self._horizon.readable("the fee statistics"):
            usual = mapping.integer(stats["fee_charged"], "p90")
        return min(max(NETWORK_MINIMUM_FEE_STROOPS, usual), self._max_base_fee_stroops)
