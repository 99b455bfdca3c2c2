"""The audit trail of real work verifies, and every way of falsifying it shows."""

from collections.abc import Callable

import pytest

from offerhub.events import relay
from offerhub.services import audit_chain
from offerhub.store import audit as audit_store
from offerhub.store.database import atomic, execute, is_postgres
from tests.services.world import World


def seal(world: World) -> int:
    """Seal everything; how many links there are."""
    token = relay.take_lease(holder="test", now_ms=world.app.now_ms())
    assert token is not None
    while relay.seal_audit(holder="test", token=token)[0]:
        pass
    with atomic():
        return int(audit_store.AuditSeal.select().count())


def unguarded(table: str) -> None:
    """What an attacker with the database's own powers does first."""
    if is_postgres():
        execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    else:
        names = [
            row[0]
            for row in execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)
            ).fetchall()
        ]
        for name in names:
            execute(f"DROP TRIGGER {name}")


def change(number: int) -> None:
    unguarded("audit_records")
    execute(
        "UPDATE audit_records SET actor_id = 'somebody else' WHERE id ="
        " (SELECT audit_id FROM audit_seals WHERE number = ?)",
        (number,),
    )


def remove(number: int) -> None:
    unguarded("audit_records")
    execute(
        "DELETE FROM audit_records WHERE id = (SELECT audit_id FROM audit_seals WHERE number = ?)",
        (number,),
    )


def remove_with_seal(number: int) -> None:
    remove(number)
    unguarded("audit_seals")
    execute("DELETE FROM audit_seals WHERE number = ?", (number,))


def swap(number: int) -> None:
    unguarded("audit_seals")
    first = execute("SELECT audit_id FROM audit_seals WHERE number = ?", (number,)).fetchone()[0]
    second = execute("SELECT audit_id FROM audit_seals WHERE number = ?", (number + 1,)).fetchone()[
        0
    ]
    for target, audit_id in ((number, "-"), (number + 1, first), (number, second)):
        execute("UPDATE audit_seals SET audit_id = ? WHERE number = ?", (audit_id, target))


@pytest.mark.parametrize("falsify", [change, remove, remove_with_seal, swap])
def test_a_falsified_trail_does_not_verify(world: World, falsify: Callable[[int], None]) -> None:
    world.user("somebody")
    links = seal(world)
    report = audit_chain.verify(world.ctx)
    assert (report["valid"], report["checked"], report["unsealed"]) == (True, links, 0)
    number = links // 2
    with atomic():
        falsify(number)
    report = audit_chain.verify(world.ctx)
    assert report["valid"] is False
    assert report["checked"] == number - 1
    assert report["first_broken"]["number"] in {number, number + 1}


def test_a_cut_off_end_shows_against_a_head_that_was_kept(world: World) -> None:
    world.user("somebody")
    links = seal(world)
    kept = audit_chain.verify(world.ctx)["head"]
    with atomic():
        remove_with_seal(links)
    report = audit_chain.verify(world.ctx)
    assert report["valid"] is True
    assert report["head"] != kept
    assert report["head"]["number"] < kept["number"]


def test_the_database_itself_refuses_changes_and_removals(world: World) -> None:
    links = seal(world)
    for statement in (
        "UPDATE audit_records SET actor_id = 'x'", "DELETE FROM audit_records",
        "UPDATE audit_seals SET hash = 'x'", "DELETE FROM audit_seals",
    ):  # fmt: skip
        with pytest.raises(Exception, match="append-only"), atomic():
            execute(statement)
    assert audit_chain.verify(world.ctx)["checked"] == links
