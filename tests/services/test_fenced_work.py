"""A worker that was paused past its lease writes nothing, while its successor is at work."""

import pytest

from offerhub.services import engine, withdrawals
from offerhub.store import operations as store
from offerhub.store.database import connection
from tests.services.flow_cases import CASES, Subject
from tests.services.world import World

BY_NAME = {case.name: case for case in CASES}


def written(subject: Subject) -> list[tuple[str, int, str]]:
    """What an operation's steps say: name, attempt, status."""
    with connection():
        return [(s.name, s.attempt, s.status) for s in store.steps_of(subject.operation_id)]


@pytest.mark.proves("F11")
@pytest.mark.parametrize("point", ["claimed", "intent", "call"])
def test_whoever_was_overtaken_writes_nothing_while_the_other_is_at_work(
    shared_world: World, point: str
) -> None:
    """The other one has only just taken over: only its token tells that the first is late."""
    case = BY_NAME["withdrawal"]
    subject = case.begin(shared_world)
    successors: list[store.Operation] = []
    before: list[tuple[str, int, str]] = []

    def pause(reached: str) -> None:
        if reached == f"withdrawal.chain/pay/{point}":
            shared_world.clock.skip(engine.LEASE_MS / 1000 + 1)
            successor = engine.claim_next(shared_world.app)
            assert successor is not None
            successors.append(successor)
            before.extend(written(subject))

    claimed = engine.claim_next(shared_world.app)
    assert claimed is not None
    engine.perform(shared_world.with_probe(pause), claimed)
    assert [one.id for one in successors] == [subject.operation_id]
    assert written(subject) == before
    shown = withdrawals.get_withdrawal(shared_world.ctx, subject.id)
    assert shown["status"] == "WITHDRAWAL_COMMITTED"
    engine.perform(shared_world.app, successors[0])
    shared_world.drain()
    case.check(shared_world, subject)
