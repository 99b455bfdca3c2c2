"""The network misbehaves: it lags, forgets, lies, and lets others use our sequence numbers."""

import threading
from dataclasses import replace
from typing import Any

import pytest
from stellar_sdk import Keypair

from offerhub.ports.chain import SigningKey
from offerhub.services import engine, withdrawals
from offerhub.services.flows.keys import user_key
from offerhub.store import operations as operations_store
from offerhub.store.database import connection
from offerhub.worker.jobs.operations import perform_next
from tests.fixtures.proof import Figure
from tests.services.flow_cases import CASES, Subject
from tests.services.world import QUICK, USD, World

pytestmark = pytest.mark.proves("F24")

# Trustless Work waits for what the network forgot; nobody waits for Trustless Work.
OUTBOUND = replace(QUICK, send_read_timeout_s=0.5)

BY_NAME = {case.name: case for case in CASES}
ON_CHAIN = ("wallet", "deployment", "bridged funding", "release", "bridged withdrawal", "sweep")


def steps_of(subject: Subject) -> list[operations_store.Step]:
    with connection():
        return operations_store.steps_of(subject.operation_id)


@pytest.mark.parametrize(
    "_module_world",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.full)],
    indirect=True,
    scope="module",
)
@pytest.mark.parametrize("name", ON_CHAIN)
@pytest.mark.parametrize(
    "knobs",
    [
        {"ingest_lag_ledgers": 3},
        {"try_again_later": 3},
        {"success_without_effect": 2},
        {"read_too_early": 2},
        {"index_lag_s": 1},
    ],
    ids=lambda knobs: next(iter(knobs)),
)
def test_a_lagging_or_lying_network_costs_time_and_nothing_else(
    shared_world: World, name: str, knobs: dict[str, int], figure: Figure
) -> None:
    case = BY_NAME[name]
    subject = case.begin(shared_world)
    shared_world.chain_fault(**knobs)
    for _ in range(knobs.get("ingest_lag_ledgers", 0)):
        # Readers lag, but what they showed before they do not take back.
        shared_world.control("POST", "/stellar/close-ledger")
    shared_world.drain()
    shared_world.healthy()
    case.check(shared_world, subject)
    assert {step.attempt for step in steps_of(subject)} == {1}, "built anew without need"
    figure("lags_and_lies", sum(knobs.values()))


@pytest.mark.parametrize("name", ["bridged funding", "withdrawal", "release"])
def test_what_the_network_forgets_is_sent_again_and_not_built_again(
    shared_world: World, name: str
) -> None:
    case = BY_NAME[name]
    subject = case.begin(shared_world)
    shared_world.chain_fault(never_include=2)
    shared_world.drain()
    case.check(shared_world, subject)
    assert {step.attempt for step in steps_of(subject)} == {1}


@pytest.mark.parametrize("name", ["bridged funding", "withdrawal", "release", "wallet", "sweep"])
def test_what_is_never_included_is_built_anew_only_after_its_time_has_passed(
    shared_world: World, name: str, figure: Figure
) -> None:
    case = BY_NAME[name]
    subject = case.begin(shared_world)
    shared_world.chain_fault(never_include=1_000)
    first = ""
    for _ in range(5_000):
        perform_next(shared_world.app)
        steps = steps_of(subject)
        first = first or next((s.name for s in steps if s.tx_hash), "")
        sent = [s for s in steps if s.name == first]
        if len(sent) == 2:
            break
        if sent and sent[0].status != "EXPIRED":
            assert len(sent) == 1
        due_at = engine.next_due_at(shared_world.app)
        assert due_at is not None
        shared_world.clock.skip(max(20.0, (due_at - shared_world.app.now_ms()) / 1000))
    else:
        raise AssertionError("it was never built anew")
    assert sent[0].status == "EXPIRED"
    assert sent[1].created_at / 1000 >= sent[0].max_time_s + 2, "too early"
    shared_world.healthy()
    shared_world.drain()
    case.check(shared_world, subject)
    figure("expired_and_built_anew", 1)


def signer_of(world: World, subject: Subject, role: str) -> SigningKey:
    if role == "buyer":
        return user_key(world.app, subject.buyer["id"])
    return getattr(world.app.platform_keys, role)


