"""What an operator does without the API, command by command, on a deployment with real orders."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from offerhub.cli.group import offerhub
from offerhub.domain import ids
from offerhub.events import relay
from offerhub.ledger import accounts, adjustments, journal
from offerhub.services import (
    api_keys,
    audit_log,
    book_check,
    maintenance,
    operations,
    restored,
    withdrawals,
)
from offerhub.store import leases as flags
from offerhub.store import operations as operations_store
from offerhub.store.database import atomic, execute
from offerhub.store.inbox import InboxEvent
from tests.services.conftest import _module_world, plain_logs, shared_world  # noqa: F401
from tests.services.world import BUYER_EMAIL, USD, World

Run = Callable[..., Result]


@pytest.fixture
def run(shared_world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:  # noqa: F811
    """`run("audit", "list", code=0)`: a command of the world's deployment, and its exit code."""
    for name, value in shared_world.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str, code: int = 0, answer: str | None = None) -> Result:
        found = CliRunner().invoke(offerhub, list(arguments), input=answer)
        shared_world.use()
        assert found.exit_code == code, (found.output, found.exception)
        return found

    return command


def data(found: Result) -> Any:
    return json.loads(found.stdout)


def actions(world: World, action: str) -> list[dict[str, Any]]:
    return audit_log.list_records(world.ctx, action=action).items


def test_maintenance_is_turned_on_and_off(run: Run, shared_world: World) -> None:  # noqa: F811
    assert run("maintenance", "status").stdout == "Maintenance is off.\n"
    on = data(
        run("maintenance", "on", "--message", "Back at nine.", "--retry-after", "90", "--json")
    )
    assert (on["enabled"], on["message"], on["retry_after_s"]) == (True, "Back at nine.", 90)
    assert "Back at nine." in run("maintenance", "status").stdout
    run("maintenance", "on", "--message", " ", code=1)
    assert data(run("maintenance", "off", "--json"))["enabled"] is False
    assert [r["actor"]["type"] for r in actions(shared_world, "maintenance.switch")] == [
        "operator", "operator",
    ]  # fmt: skip


def test_reconciliation_tells_differences_by_its_exit_code(
    run: Run,
    shared_world: World,  # noqa: F811
) -> None:
    assert data(run("reconcile", "--json"))["status"] == "MATCHED"
    shared_world.control("POST", "/airtm/balance/credit", amount="1.00")
    found = run("reconcile", code=1)
    assert "1 DIFFERENCE FOR YOU" in found.stdout
    assert "asset_balance: account airtm.treasury (at airtm)" in found.stdout
    assert "ours 0.0000000, theirs 1.0000000" in found.stdout
    assert "do: " in found.stdout
    assert run("treasury", "--ask", code=0).stdout.startswith("SOLVENT")
    assert "No snapshot" in run("treasury", "--history", "3").stdout


def test_a_check_by_hand_ends_what_an_earlier_one_had_to_say(run: Run, shared_world: World) -> None:  # noqa: F811
    book_check.note(shared_world.ctx, [{"invariant": "all entries sum to zero"}])
    assert data(run("ledger", "check", "--json"))["findings"] == []
    assert (book_check.last() or {})["findings"] == 0


def test_a_wallets_difference_is_booked_by_hand_after_a_question(
    run: Run,
    shared_world: World,  # noqa: F811
) -> None:
    user = shared_world.user("corrected")["id"]
    long_ago = shared_world.app.now_ms() - 3_600_000  # no reader lags as far behind
    wrong = adjustments.wallet_corrected(reference="wrong", user_id=user, more=USD + 1, less=0)
    with atomic():
        journal.post(wrong, now_ms=long_ago)
    book = (
        "ledger", "correct-wallet", user, "--direction", "LESS", "--reason", "never arrived",
        "--reference", "case 7",
    )  # fmt: skip
    run(*book, code=2)
    run(*book, "--amount", "1.0000001", code=1, answer="n\n")
    other = run(*book, "--amount", "1.00", "--yes", code=1)
    assert "only that difference can be booked" in other.stderr
    assert run(*book, "--amount", "a lot", "--yes", code=1).stderr.startswith("offerhub: ")
    assert shared_world.balance(accounts.wallet(user)) == USD + 1

    booked = run(*book, "--amount", "1.0000001", answer="y\n")
    assert booked.stdout == f"{accounts.wallet(user)}: 1.0000001 -> 0.0000000\n"
    assert shared_world.balance(accounts.wallet(user)) == shared_world.available(user) == 0
    (record,) = actions(shared_world, "wallet.correct")
    assert (record["actor"]["type"], record["after"]["reason"]) == ("operator", "never arrived")


