"""The sandbox's own people: friendbot, the issuer of its USDC, shoppers from outside.

Everything that moves money here is a real transaction that shows in history, signed when the
sandbox holds the key. Deterministic actors have the same address in every sandbox; their keys
are derived from public text and guard nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from stellar_sdk import Account, Asset, Keypair, StrKey, TransactionBuilder

from offerhub.sandbox.chain.amounts import asset_key, asset_of, to_text
from offerhub.sandbox.chain.history import History
from offerhub.sandbox.chain.invocation import add_call, token_clawback, token_transfer
from offerhub.sandbox.chain.ledgers import Ledgers
from offerhub.sandbox.chain.results import result_codes
from offerhub.sandbox.chain.state import State
from offerhub.sandbox.chain.submission import Submissions
from offerhub.sandbox.store import SandboxStore

MAX_TRUST_STROOPS = 2**63 - 1
FRIENDBOT_XLM_STROOPS = 10_000 * 10_000_000
TRANSFER_RESOURCE_FEE_STROOPS = 100_000
OUTSIDE_XLM_STROOPS = 1_000 * 10_000_000


class ChainRefused(Exception):
    """The network refused what an actor wanted; `codes` are Horizon's result codes."""

    def __init__(self, message: str, codes: dict[str, object]) -> None:
        super().__init__(f"{message}: {codes}")
        self.codes = codes


@dataclass(frozen=True)
class Sent:
    """An actor's included transaction; `operation_ids` in the order of its operations."""

    hash: str
    ledger: int
    operation_ids: tuple[int, ...]


def actor_keypair(role: str) -> Keypair:
    """The key of a deterministic actor such as "friendbot"."""
    seed = hashlib.sha256(f"offerhub sandbox actor: {role}".encode()).digest()
    return Keypair.from_raw_ed25519_seed(seed)


