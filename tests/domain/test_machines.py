"""Every state table against the contract, written here a second time; every state × every state."""

import pytest

from offerhub.domain.disputes import DISPUTE
from offerhub.domain.errors import InvalidState
from offerhub.domain.escrows import ESCROW
from offerhub.domain.machine import Machine, table
from offerhub.domain.operations import OPERATION, STEP
from offerhub.domain.orders import MILESTONE, ORDER
from offerhub.domain.topups import RANK, TOPUP
from offerhub.domain.users import USER, WALLET
from offerhub.domain.withdrawals import WITHDRAWAL

# State -> what may follow. "" marks the end.
ORDER_TABLE = """
ORDER_CREATED > FUNDS_RESERVED, CLOSED
FUNDS_RESERVED > ESCROW_CREATING, CLOSED
ESCROW_CREATING > ESCROW_FUNDING, FUNDS_RESERVED
ESCROW_FUNDING > ESCROW_FUNDED
ESCROW_FUNDED > IN_PROGRESS
IN_PROGRESS > RELEASE_REQUESTED, REFUND_REQUESTED, DISPUTED
RELEASE_REQUESTED > RELEASED, IN_PROGRESS
REFUND_REQUESTED > REFUNDED, IN_PROGRESS
DISPUTED > RELEASED, REFUNDED, CLOSED, IN_PROGRESS
RELEASED > CLOSED
REFUNDED > CLOSED
CLOSED >
"""
TOPUP_TABLE = """
TOPUP_CREATED > TOPUP_AWAITING_USER_CONFIRMATION, TOPUP_FAILED, TOPUP_CANCELED
TOPUP_AWAITING_USER_CONFIRMATION > TOPUP_PROCESSING, TOPUP_SUCCEEDED, TOPUP_FAILED, TOPUP_CANCELED
TOPUP_PROCESSING > TOPUP_SUCCEEDED, TOPUP_FAILED, TOPUP_CANCELED
TOPUP_CANCELED > TOPUP_SUCCEEDED
TOPUP_SUCCEEDED >
TOPUP_FAILED >
"""
WITHDRAWAL_TABLE = """
CREATED > COMMITTED, CANCELED, FAILED
COMMITTED > PENDING, PENDING_USER_ACTION, COMPLETED, FAILED, CANCELED
PENDING > PENDING_USER_ACTION, COMPLETED, FAILED, CANCELED
PENDING_USER_ACTION > PENDING, COMPLETED, FAILED, CANCELED
COMPLETED >
FAILED >
CANCELED >
"""
# Beyond the contract: FAILED (a deployment that is proven absent), and the ways back to FUNDED.
ESCROW_TABLE = """
CREATING > CREATED, FAILED
CREATED > FUNDING
FUNDING > FUNDED
FUNDED > RELEASING, REFUNDING, DISPUTED
RELEASING > RELEASED, FUNDED
REFUNDING > REFUNDED, FUNDED
DISPUTED > RELEASED, REFUNDED, FUNDED
RELEASED >
REFUNDED >
FAILED >
"""
DISPUTE_TABLE = """
OPEN > UNDER_REVIEW
UNDER_REVIEW > RESOLVED
RESOLVED >
"""
MILESTONE_TABLE = """
OPEN > COMPLETED, DISPUTED
COMPLETED > RELEASED, DISPUTED
DISPUTED > RELEASED, REFUNDED
RELEASED >
REFUNDED >
"""
USER_TABLE = """
ACTIVE > SUSPENDED, PENDING_VERIFICATION
SUSPENDED > ACTIVE
PENDING_VERIFICATION > ACTIVE, SUSPENDED
"""
WALLET_TABLE = """
CREATING > ACTIVE
ACTIVE >
"""
OPERATION_TABLE = """
PENDING > SUCCEEDED, FAILED, STUCK
STUCK > PENDING, SETTLED
SUCCEEDED >
FAILED >
SETTLED >
"""
STEP_TABLE = """
PREPARED > SUCCEEDED, REJECTED, UNKNOWN, EXPIRED
UNKNOWN > SUCCEEDED, REJECTED, EXPIRED
SUCCEEDED >
REJECTED >
EXPIRED >
"""

Table = dict[str, set[str]]