def test_a_restore_is_shown_while_it_is_open_and_closed_with_a_reason(
    run: Run,
    shared_world: World,  # noqa: F811
) -> None:
    close = ("db", "close-forgotten", "--reason", "compared by hand")
    assert run("db", "forgotten").stdout == "Nothing is forgotten: no restore is open.\n"
    assert "no restore is open" in run(*close, code=1).stderr
    now = shared_world.app.now_ms()
    times = {"from_ms": now - 3_600_000, "to_ms": now + restored.CLOCKS_DIFFER_MS}
    with atomic():
        flags.set_flag(restored.FORGOTTEN, [times], now=now)
    found = data(run("db", "forgotten", "--json"))
    assert (len(found["times"]), found["forbids"]) == (1, [])
    assert "against closing: nothing was compared since" in run("db", "forgotten").stdout
    run("db", "close-forgotten", "--force", code=2)
    assert "stays open" in run(*close, code=1).stderr
    assert data(run(*close, "--force", "--json"))["times"] == found["times"]
    assert data(run("db", "forgotten", "--json"))["times"] == []
    (record,) = actions(shared_world, "database.restore_closed")
    assert record["after"]["reason"] == "compared by hand"
    assert record["after"]["forced"] is True


def test_the_treasury_is_shown_with_where_to_look_it_up(run: Run, shared_world: World) -> None:  # noqa: F811
    found = data(run("treasury", "--json"))
    address = shared_world.app.platform_keys.treasury.address
    assert found["wallets"]["treasury"] == address
    assert {one["account"]: one["place"] for one in found["assets"]}["stellar.treasury"] == address
    assert found["difference_exact"] == "0.0000000"
    text = run("treasury").stdout
    assert address in text
    assert "owed to users" in text


def test_the_audit_trail_is_listed_noted_and_proven(
    run: Run,
    shared_world: World,  # noqa: F811
    tmp_path: Path,
) -> None:
    user = shared_world.user("audited")
    token = relay.take_lease(holder="test", now_ms=shared_world.app.now_ms())
    assert token is not None
    while relay.seal_audit(holder="test", token=token)[0]:
        pass
    (record,) = data(run("audit", "list", "--resource", user["id"], "--json"))["records"]
    assert record["action"] == "user.create"
    assert "user.create" in run("audit", "list", "--limit", "150").stdout

    file = tmp_path / "elsewhere" / "notes.jsonl"
    note = data(run("audit", "checkpoint", "--out", str(file), "--json"))["checkpoint"]
    run("audit", "checkpoint", "--out", str(file))
    assert json.loads(run("audit", "checkpoint", "--out", "-").stdout)["number"] == note["number"]
    proof = data(run("audit", "verify", "--checkpoints", str(file), "--json"))
    assert (proof["valid"], proof["checkpoints"]["checked"]) == (True, 2)
    assert "2 checkpoints hold" in run("audit", "verify", "--checkpoints", str(file)).stdout
    assert "no checkpoints yet" in run("audit", "verify").stdout

    file.write_text(file.read_text().replace(note["hash"], "0" * 64))
    assert "signature" in run("audit", "verify", "--checkpoints", str(file), code=1).stdout
    run("audit", "checkpoint", "--out", str(file), code=1)
    run("audit", "checkpoint", "--out", str(tmp_path), code=2)


def test_a_stuck_operation_is_settled_by_hand(run: Run, shared_world: World) -> None:  # noqa: F811
    buyer = shared_world.user("settled", email=BUYER_EMAIL)
    shared_world.topped_up(buyer["id"], "50.00")
    before = shared_world.available(buyer["id"])
    made = withdrawals.create_withdrawal(
        shared_world.ctx, user_id=buyer["id"], amount_stroops=20 * USD, commit=True,
        destination_type="AIRTM_BALANCE", destination_ref=BUYER_EMAIL,
    )  # fmt: skip
    assert shared_world.available(buyer["id"]) == before - 20 * USD
    with atomic():
        row = operations_store.latest_for(made["id"])
        assert row is not None
        row.step = "create_payout"  # tried and never begun, as after refused connections
        operations.mark_stuck(shared_world.ctx, row, message="nobody answers", code=None)
    assert row.id in run("operations", "list", "--status", "STUCK").stdout
    settle = ("operations", "settle", row.id, "--outcome", "FAILED", "--reason", "never sent")
    run(*settle, code=1, answer="n\n")
    assert shared_world.available(buyer["id"]) == before - 20 * USD
    assert data(run(*settle, "--yes", "--json"))["status"] == "SETTLED"
    assert shared_world.available(buyer["id"]) == before
    run(*settle, "--yes", code=1)
    run("operations", "retry", row.id, "--reason", "again", code=1)
    (record,) = actions(shared_world, "operation.settle")
    assert (record["actor"]["type"], record["after"]["reason"]) == ("operator", "never sent")


