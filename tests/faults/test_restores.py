"""An older state is put back after money has moved: nothing is done twice, nothing is hidden.

The database is copied where a flow has been asked for and nothing of it has happened; then all of
it happens; then the copy takes the database's place, and the work goes on from there.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from offerhub.domain.money import parse_exact
from offerhub.services import (
    audit_chain,
    maintenance,
    reconciliation,
    restored,
    treasury,
    withdrawals,
)
from offerhub.store import backup
from offerhub.store.database import connect_to, connection
from offerhub.store.migrations import pending
from tests.fixtures.databases import PostgresDatabases
from tests.fixtures.postgres import client_tools
from tests.fixtures.proof import Figure
from tests.services.flow_cases import CASES
from tests.services.world import BUYER_EMAIL, USD, World

pytestmark = pytest.mark.proves("F23")

# The platform of its own that this one has is not the restored deployment's.
BY_NAME = {case.name: case for case in CASES if case.name != "platform set-up"}
# What a second time would cost money; the rest with --full.
DEAREST = {
    "withdrawal", "bridged withdrawal", "pay-out", "bridged funding", "release", "refund",
    "split with dust",
}  # fmt: skip
NewUrl = Callable[[], str]


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", client_tools())


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> NewUrl:
    """Makes the URL of one more empty database, of the engine that the test's world is on."""

    def make() -> str:
        if "postgres" in request.node.nodeid:
            databases: PostgresDatabases = request.getfixturevalue("_postgres")
            return databases.take("template0")
        return f"sqlite:///{tmp_path / uuid4().hex}.db"

    return make


def copied(world: World, folder: Path) -> Path:
    file = folder / f"{uuid4().hex}.backup"
    backup.copy_to(file, url=world.environ["DATABASE_URL"], now=world.app.now_ms())
    return file


def put_back(world: World, file: Path, url: str) -> None:
    """Restore into an empty database and go on with that."""
    world.database.close_all()
    backup.put_back(file, url=url)
    assert pending(url) == []
    world.database = connect_to(url)
    world.environ["DATABASE_URL"] = url
    restored.note(world.ctx)
    assert treasury.check_books(world.ctx) == []
    assert audit_chain.verify(world.ctx)["valid"]
    assert maintenance.current(world.ctx)["enabled"]


@pytest.mark.parametrize(
    "name", [n if n in DEAREST else pytest.param(n, marks=pytest.mark.full) for n in BY_NAME]
)
def test_work_done_after_the_backup_is_found_again_and_not_done_again(
    shared_world: World, name: str, tmp_path: Path, empty_url: NewUrl, figure: Figure
) -> None:
    world, case = shared_world, BY_NAME[name]
    subject = case.begin(world)
    file = copied(world, tmp_path)
    world.drain()
    case.check(world, subject)
    put_back(world, file, empty_url())
    world.drain()
    case.check(world, subject)
    figure("flows_restored", 1)


def test_reconciliation_reports_exactly_what_was_forgotten(
    world: World, tmp_path: Path, empty_url: NewUrl, figure: Figure
) -> None:
    """A pay-out and a payment on chain that were asked for after the backup are unknown to it."""
    user = world.funded_user("ana", "100.00")
    other = world.user("ben", email=BUYER_EMAIL)
    world.topped_up(other["id"], "80.00")
    outside = world.control("POST", "/stellar/outside-account")["address"]
    file = copied(world, tmp_path)
    assert reconciliation.run(world.ctx)["status"] == "MATCHED"
    paid = withdrawals.create_withdrawal(
        world.ctx, user_id=user["id"], amount_stroops=30 * USD,
        destination_type="CRYPTO", destination_ref=outside,
    )  # fmt: skip
    sent = withdrawals.create_withdrawal(
        world.ctx, user_id=other["id"], amount_stroops=20 * USD, commit=True,
        destination_type="AIRTM_BALANCE", destination_ref=BUYER_EMAIL,
    )  # fmt: skip
    world.drain()
    world.finish_withdrawal(sent["id"])
    world.check()
    forgotten_hash = withdrawals.get_withdrawal(world.ctx, paid["id"])["stellar_tx_hash"]
    put_back(world, file, empty_url())
    world.drain()
    found = reconciliation.run(world.ctx)
    assert found["status"] == "DIFFERENCES"
    differences = {d["kind"]: d for d in found["differences"]}
    assert {kind: d["subject_id"] for kind, d in differences.items()} == {
        "payment_unknown": user["id"],
        "payout_unknown": sent["id"],
        "asset_balance": "airtm.treasury",
    }
    assert len(found["differences"]) == len(differences)
    assert _lacking(differences["payment_unknown"]) == -30 * USD
    assert parse_exact(differences["payout_unknown"]["theirs_exact"]) == 20 * USD
    assert _lacking(differences["asset_balance"]) == 20 * USD
    assert differences["payment_unknown"]["detail"]["transaction_hash"] == forgotten_hash
    figure("differences_reported", len(differences))

    # The marketplace asks again for what it was promised: the books follow what was paid.
    again = withdrawals.create_withdrawal(
        world.ctx, user_id=user["id"], amount_stroops=30 * USD,
        destination_type="CRYPTO", destination_ref=outside,
    )  # fmt: skip
    world.drain()
    shown = withdrawals.get_withdrawal(world.ctx, again["id"])
    assert shown["status"] == "WITHDRAWAL_COMPLETED"
    assert shown["stellar_tx_hash"] == forgotten_hash
    assert again["id"] != paid["id"]
    assert world.transfers(destination=outside) == [30 * USD], "paid twice"


def _lacking(difference: dict[str, Any]) -> int:
    return parse_exact(difference["ours_exact"]) - parse_exact(difference["theirs_exact"])


def test_a_copy_made_while_many_write_is_one_moment_and_whole(
    world: World, tmp_path: Path, empty_url: NewUrl, figure: Figure
) -> None:
    people = [world.funded_user(f"writer-{n}", "100.00") for n in range(2)]
    stop, failures, made = threading.Event(), [], []

    def write(user_id: str) -> None:
        try:
            while not stop.is_set():
                world.order(user_id, people[people[0]["id"] == user_id]["id"], "1.00")
                made.append(user_id)
        except Exception as error:  # noqa: BLE001 - looked at below
            failures.append(error)

    threads = [threading.Thread(target=write, args=(p["id"],)) for p in people]
    for thread in threads:
        thread.start()
    files = [copied(world, tmp_path) for _ in range(3)]
    before = len(made)
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert before > 0
    for file in files:
        put_back(world, file, empty_url())
    with connection():
        assert treasury.check_books(world.ctx) == []
    figure("copies_under_load", len(files))
