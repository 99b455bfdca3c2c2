"""A chain whose history is not whole: nothing is credited by guess, and everybody can see why."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from offerhub.ports.chain import LedgerHead
from offerhub.ports.errors import Rejected
from offerhub.services import dead_letters, deposits, history
from offerhub.services.health import HealthMonitor
from tests.services.world import USD, World

pytestmark = pytest.mark.parametrize(
    "database_url",
    ["sqlite", pytest.param("postgres", marks=pytest.mark.full)],
    indirect=True,
)


def _ledgers(world: World, count: int) -> int:
    """Close some ledgers; the newest."""
    return int([world.control("POST", "/stellar/close-ledger") for _ in range(count)][-1]["ledger"])


def _letter(world: World) -> dict[str, Any]:
    (letter,) = dead_letters.list_dead_letters(world.ctx).items
    return letter


def _health(world: World) -> dict[str, Any]:
    monitor = HealthMonitor(world.app)
    for _ in range(100):
        found = monitor.report()["components"]["deposits"]
        if found["detail"] != "not asked yet":
            return dict(found)
        time.sleep(0.05)
    raise AssertionError("the health was never looked at")


def test_pruned_history_stops_the_reader_until_it_is_accepted(world: World) -> None:
    user = world.funded_user("buyer", "10.00")
    wallet = user["wallet"]
    deposits.read_due(world.ctx)
    world.deposit(wallet["address"], "5.00")  # while we are down; then it is pruned
    newest = _ledgers(world, 12)
    world.control("POST", "/stellar/prune-history", up_to_ledger=newest - 1)
    world.deposit(wallet["address"], "2.00")
    for _ in range(2):
        world.clock.skip(600)
        assert deposits.read_due(world.ctx) == 0
    assert world.available(user["id"]) == 10 * USD
    letter = _letter(world)
    assert "history_pruned" in letter["subject"]
    assert "longer history" in letter["do"]
    health = _health(world)
    assert health["status"] == "degraded"
    assert "history begins at ledger" in health["detail"]
    with pytest.raises(history.HistoryBroken):
        deposits.read_wallet(world.ctx, wallet["id"])

    dead_letters.discard(world.ctx, letter["id"], reason="the gap was compared by hand")
    world.clock.skip(600)
    deposits.read_due(world.ctx)
    # What is there is credited; what was pruned is for a reconciliation and a person.
    assert world.available(user["id"]) == 12 * USD
    assert _health(world)["detail"].startswith("no process is active")
    assert history.paused() is None


def test_a_network_a_few_ledgers_old_does_not_look_as_if_it_had_been_pruned(world: World) -> None:
    young = LedgerHead(sequence=1001, closed_at_s=0, oldest_sequence=1000, passphrase="")
    through = deposits.read_through(young)
    later = replace(young, sequence=1003)
    history.require_whole(
        world.ctx, later, reading="treasury", cursor="0", checked_through=through
    )  # fmt: skip
    assert history.paused() is None


def test_a_gap_is_caught_up_by_a_reader_with_a_longer_history(world: World) -> None:
    user = world.funded_user("buyer", "10.00")
    deposits.read_due(world.ctx)
    world.deposit(user["wallet"]["address"], "5.00")
    newest = _ledgers(world, 12)
    world.control("POST", "/stellar/prune-history", up_to_ledger=newest - 1)
    world.clock.skip(600)
    deposits.read_due(world.ctx)
    world.control("POST", "/stellar/prune-history", up_to_ledger=0)
    dead_letters.discard(world.ctx, _letter(world)["id"], reason="another Horizon is used now")
    world.clock.skip(600)
    deposits.read_due(world.ctx)
    assert world.available(user["id"]) == 15 * USD
    world.check()


def test_a_reset_network_is_noticed_and_nothing_is_credited(world: World) -> None:
    user = world.funded_user("buyer", "10.00")
    deposits.read_due(world.ctx)
    world.control("POST", "/stellar/reset")
    world.clock.skip(600)
    assert deposits.read_due(world.ctx) == 0
    assert world.available(user["id"]) == 10 * USD
    letter = _letter(world)
    assert "history_reset" in letter["subject"]
    assert "reset" in _health(world)["detail"]
    dead_letters.discard(world.ctx, letter["id"], reason="a test network; we go on")
    world.clock.skip(600)
    deposits.read_due(world.ctx)
    assert history.paused() is None
    assert dead_letters.list_dead_letters(world.ctx).items == []
    with pytest.raises(AssertionError):
        world.check()  # the money is gone with the network, and the books say so


class _AnotherNetwork:
    """The chain, its reader serving another network."""

    def __init__(self, chain: Any) -> None:
        self._chain = chain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def head(self) -> Any:
        raise Rejected("Horizon serves another network", provider="stellar", code="wrong_network")


def test_another_network_is_said_once(world: World) -> None:
    user = world.user("buyer")
    elsewhere = replace(world.app, chain=_AnotherNetwork(world.app.chain))
    ctx = replace(world.ctx, app=elsewhere)
    for _ in range(2):
        world.clock.skip(600)
        assert deposits.read_due(ctx) == 0
    letter = _letter(world)
    assert "wrong_network" in letter["subject"]
    assert "another network" in json.dumps(_health(world))
    dead_letters.discard(world.ctx, letter["id"], reason="the URL is right now")
    world.deposit(user["wallet"]["address"], "3.00")
    world.clock.skip(600)
    deposits.read_due(world.ctx)
    assert world.available(user["id"]) == 3 * USD
    world.check()
