"""The end of a restore: closed once all was compared, forced with a reason, never with old work."""

from typing import Any

import pytest

from offerhub.domain.errors import InvalidState
from offerhub.services import discrepancies, forgetting, operations, reconciliation, restored
from offerhub.store import audit as audit_store
from offerhub.store import leases as flags
from offerhub.store import operations as store
from offerhub.store.database import atomic, connection
from tests.services.world import World

pytestmark = pytest.mark.proves("F23")
HOUR_MS = 3_600_000


def forget(world: World) -> None:
    """As `restored.note` leaves it: the last hour is forgotten, and the restore is just over."""
    now = world.app.now_ms()
    times = {"from_ms": now - HOUR_MS, "to_ms": now - 1_000 + restored.CLOCKS_DIFFER_MS}
    with atomic():
        flags.set_flag(restored.FORGOTTEN, [times], now=now)


def close(world: World, **more: Any) -> dict[str, Any]:
    return forgetting.close(world.ctx, reason="compared with Airtm's list as well", **more)


def closed_records() -> list[Any]:
    with connection():
        page = audit_store.listed(limit=20, cursor=None, action="database.restore_closed")
        return page.rows


def is_open() -> bool:
    with connection():
        return bool(restored.forgotten_times())


def test_a_restore_is_closed_after_a_clean_reconciliation_and_not_before(world: World) -> None:
    with pytest.raises(InvalidState, match="no restore is open"):
        close(world)
    world.funded_user("someone", "5.00")
    reconciliation.run(world.ctx)
    world.clock.skip(60)
    forget(world)
    assert forgetting.current()["against"] == [
        "nothing was compared since: run `offerhub reconcile`"
    ]
    with pytest.raises(InvalidState, match="offerhub reconcile"):
        close(world)
    assert is_open()

    reconciliation.run(world.ctx)
    assert (forgetting.current()["against"], forgetting.current()["forbids"]) == ([], [])
    assert len(close(world)["times"]) == 1
    assert not is_open()
    (record,) = closed_records()
    assert record.after == {
        "reason": "compared with Airtm's list as well", "forced": False, "against": [],
    }  # fmt: skip
    assert len(record.before["forgotten"]) == 1


def test_open_differences_keep_it_open_unless_it_is_forced_with_a_reason(world: World) -> None:
    forget(world)
    reconciliation.run(world.ctx)
    with atomic():
        discrepancies.record(
            world.ctx, kind="payin_amount", subject="topup_1", ours=1, theirs=2, detail={}
        )
    with pytest.raises(InvalidState, match="1 more open"):
        close(world)
    close(world, force=True)
    assert not is_open()
    (record,) = closed_records()
    assert record.after["forced"] is True
    assert "dead-letters" in record.after["against"][0]


def test_a_reconciliation_that_could_not_ask_is_none(world: World) -> None:
    forget(world)
    world.fault("rate_limited", provider="trustless_work", times=None)
    assert reconciliation.run(world.ctx)["unreachable"] > 0
    with pytest.raises(InvalidState, match="could not ask about everything"):
        close(world)
    world.healthy()


def test_work_from_before_the_restore_forbids_it_even_if_forced(world: World) -> None:
    """A payment of the copy that was sent and forgotten would be sent once more."""
    with atomic():
        row = operations.start(
            world.ctx, kind="wallet.sweep", subject_type="user", subject_id="usr_x"
        )
        store.Operation.update(
            created_at=world.app.now_ms() - 2 * HOUR_MS,
            next_run_at=world.app.now_ms() + HOUR_MS,
        ).where(store.Operation.id == row.id).execute()  # fmt: skip
    forget(world)
    reconciliation.run(world.ctx)
    with pytest.raises(InvalidState, match="1 operation of the copy"):
        close(world, force=True)
    assert is_open()
    with atomic():
        store.Operation.update(status="FAILED").where(store.Operation.id == row.id).execute()
    close(world, force=True)
    assert not is_open()