def _read(text: str, prefix: str = "") -> Table:
    rows = (line.split(">") for line in text.strip().splitlines())
    return {
        prefix + state.strip(): {prefix + t.strip() for t in targets.split(",") if t.strip()}
        for state, targets in rows
    }


MACHINES: list[tuple[Machine, str, Table]] = [
    (ORDER, "ORDER_CREATED", _read(ORDER_TABLE)),
    (TOPUP, "TOPUP_CREATED", _read(TOPUP_TABLE)),
    (WITHDRAWAL, "WITHDRAWAL_CREATED", _read(WITHDRAWAL_TABLE, "WITHDRAWAL_")),
    (ESCROW, "CREATING", _read(ESCROW_TABLE)),
    (DISPUTE, "OPEN", _read(DISPUTE_TABLE)),
    (MILESTONE, "OPEN", _read(MILESTONE_TABLE)),
    (USER, "ACTIVE", _read(USER_TABLE)),
    (WALLET, "CREATING", _read(WALLET_TABLE)),
    (OPERATION, "PENDING", _read(OPERATION_TABLE)),
    (STEP, "PREPARED", _read(STEP_TABLE)),
]


def _called(value: object) -> str:
    """What a test's id says of a value; sets have no order that every process shares."""
    return value.name if isinstance(value, Machine) else "table" if isinstance(value, dict) else ""


EVERY_PAIR = [
    pytest.param(machine, source, target, target in rows[source], id=f"{source}-{target}")
    for machine, _, rows in MACHINES
    for source in rows
    for target in rows
]


@pytest.mark.parametrize(("machine", "initial", "rows"), MACHINES, ids=_called)
def test_a_table_is_the_contracts(machine: Machine, initial: str, rows: Table) -> None:
    assert machine.initial == initial
    assert {state: set(targets) for state, targets in machine.table.items()} == rows


@pytest.mark.parametrize(("machine", "source", "target", "legal"), EVERY_PAIR)
def test_every_change_is_made_or_refused(
    machine: Machine, source: str, target: str, legal: bool
) -> None:
    assert machine.can(source, target) == legal
    assert (source in machine.sources(target)) == legal
    if legal:
        assert machine.check(source, target, resource_id="ord_1") == target
        return
    with pytest.raises(InvalidState) as refused:
        machine.check(source, target, resource_id="ord_1")
    assert refused.value.status == 409
    assert refused.value.details == {
        "current_state": source,
        "allowed_states": sorted(machine.table[source]),
    }
    assert "ord_1" in refused.value.message


@pytest.mark.parametrize(("machine", "initial", "rows"), MACHINES, ids=_called)
def test_every_state_can_be_reached_and_an_end_is_an_end(
    machine: Machine, initial: str, rows: Table
) -> None:
    reached, frontier = {initial}, [initial]
    while frontier:
        following = rows[frontier.pop()] - reached
        reached |= following
        frontier += following
    assert reached == machine.states
    assert machine.terminal == {state for state, targets in rows.items() if not targets}


@pytest.mark.parametrize(("machine", "initial", "rows"), MACHINES, ids=_called)
def test_an_unknown_state_is_a_mistake_in_the_code(machine: Machine, initial: str, rows: Table):
    with pytest.raises(ValueError, match="no state"):
        machine.check("NONSENSE", initial)


def test_a_top_up_leaves_its_ranks_only_upwards_except_for_the_late_success() -> None:
    assert set(RANK) == TOPUP.states
    for source, targets in TOPUP.table.items():
        for target in targets - ({"TOPUP_SUCCEEDED"} if source == "TOPUP_CANCELED" else set()):
            assert RANK[target] > RANK[source], f"{source} > {target}"


@pytest.mark.parametrize(
    ("rows", "initial"),
    [
        ({"A": frozenset({"A"})}, "A"),
        ({"A": frozenset({"B"})}, "A"),
        ({"A": frozenset()}, "B"),
    ],
    ids=["to itself", "to nowhere", "from nowhere"],
)
def test_a_table_with_a_hole_cannot_be_made(rows: dict[str, frozenset[str]], initial: str) -> None:
    with pytest.raises(ValueError, match="thing"):
        Machine("thing", initial, rows)


def test_a_table_reads_its_rows_from_words() -> None:
    assert table(A="B C", B="", C="A") == {
        "A": frozenset({"B", "C"}),
        "B": frozenset(),
        "C": frozenset({"A"}),
    }
