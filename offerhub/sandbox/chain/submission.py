"""Taking transactions in: the queue, its refusals, and waiting for inclusion."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from offerhub.sandbox.chain.envelope import Submission, decode
from offerhub.sandbox.chain.faults import ChainFaults
from offerhub.sandbox.chain.history import History
from offerhub.sandbox.chain.ledgers import Ledgers
from offerhub.sandbox.chain.validity import check
from offerhub.sandbox.store import SandboxStore

Status = Literal["PENDING", "DUPLICATE", "ERROR", "TRY_AGAIN_LATER"]

REPLACEMENT_FACTOR = 10
"""CAP-15: a fee bump replaces a queued transaction when it bids ten times its rate."""
_POLL_S = 0.02


@dataclass(frozen=True)
class Receipt:
    """The answer to a submission. `result_xdr` is there for an ERROR."""

    status: Status
    hash: str
    result_xdr: str | None = None


@dataclass(frozen=True)
class Outcome:
    """An included transaction's result; `diagnostic` is what a contract said when it trapped."""

    successful: bool
    result_xdr: str
    diagnostic: str | None


class Submissions:
    """The network's front door; safe from any thread, idempotent by transaction hash."""

    def __init__(
        self,
        store: SandboxStore,
        ledgers: Ledgers,
        history: History,
        faults: ChainFaults,
        *,
        passphrase: str,
    ) -> None:
        self._store = store
        self._ledgers = ledgers
        self._history = history
        self._faults = faults
        self._passphrase = passphrase

    def decode(self, envelope_xdr: str) -> Submission:
        """Raises MalformedEnvelope."""
        return decode(envelope_xdr, self._passphrase)

    def submit(self, envelope_xdr: str) -> Receipt:
        """Queue a signed envelope. Commits. Raises MalformedEnvelope.

        The same envelope again is a DUPLICATE, whether it is queued or was included.
        """
        submission = self.decode(envelope_xdr)
        with self._store.transaction():
            self._ledgers.tick()
            receipt = self._take(submission)
            self._ledgers.tick()
            return receipt

    def _take(self, submission: Submission) -> Receipt:
        if self._known(submission):
            return Receipt("DUPLICATE", submission.hash)
        if self._faults.spend("try_again_later"):
            return Receipt("TRY_AGAIN_LATER", submission.hash)
        base_fee = self._ledgers.base_fee_stroops()
        refusal = check(submission, self._ledgers.state(), base_fee=base_fee)
        if refusal is not None:
            return Receipt("ERROR", submission.hash, refusal.result_xdr)
        if not self._make_room(submission):
            return Receipt("TRY_AGAIN_LATER", submission.hash)
        if not self._faults.spend("never_include"):
            self._store.execute(
                "INSERT INTO chain_queue (hash, source, envelope_xdr, received_at_ms)"
                " VALUES (?, ?, ?, ?)",
                (
                    submission.hash,
                    submission.source,
                    submission.envelope_xdr,
                    self._ledgers.now_ms(),
                ),
            )
        return Receipt("PENDING", submission.hash)

    def _known(self, submission: Submission) -> bool:
        queued = self._store.one("SELECT 1 FROM chain_queue WHERE hash = ?", (submission.hash,))
        included = self._store.one(
            "SELECT 1 FROM chain_transactions WHERE hash = ?", (submission.hash,)
        )
        return queued is not None or included is not None

    def _make_room(self, submission: Submission) -> bool:
        """One queued transaction for each source account, unless a fee bump replaces it."""
        row = self._store.one(
            "SELECT hash, envelope_xdr FROM chain_queue WHERE source = ?", (submission.source,)
        )
        if row is None:
            return True
        queued = self.decode(row["envelope_xdr"])
        enough = queued.bid_per_operation() * REPLACEMENT_FACTOR
        if not submission.is_fee_bump or submission.bid_per_operation() < enough:
            return False
        self._store.execute("DELETE FROM chain_queue WHERE hash = ?", (row["hash"],))
        return True

    def outcome(self, transaction_hash: str) -> Outcome | None:
        """What became of an included transaction, whether or not Horizon shows it yet."""
        row = self._store.one(
            "SELECT successful, result_xdr, diagnostic FROM chain_transactions WHERE hash = ?",
            (transaction_hash,),
        )
        return (
            Outcome(bool(row["successful"]), row["result_xdr"], row["diagnostic"]) if row else None
        )

    def wait_until_included(self, transaction_hash: str, *, timeout_s: float) -> bool:
        """Wait for a ledger that has the transaction; False when none comes in time."""
        return self._wait(lambda: self.outcome(transaction_hash) is not None, timeout_s)

    def wait_until_ingested(self, transaction_hash: str, *, timeout_s: float) -> bool:
        """Wait until Horizon shows the transaction; False when it does not in time."""
        return self._wait(
            lambda: self._history.transaction(transaction_hash) is not None, timeout_s
        )

    def _wait(self, done: Callable[[], bool], timeout_s: float) -> bool:
        # Holds no lock while it sleeps, so that other requests move the world on.
        deadline = time.monotonic() + timeout_s
        while True:
            self._ledgers.tick()
            if done():
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_S)