def test_dead_letters_are_retried_or_discarded_with_a_reason(
    run: Run,
    shared_world: World,  # noqa: F811
) -> None:
    letters = [ids.new_id(ids.INBOX) for _ in range(2)]
    with atomic():
        for letter in letters:
            InboxEvent.create(
                id=letter, provider="airtm", event_id=f"msg_{letter}", event_type="payin.failed",
                code="topup_x", body="{}", status="DEAD", attempts=9, reason="out of attempts",
                received_at=1,
            )  # fmt: skip
    listed = data(run("dead-letters", "list", "--json"))["dead_letters"]
    assert {one["id"] for one in listed} == set(letters)
    assert "out of attempts" in run("dead-letters", "list").stdout
    short = run("dead-letters", "list", "--limit", "1", "--json")
    assert len(data(short)["dead_letters"]) == 1
    assert "There are more" in short.stderr
    assert data(run("dead-letters", "retry", letters[0], "--json"))["status"] == "RECEIVED"
    discard = ("dead-letters", "discard", letters[1])
    run(*discard, code=2)
    run(*discard, "--reason", " ", code=1)
    run(*discard, "--reason", "a test of the provider")
    run(*discard, "--reason", "twice", code=1)
    assert data(run("dead-letters", "list", "--json"))["dead_letters"] == []
    with atomic():
        execute("DELETE FROM inbox_events WHERE code = 'topup_x'")


def test_an_id_is_explained_and_an_unknown_one_is_said_so(run: Run, shared_world: World) -> None:  # noqa: F811
    user = shared_world.user("explained")
    assert data(run("why", user["wallet"]["address"], "--json"))["found"][0]["id"] == user["id"]
    assert "is a user, now ACTIVE" in run("why", user["id"]).stdout
    assert "Nothing is known" in run("why", "ord_nobody", code=1).stderr


def test_wallet_keys_are_counted_and_rotated(
    run: Run,
    shared_world: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared_world.user("sealed")
    old = shared_world.environ["OFFERHUB_WALLET_KEKS"]
    (key,) = data(run("keys", "wallet-keys", "--verify", "--json"))["keys"]
    assert (key["id"], key["active"], key["may_be_dropped"]) == ("k1", True, False)
    new = f"k2:{old.partition(':')[2][::-1].lstrip('=')}="
    monkeypatch.setenv("OFFERHUB_WALLET_KEKS", f"{new},{old}")
    assert data(run("keys", "rotate-wallet-keys", "--json"))["wallets"] == key["wallets"]
    assert "may be dropped" in run("keys", "wallet-keys").stdout
    monkeypatch.setenv("OFFERHUB_WALLET_KEKS", old)
    assert "MISSING" in run("keys", "wallet-keys", code=1).stdout
    assert "k2 (fingerprint" in run("keys", "rotate-wallet-keys", code=3).stderr
    monkeypatch.setenv("OFFERHUB_WALLET_KEKS", f"{old},{new}")  # back again, for the others
    assert data(run("keys", "rotate-wallet-keys", "--json"))["failed"] == []


def test_what_strangers_wrote_is_shown_by_no_command_as_it_stands(
    run: Run,
    shared_world: World,  # noqa: F811
) -> None:
    """Names, references and reasons of whoever: a terminal would obey them."""
    hostile = "\x1b]0;owned\x07\x9b31m\u202e\nforged"
    ctx = shared_world.ctx
    with atomic():
        made = operations.start(
            ctx, kind=operations.TREASURY_PAYMENT, subject_type="treasury", subject_id=hostile
        )
        operations.mark_stuck(ctx, made, message=hostile, code=None)
        InboxEvent.create(
            id=ids.new_id(ids.INBOX), provider="airtm", event_id="e", event_type=hostile,
            code=hostile, body="{}", status="DEAD", reason=hostile, received_at=1,
        )  # fmt: skip
    api_keys.create_key(ctx, name=hostile, scopes_wanted=["read"])
    maintenance.switch(ctx, enabled=True, message=hostile)
    for command, code in (
        (("operations", "list"), 0), (("dead-letters", "list"), 0), (("keys", "list"), 0),
        (("audit", "list"), 0), (("maintenance", "status"), 0), (("why", made.id), 0),
        (("why", hostile), 0), (("reconcile",), 1),
        (("operations", "retry", hostile, "--reason", "x"), 1),
    ):  # fmt: skip
        said = run(*command, code=code).output
        assert not [sign for sign in "\x1b\x07\x9b\u202e" if sign in said], command
        assert not any(line.startswith("forged") for line in said.splitlines()), command
    assert r"\x1b]0;owned" in run("operations", "list").output
