"""The ledger clock: when ledgers close, what they include, and how far history is visible.

Nobody watches an idle network, so no thread ticks: whoever looks or submits calls `tick()`, which
closes the ledgers that were due by then. A submission is included one interval after it came in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from offerhub.sandbox.chain.apply import Rules, apply_transaction
from offerhub.sandbox.chain.envelope import Submission, decode
from offerhub.sandbox.chain.faults import ChainFaults
from offerhub.sandbox.chain.records import account_record
from offerhub.sandbox.chain.results import TxCode
from offerhub.sandbox.chain.state import State
from offerhub.sandbox.chain.validity import BASE_FEE_STROOPS, charge, check
from offerhub.sandbox.store import SandboxStore

IDLE_INTERVAL_MS = 1_000
"""An empty ledger closes at most this often, so that time passes but the file stays small."""
KEPT_STATE_LEDGERS = 500


class Ledgers:
    """Closes ledgers; all methods are safe from any thread."""

    def __init__(
        self,
        store: SandboxStore,
        rules: Rules,
        faults: ChainFaults,
        *,
        passphrase: str,
        interval_ms: int | None,
        clock: Callable[[], float],
    ) -> None:
        """interval_ms: 0 includes a submission at once; None closes only on `close()`."""
        self._store = store
        self._rules = rules
        self._faults = faults
        self._passphrase = passphrase
        self._interval_ms = interval_ms
        self._clock = clock

    def now_ms(self) -> int:
        return int(self._clock() * 1000)

    def latest(self) -> tuple[int, int]:
        """(sequence, closed_at_ms) of the newest ledger."""
        row = self._store.one(
            "SELECT sequence, closed_at_ms FROM chain_ledgers ORDER BY sequence DESC LIMIT 1"
        )
        if row is None:
            raise RuntimeError("this network has no genesis ledger yet")
        return row["sequence"], row["closed_at_ms"]

    def elder(self) -> int:
        """The oldest ledger that history still has."""
        row = self._store.one("SELECT value FROM chain_meta WHERE key = 'elder'")
        return int(row["value"]) if row else 1

    def visible(self) -> int:
        """The newest ledger that Horizon has ingested."""
        return max(self.elder(), self.latest()[0] - self._faults.get("ingest_lag_ledgers"))

    def set_elder(self, sequence: int) -> None:
        """Forget history before `sequence`. Commits."""
        self._store.execute(
            "INSERT INTO chain_meta (key, value) VALUES ('elder', ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (str(sequence),),
        )

    def base_fee_stroops(self) -> int:
        """What inclusion costs now, for each operation."""
        return max(BASE_FEE_STROOPS, self._faults.get("surge_base_fee_stroops"))

    def state(self) -> State:
        """The state as of the newest ledger, with now as the time that checks are made at."""
        sequence, closed_at_ms = self.latest()
        return State(self._store, ledger=sequence, closed_at_ms=max(self.now_ms(), closed_at_ms))

    def tick(self) -> None:
        """Close the ledgers that are due. Commits."""
        if self._interval_ms is None:
            return
        with self._store.transaction():
            now = self.now_ms()
            for row in self._store.query(
                "SELECT hash, received_at_ms FROM chain_queue WHERE passed_over = 0"
                " ORDER BY received_at_ms LIMIT 1000"
            ):
                due = row["received_at_ms"] + self._interval_ms
                if due <= now and self._waits(row["hash"]):
                    self._close(max(due, self.latest()[1]))
            if now - self.latest()[1] >= max(IDLE_INTERVAL_MS, self._interval_ms):
                self._close(now)

    def close(self, forced: Sequence[Submission] = ()) -> int:
        """Close one ledger now and return its sequence. Commits.

        forced: transactions of the sandbox's own actors, which are included unchecked.
        """
        with self._store.transaction():
            return self._close(max(self.now_ms(), self.latest()[1]), forced)

    def edit(self, change: Callable[[State], None]) -> None:
        """Close a ledger in which `change` edits the state by decree. Commits."""
        with self._store.transaction():
            sequence = self._close(max(self.now_ms(), self.latest()[1]))
            state = self._state_of(sequence, self.latest()[1])
            change(state)
            self._keep_states(state)

    def _waits(self, transaction_hash: str) -> bool:
        """Whether no ledger has considered the queued transaction yet."""
        row = self._store.one(
            "SELECT 1 FROM chain_queue WHERE hash = ? AND passed_over = 0", (transaction_hash,)
        )
        return row is not None

    def _state_of(self, sequence: int, closed_at_ms: int) -> State:
        return State(self._store, ledger=sequence, closed_at_ms=closed_at_ms)

    def _close(self, closed_at_ms: int, forced: Sequence[Submission] = ()) -> int:
        sequence = self.latest()[0] + 1
        state = self._state_of(sequence, closed_at_ms)
        base_fee = self.base_fee_stroops()
        counts = {True: 0, False: 0}
        operations = 0
        # Each one is checked against what the ones before it left, just before it is applied.
        for submission in self._due(state, forced, base_fee=base_fee):
            good = apply_transaction(
                submission,
                state,
                self._rules,
                order=sum(counts.values()) + 1,
                fee_charged=charge(submission, base_fee=base_fee),
            )
            counts[good] += 1
            operations += len(submission.operations)
        self._store.execute(
            "INSERT INTO chain_ledgers VALUES (?, ?, ?, ?, ?)",
            (sequence, closed_at_ms, counts[True], counts[False], operations),
        )
        self._keep_states(state)
        return sequence

    def _due(
        self, state: State, forced: Sequence[Submission], *, base_fee: int
    ) -> Iterator[Submission]:
        """What this ledger includes; forgets queued ones that can never be included."""
        yield from forced
        for row in self._store.query(
            "SELECT hash, envelope_xdr FROM chain_queue WHERE received_at_ms <= ?"
            " ORDER BY received_at_ms, hash LIMIT 1000",
            (state.closed_at_ms,),
        ):
            submission = decode(row["envelope_xdr"], self._passphrase)
            refusal = check(submission, state, base_fee=base_fee)
            if refusal is not None and refusal.code is TxCode.txINSUFFICIENT_FEE:
                # It stays and is tried again whenever another ledger closes.
                self._store.execute(
                    "UPDATE chain_queue SET passed_over = 1 WHERE hash = ?", (row["hash"],)
                )
                continue
            self._store.execute("DELETE FROM chain_queue WHERE hash = ?", (row["hash"],))
            if refusal is None:
                yield submission

    def _keep_states(self, state: State) -> None:
        """Remember how the touched accounts look after this ledger, for lagging readers."""
        for address in state.touched:
            account = state.account(address)
            record = json.dumps(account_record(state, account)) if account else None
            self._store.execute(
                "INSERT OR REPLACE INTO chain_account_states VALUES (?, ?, ?)",
                (address, state.ledger, record),
            )
            self._store.execute(
                "DELETE FROM chain_account_states WHERE address = ? AND ledger <"
                " (SELECT max(ledger) FROM chain_account_states"
                "  WHERE address = ? AND ledger <= ?)",
                (address, address, state.ledger - KEPT_STATE_LEDGERS),
            )