class Actors:
    """Acts on the network from inside the sandbox. Every method commits."""

    def __init__(
        self,
        store: SandboxStore,
        ledgers: Ledgers,
        history: History,
        submissions: Submissions,
        *,
        passphrase: str,
        usdc: str,
    ) -> None:
        self._store = store
        self._ledgers = ledgers
        self._history = history
        self._submissions = submissions
        self._passphrase = passphrase
        self._usdc = usdc

    def friendbot(self, address: str) -> dict[str, object]:
        """Create an account with 10 000 XLM and return the transaction's record.

        Raises ChainRefused when it exists already, ValueError when it is no address.
        """
        if not StrKey.is_valid_ed25519_public_key(address):
            raise ValueError(f"{address!r} is not an account address")
        builder = self._builder(actor_keypair("friendbot").public_key)
        builder.append_create_account_op(address, to_text(FRIENDBOT_XLM_STROOPS))
        sent = self._send(builder, [actor_keypair("friendbot")])
        record = self._history.transaction(sent.hash)
        return record if record is not None else {"hash": sent.hash, "ledger": sent.ledger}

    def outside_account(self, *, xlm_stroops: int = OUTSIDE_XLM_STROOPS) -> str:
        """A new account with a USDC trustline whose key the sandbox keeps; its address."""
        keypair = Keypair.random()
        self._keep_key(keypair, role="outside")
        friendbot = actor_keypair("friendbot")
        builder = self._builder(friendbot.public_key)
        builder.append_create_account_op(keypair.public_key, to_text(xlm_stroops))
        builder.append_change_trust_op(
            asset_of(self._usdc), to_text(MAX_TRUST_STROOPS), source=keypair.public_key
        )
        self._send(builder, [friendbot, keypair])
        return keypair.public_key

    def pay(
        self,
        *,
        sender: str,
        to: str,
        amounts_stroops: Sequence[int],
        asset: str,
        memo: str | None = None,
    ) -> Sent:
        """One transaction with a payment for each amount; to a C... address a token transfer.

        Raises ChainRefused, ValueError for amounts below 1 or several amounts to a contract.
        """
        if not amounts_stroops or min(amounts_stroops) < 1:
            raise ValueError("every amount must be at least 1 stroop")
        builder = self._builder(sender, memo=memo)
        if to.startswith("C"):
            if len(amounts_stroops) != 1:
                raise ValueError("a contract call moves one amount")
            token = asset_of(asset).contract_id(self._passphrase)
            call = token_transfer(token, sender=sender, to=to, amount_stroops=amounts_stroops[0])
            add_call(builder, call, resource_fee_stroops=TRANSFER_RESOURCE_FEE_STROOPS)
        else:
            for amount in amounts_stroops:
                builder.append_payment_op(to, asset_of(asset), to_text(amount))
        return self._send(builder, self._keys(sender))

    def claw_back(self, *, issuer: str, holder: str, asset: str, amount_stroops: int) -> Sent:
        """Have an asset's issuer take it from an account or a contract. Raises ChainRefused."""
        builder = self._builder(issuer)
        token = asset_of(asset).contract_id(self._passphrase)
        call = token_clawback(token, holder=holder, amount_stroops=amount_stroops)
        add_call(builder, call, resource_fee_stroops=TRANSFER_RESOURCE_FEE_STROOPS)
        return self._send(builder, self._keys(issuer))

    def pay_by_path(self, *, sender: str, to: str, amount_stroops: int) -> Sent:
        """A path payment: the sender's XLM, the recipient's USDC, at the market's price."""
        builder = self._builder(sender)
        builder.append_path_payment_strict_receive_op(
            to, Asset.native(), "1000000", asset_of(self._usdc), to_text(amount_stroops), []
        )
        return self._send(builder, self._keys(sender))

    def plant_false_issuer(self, issuer: str, holder: str) -> str:
        """Make `issuer` exist and `holder` trust its USDC, by decree; the asset's key."""
        asset = asset_key(Asset("USDC", issuer))

        def change(state: State) -> None:
            if state.account(issuer) is None:
                state.create_account(issuer, balance=FRIENDBOT_XLM_STROOPS)
            if holder.startswith("G") and state.trustline(holder, asset) is None:
                state.put_trustline(holder, asset, limit=MAX_TRUST_STROOPS)
                state.change(holder, subentries=1)

        self._ledgers.edit(change)
        return asset

    def _builder(self, source: str, *, memo: str | None = None) -> TransactionBuilder:
        account = self._ledgers.state().account(source)
        if account is None:
            raise ValueError(f"{source} does not exist on this network")
        builder = TransactionBuilder(
            Account(source, account.sequence),
            self._passphrase,
            base_fee=max(10_000, self._ledgers.base_fee_stroops()),
        )
        builder.add_time_bounds(0, 0)
        return builder.add_text_memo(memo) if memo else builder

    def _send(self, builder: TransactionBuilder, keys: Sequence[Keypair]) -> Sent:
        """Sign, include in a ledger of its own and report; ChainRefused when it failed."""
        envelope = builder.build()
        for key in keys:
            envelope.sign(key)
        submission = self._submissions.decode(envelope.to_xdr())
        with self._store.transaction():
            ledger = self._ledgers.close(forced=[submission])
            row = self._store.one(
                "SELECT id, successful, result_xdr FROM chain_transactions WHERE hash = ?",
                (submission.hash,),
            )
        assert row is not None
        if not row["successful"]:
            codes = result_codes(row["result_xdr"])
            raise ChainRefused(f"transaction {submission.hash} failed", codes)
        ids = tuple(row["id"] | i for i in range(1, len(submission.operations) + 1))
        return Sent(submission.hash, ledger, ids)

    def _keep_key(self, keypair: Keypair, *, role: str) -> None:
        self._store.execute(
            "INSERT INTO chain_keys VALUES (?, ?, ?)", (keypair.public_key, keypair.secret, role)
        )

    def _keys(self, address: str) -> list[Keypair]:
        """The kept key of an account, or none: its transactions are then included unsigned."""
        row = self._store.one("SELECT secret FROM chain_keys WHERE address = ?", (address,))
        return [Keypair.from_secret(row["secret"])] if row else []