@pytest.mark.parametrize(
    ("name", "step", "role"),
    [
        ("wallet", "create_wallet", "treasury"),
        ("deployment", "deploy", "treasury"),
        ("bridged funding", "bridge", "treasury"),
        ("funding", "fund", "buyer"),
        ("release", "approve", "buyer"),
        ("release", "release", "release"),
        ("withdrawal", "pay", "buyer"),
    ],
)
def test_a_sequence_number_that_somebody_else_used_means_a_new_transaction(
    shared_world: World, name: str, step: str, role: str, figure: Figure
) -> None:
    """Another transaction of the same source gets in between intent and sending."""
    case = BY_NAME[name]
    subject = case.begin(shared_world)
    used: list[str] = []

    def use_the_number(point: str) -> None:
        if point == f"{case.kind}/{step}/intent" and not used:
            key = signer_of(shared_world, subject, role)
            other = shared_world.app.chain.build_trustline(account=key)
            shared_world.app.chain.submit(other)
            used.append(other.hash)

    shared_world.drain(shared_world.with_probe(use_the_number))
    assert used
    case.check(shared_world, subject)
    assert [s.status for s in steps_of(subject) if s.name == step] == ["EXPIRED", "SUCCEEDED"]
    figure("sequence_conflicts", 1)


def test_a_reader_that_is_ahead_for_the_account_and_behind_for_the_hash_is_not_believed(
    shared_world: World,
) -> None:
    """Two replicas: one shows our sequence number as used, the other lacks our transaction."""
    case = BY_NAME["withdrawal"]
    subject = case.begin(shared_world)
    shared_world.fault("error_500_after", provider="horizon", method="POST", times=1)
    hidden = _HiddenHash(shared_world.app.chain, looks=4)
    app = _with_chain(shared_world, hidden)
    shared_world.drain(app)
    assert hidden.hidden == 4
    case.check(shared_world, subject)
    assert {step.attempt for step in steps_of(subject)} == {1}


class _HiddenHash:
    """A chain whose look-ups by hash lag, for some looks, behind those of accounts."""

    def __init__(self, chain: Any, *, looks: int) -> None:
        self._chain = chain
        self._looks = looks
        self.hidden = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def transaction(self, hash_: str) -> Any:
        found = self._chain.transaction(hash_)
        if found is not None and self.hidden < self._looks:
            self.hidden += 1
            return None
        return found


def _with_chain(world: World, chain: Any) -> Any:
    # The margin of a real deployment, so that four lagging looks are within it.
    policy = replace(world.app.policy, replica_margin_s=30)
    return replace(world.app, chain=chain, policy=policy)


def test_operations_that_sign_with_one_wallet_wait_for_each_other(
    shared_world: World, figure: Figure
) -> None:
    """Eight withdrawals of one user at once, on six threads: nothing is built on a used number."""
    user = shared_world.funded_user(f"busy-{Keypair.random().public_key[:8]}", "80.00")
    outside = shared_world.control("POST", "/stellar/outside-account")["address"]
    ids = [
        withdrawals.create_withdrawal(
            shared_world.ctx, user_id=user["id"], amount_stroops=10 * USD,
            destination_type="CRYPTO", destination_ref=outside,
        )["id"]
        for _ in range(8)
    ]  # fmt: skip
    threads = [threading.Thread(target=_work, args=(shared_world,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shared_world.drain()
    for one in ids:
        shown = withdrawals.get_withdrawal(shared_world.ctx, one)
        assert shown["status"] == "WITHDRAWAL_COMPLETED"
    assert shared_world.transfers(destination=outside) == [10 * USD] * 8
    with connection():
        attempts = [
            step.attempt
            for one in ids
            for step in operations_store.steps_of(operations_store.latest_for(one).id)
        ]
    assert set(attempts) == {1}
    shared_world.check()
    figure("payments_of_one_account_at_once", len(ids))


def _work(world: World) -> None:
    idle = 0
    while idle < 10:
        if perform_next(world.app):
            idle = 0
        else:
            idle += 1
            threading.Event().wait(0.05)
