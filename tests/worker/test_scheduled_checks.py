"""What the clock does by itself: books and providers compared, the audit chain noted."""

import importlib
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from offerhub.events import relay
from offerhub.providers.checkpoints import FileOfCheckpoints
from offerhub.services import audit_chain, audit_log, book_check, reconciliation
from offerhub.store.database import atomic, execute, is_postgres
from offerhub.store.events import Event
from offerhub.worker import process
from offerhub.worker.jobs import books, checkpoints
from offerhub.worker.jobs import reconciliation as reconciliation_job
from offerhub.worker.queues import BELLS, QUEUES
from offerhub.worker.schedule import FIRST_AFTER_S, INTERVALS_S
from tests.api.conformance import validates
from tests.services.conftest import world  # noqa: F401
from tests.services.world import World


@pytest.fixture
def working(world: World, tmp_path: Path) -> World:  # noqa: F811
    """The world as a worker's application, its checkpoints in a folder of the test."""
    world.app = replace(
        world.app, checkpoint_file=FileOfCheckpoints(tmp_path / "data/audit-checkpoints.jsonl")
    )
    process.use(world.app)
    return world


def announced(kind: str) -> list[Event]:
    with atomic():
        return list(Event.select().where(Event.type == kind))


def errors(logs: list[structlog.typing.EventDict], event: str) -> list[structlog.typing.EventDict]:
    return [one for one in logs if one["event"] == event and one["log_level"] == "error"]


def test_every_sweep_has_its_bell_and_every_bell_its_function() -> None:
    assert set(INTERVALS_S) == set(BELLS)
    assert set(FIRST_AFTER_S) <= set(INTERVALS_S)
    for bell in BELLS.values():
        module, _, name = bell.function.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))
        assert bell.queue in QUEUES


def test_the_books_and_the_providers_are_compared_hourly() -> None:
    assert INTERVALS_S["books"] == INTERVALS_S["reconciliation"] == 3600
    assert BELLS["reconciliation"].timeout_s < INTERVALS_S["reconciliation"]


def test_right_books_are_no_news(working: World) -> None:
    with structlog.testing.capture_logs() as logs:
        books.check()
    assert not errors(logs, "ledger.finding")
    assert announced("balance.discrepancy_detected") == []
    last = book_check.last()
    assert last is not None
    assert (last["findings"], last["at"] <= working.app.now_ms()) == (0, True)


def test_a_broken_book_is_logged_and_announced(working: World) -> None:
    user = working.funded_user("someone", "5.00")
    with atomic():
        if is_postgres():
            execute("ALTER TABLE accounts DISABLE TRIGGER ALL")
        execute("UPDATE accounts SET balance = balance + 1 WHERE owner_id = ?", (user["id"],))
    with structlog.testing.capture_logs() as logs:
        books.check()
    found = errors(logs, "ledger.finding")
    assert any(one["invariant"] == "balance = fold(entries)" for one in found)
    told = announced("balance.discrepancy_detected")
    assert len(told) == len(found)
    assert {event.payload["place"] for event in told} == {"books"}
    for event in told:
        validates({"$ref": "#/components/schemas/DiscrepancyPayload"}, event.payload)
    (record,) = audit_log.list_records(working.ctx, action="ledger.check").items
    assert record["after"]["findings"] == len(found)
    assert (book_check.last() or {})["findings"] == len(found)


def test_a_difference_with_a_provider_is_logged_and_announced(working: World) -> None:
    working.control("POST", "/airtm/balance/credit", amount="1.00")
    with structlog.testing.capture_logs() as logs:
        reconciliation_job.run()
    assert len(errors(logs, "discrepancy")) == 1
    assert len(announced("reconciliation.completed")) == 1
    assert reconciliation.list_runs(working.ctx).items[0]["differing"] == 1


def test_the_chain_is_noted_in_the_deployments_folder_and_a_cut_is_an_error(
    working: World,
) -> None:
    token = relay.take_lease(holder="test", now_ms=working.app.now_ms())
    assert token is not None
    relay.seal_audit(holder="test", token=token)
    checkpoints.write()
    checkpoints.write()
    file = working.app.checkpoint_file
    assert isinstance(file, FileOfCheckpoints)
    assert len(file.lines()) == 1
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert audit_chain.verify(working.ctx, checkpoints=file.lines())["valid"] is True
    with atomic():
        if is_postgres():
            execute("ALTER TABLE audit_seals DISABLE TRIGGER ALL")
        else:
            execute("DROP TRIGGER audit_seals_no_delete")
        execute("DELETE FROM audit_seals")
    with structlog.testing.capture_logs() as logs:
        checkpoints.write()
    assert len(errors(logs, "audit.rewritten")) == 1
    file.path.unlink()
    file.path.mkdir()
    with structlog.testing.capture_logs() as logs:
        checkpoints.write()
    assert len(errors(logs, "audit.no_checkpoint")) == 1
