"""The world outlives its process: what was acknowledged is there after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from stellar_sdk import Keypair

from offerhub.sandbox.chain.network import Chain
from offerhub.sandbox.store import SandboxStore
from tests.sandbox.chain_world import UNIT, builder, holdings, make_chain, signed

_VICTIM = """
import sys
from offerhub.sandbox.chain.network import Chain
from offerhub.sandbox.store import SandboxStore
chain = Chain(SandboxStore(sys.argv[1]), ledger_interval_ms=0)
address = chain.outside_account()
print(address, flush=True)
while True:
    sent = chain.mint_usdc(to=address, amount_stroops=1)
    print(sent.hash, flush=True)
"""


def test_everything_said_before_a_kill_is_there_after_it(tmp_path):
    path = tmp_path / "world.db"
    process = subprocess.Popen(
        [sys.executable, "-c", _VICTIM, str(path)], stdout=subprocess.PIPE, text=True
    )
    address = process.stdout.readline().strip()
    said = [process.stdout.readline().strip() for _ in range(20)]
    os.kill(process.pid, signal.SIGKILL)
    said += process.stdout.read().split()
    process.wait(timeout=10)
    said = [one for one in said if len(one) == 64]
    chain = make_chain(store=SandboxStore(path))
    assert all(chain.history.transaction(one)["successful"] for one in said)
    moved = [t for t in chain.snapshot()["transfers"] if t["to"] == address]
    assert holdings(chain, address) == len(moved)
    assert len(said) <= len(moved) <= len(said) + 1
    chain.mint_usdc(to=address, amount_stroops=1)
    assert holdings(chain, address) == len(moved) + 1


def test_a_queued_transaction_and_the_knobs_survive_a_restart(tmp_path):
    path = tmp_path / "world.db"
    chain = make_chain(store=SandboxStore(path), interval_ms=None)
    key = Keypair.random()
    chain.seed_account(key.public_key, xlm_stroops=10 * UNIT)
    envelope = signed(builder(chain, key.public_key).append_manage_data_op("a", "1"), key)
    chain.submissions.submit(envelope.to_xdr())
    chain.faults.set("index_lag_s", 9)
    chain.store.close()
    again = make_chain(store=SandboxStore(path), interval_ms=None)
    assert again.submissions.submit(envelope.to_xdr()).status == "DUPLICATE"
    again.close_ledger()
    assert again.history.transaction(envelope.hash_hex())["successful"] is True
    assert again.faults.get("index_lag_s") == 9


def test_a_world_is_opened_with_its_own_passphrase_only(tmp_path):
    path = tmp_path / "world.db"
    make_chain(store=SandboxStore(path)).store.close()
    with pytest.raises(ValueError, match="belongs to the network"):
        Chain(SandboxStore(path), passphrase="Somewhere Else ; 2026")


def test_a_caught_failure_inside_a_transaction_undoes_the_inner_level_only():
    store = SandboxStore()
    store.install("CREATE TABLE IF NOT EXISTS notes (text TEXT)")
    with store.transaction():
        store.execute("INSERT INTO notes VALUES ('kept')")
        with pytest.raises(LookupError):
            _write_and_fail(store, "undone")
    with pytest.raises(LookupError):
        _write_and_fail(store, "undone too")
    assert [row["text"] for row in store.query("SELECT text FROM notes")] == ["kept"]


def _write_and_fail(store: SandboxStore, text: str) -> None:
    with store.transaction():
        store.execute("INSERT INTO notes VALUES (?)", (text,))
        raise LookupError


def test_tables_are_not_installed_in_the_middle_of_a_transaction():
    store = SandboxStore()
    with store.transaction(), pytest.raises(RuntimeError):
        store.install("CREATE TABLE IF NOT EXISTS notes (text TEXT)")
