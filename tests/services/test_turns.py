"""When a waiting operation's turn is expected: one signer at a time, urgent work first, shares."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from offerhub.ports.chain import PlatformKeys, SigningKey
from offerhub.ports.limits import Outlook
from offerhub.services import turns
from offerhub.services.flows.registry import FLOWS
from offerhub.services.outbound_order import urgency_of
from offerhub.services.turns import PROVIDER_LIMIT, SIGNER, Turn
from offerhub.store import operations as store
from offerhub.store.database import atomic, connect_to, proxy

pytestmark = pytest.mark.proves("F25")

NOW_MS = 1_000_000
KEYS = PlatformKeys(*(SigningKey(f"G{role}", "S") for role in ("TREASURY", "RELEASE", "RESOLVER")))


@pytest.fixture
def database(database_url: str) -> Iterator[str]:
    connect_to(database_url)
    yield database_url
    proxy.obj.close_all()


def an_app(outlook: Outlook | None = None) -> Any:
    return SimpleNamespace(
        platform_keys=KEYS,
        limits=SimpleNamespace(outlook=lambda provider: outlook),
        now_ms=lambda: NOW_MS,
    )


def pending(id_: str, kind: str, *, at: int, **params: Any) -> str:
    with atomic():
        store.Operation.create(
            id=id_, kind=kind, subject_type="test", subject_id=f"of_{id_}", status="PENDING",
            urgency=urgency_of(kind), params=params, facts={}, next_run_at=at,
            context={}, created_at=at, updated_at=at,
        )  # fmt: skip
    return id_


def finished(operation_id: str, name: str, *, source: str = "GUSER", took_ms: int = 0) -> None:
    with atomic():
        number = store.Step.select().count() + 1
        store.Step.create(
            id=f"step_{number}", operation_id=operation_id, name=name, attempt=1,
            status="SUCCEEDED", request={}, source_address=source, sequence=number,
            created_at=10, updated_at=10 + took_ms,
        )  # fmt: skip


def waits(app: Any, reason: str) -> dict[str, float]:
    """Seconds by operation, of those that wait for this."""
    found = turns.expected(app)
    return {
        id_: (turn.at_ms - NOW_MS) / 1000 for id_, turn in found.items() if turn.waits_for == reason
    }


def test_what_the_treasury_signs_comes_one_after_the_other_and_money_first(database: str) -> None:
    for number, took_ms in enumerate((6_000, 5_000, 90_000)):
        done = pending(f"opn_old_{number}", "wallet.create", at=number)
        finished(done, "create_wallet", source="GTREASURY", took_ms=took_ms)
    with atomic():
        store.Operation.update(status="SUCCEEDED").execute()
    holding = pending("opn_holding", "wallet.create", at=1)
    pending("opn_wallet", "wallet.create", at=2)
    pending("opn_deploy", "escrow.deploy", at=3)
    pending("opn_paying", "withdrawal.chain", at=4)
    bridged = pending("opn_bridged", "escrow.fund", at=5)
    finished(bridged, "bridge")
    pending("opn_approving", "order.release", at=6, positions=[None])
    with atomic():
        assert store.try_claims(["GTREASURY"], operation_id=holding, now=1)
    assert waits(an_app(), SIGNER) == {"opn_paying": 6.0, "opn_wallet": 12.0, "opn_deploy": 18.0}


def test_without_transactions_to_judge_by_each_takes_a_ledger(database: str) -> None:
    for number in range(3):
        pending(f"opn_{number}", "wallet.create", at=number)
    assert waits(an_app(), SIGNER) == {"opn_1": 5.5, "opn_2": 11.0}


def test_each_of_the_platforms_wallets_has_a_queue_of_its_own(database: str) -> None:
    for number in range(2):
        release = pending(f"opn_release_{number}", "order.release", at=number, positions=[0, 1])
        for name in ("approve_0", "release_0", "approve_1"):
            finished(release, name)
        refund = pending(f"opn_refund_{number}", "order.refund", at=number, positions=[None])
        for name in ("dispute", "resolve"):
            finished(refund, name)
        resolve = {"parts": [{"position": None}], "full_refund": True}
        pending(f"opn_resolve_{number}", "dispute.resolve", at=number, **resolve)
    assert waits(an_app(), SIGNER) == {
        "opn_release_1": 5.5, "opn_refund_1": 5.5, "opn_resolve_1": 5.5,
    }  # fmt: skip


def test_the_share_that_is_kept_for_what_is_new_shortens_its_wait_and_lengthens_the_others(
    database: str,
) -> None:
    """Ten calls each ten seconds, all booked; one of them is kept for new work."""
    outlook = Outlook(tuple(float(n) for n in range(1, 11)), 10.0, waiting=0, kept=1)
    for number in range(10):  # five calls each
        pending(f"opn_release_{number}", "order.release", at=number, positions=[None])
    for number in range(2):  # two calls each
        pending(f"opn_deploy_{number}", "escrow.deploy", at=number)
    found = waits(an_app(outlook), PROVIDER_LIMIT)
    assert "opn_deploy_0" not in found  # it has the very next of the calls that are kept
    assert found["opn_deploy_1"] == 21.0  # two windows later; behind all releases it were 53
    assert found["opn_release_0"] == 2.0
    assert found["opn_release_9"] == 50.0  # after 45 calls of releases and 4 of deployments


def test_the_longer_of_two_queues_is_told_and_without_redis_the_one_that_is_known(
    database: str,
) -> None:
    for number in range(4):
        pending(f"opn_{number}", "escrow.deploy", at=number)
    outlook = Outlook((0.0,) * 4, 60.0, waiting=0)  # four calls at once, two deployments
    assert turns.expected(an_app(outlook)) == {
        "opn_1": Turn(SIGNER, NOW_MS + 5_500),
        "opn_2": Turn(PROVIDER_LIMIT, NOW_MS + 60_000),
        "opn_3": Turn(PROVIDER_LIMIT, NOW_MS + 60_000),
    }
    assert waits(an_app(None), SIGNER) == {"opn_1": 5.5, "opn_2": 11.0, "opn_3": 16.5}


def test_the_tables_name_steps_that_the_flows_have_and_their_signers() -> None:
    run: Any = SimpleNamespace(app=an_app(), params={}, operation=None)
    wallets = {"treasury": "GTREASURY", "release": "GRELEASE", "resolver": "GRESOLVER"}
    for kind, steps in turns.SIGNERS.items():
        of_flow = {step.name: step for step in FLOWS[kind].steps}
        assert set(turns.CALLS.get(kind, {})) <= set(of_flow), kind
        for verb, role in steps:
            assert verb in of_flow, (kind, verb)
            if role is not None and verb != "bridge":  # a bridge claims the user's wallet as well
                assert list(of_flow[verb].claims(run)) == [wallets[role]], (kind, verb)
