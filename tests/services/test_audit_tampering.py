"""A thousand random ways of falsifying the trail, each of them seen; and the checkpoints' own."""

import json
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from offerhub.events import relay
from offerhub.providers.checkpoints import DerivedCheckpointKey, FileOfCheckpoints
from offerhub.services import audit_chain, checkpoints, dead_letters
from offerhub.services.context import system_context
from offerhub.store import audit as store
from offerhub.store.database import atomic, execute, is_postgres
from offerhub.store.fields import canonical
from tests.fixtures.proof import Figure
from tests.services.test_audit_chain import seal, unguarded
from tests.services.world import World

pytestmark = pytest.mark.proves("F19")

FULL = bool(os.environ.get("OFFERHUB_TEST_FULL"))
RECORD_FIELDS = relay.SEALED_FIELDS
SEAL_FIELDS = ("number", "audit_id", "previous_hash", "hash", "format")


class UndoIt(Exception):
    """Rolls the falsification back, so that the next one meets the true trail."""


@contextmanager
def undone() -> Iterator[None]:
    """A transaction that comes to nothing."""
    with suppress(UndoIt), atomic():
        yield
        raise UndoIt


class Forger:
    """Has the database to itself, knows how the chain is made, and has no key."""

    def __init__(self, rng: random.Random, links: int) -> None:
        self.rng = rng
        self.links = links

    def number(self) -> int:
        return self.rng.randint(1, self.links)

    def audit_id(self, number: int) -> str:
        row = execute("SELECT audit_id FROM audit_seals WHERE number = ?", (number,)).fetchone()
        return str(row[0])

    def flip_in_record(self) -> str:
        field, audit_id = self.rng.choice(RECORD_FIELDS), self.audit_id(self.number())
        self._flip("audit_records", field, "id", audit_id)
        return field

    def flip_in_seal(self) -> str:
        field = self.rng.choice(SEAL_FIELDS)
        self._flip("audit_seals", field, "number", self.number())
        return field

    def delete_record(self) -> str:
        execute("DELETE FROM audit_records WHERE id = ?", (self.audit_id(self.number()),))
        return ""

    def delete_seal(self) -> str:
        execute("DELETE FROM audit_seals WHERE number = ?", (self.number(),))
        return ""

    def delete_both(self) -> str:
        number = self.number()
        execute("DELETE FROM audit_records WHERE id = ?", (self.audit_id(number),))
        execute("DELETE FROM audit_seals WHERE number = ?", (number,))
        return ""

    def swap_records(self) -> str:
        one, other = self.rng.sample(range(1, self.links + 1), 2)
        first, second = self.audit_id(one), self.audit_id(other)
        for number, audit_id in ((one, "-"), (other, first), (one, second)):
            execute("UPDATE audit_seals SET audit_id = ? WHERE number = ?", (audit_id, number))
        return ""

    def insert(self) -> str:
        """A record that never was, with a rightly computed link in the middle."""
        at = self.number()
        for number in range(self.links, at - 1, -1):
            execute("UPDATE audit_seals SET number = ? WHERE number = ?", (number + 1, number))
        self._insert_record("aud_forged")
        previous = self._hash(at - 1)
        execute(
            "INSERT INTO audit_seals (number, audit_id, previous_hash, hash, format)"
            " VALUES (?, 'aud_forged', ?, ?, 1)",
            (at, previous, self._link(at, previous, "aud_forged")),
        )
        if self.rng.random() < 0.5:
            self._rechain(at + 1)
        return ""

    def truncate(self) -> str:
        first = self.number()
        if self.rng.random() < 0.5:
            execute(
                "DELETE FROM audit_records WHERE id IN"
                " (SELECT audit_id FROM audit_seals WHERE number >= ?)",
                (first,),
            )
        execute("DELETE FROM audit_seals WHERE number >= ?", (first,))
        return ""

    def rewrite(self) -> str:
        """Another history from some point on, its chain computed anew: the links all hold."""
        at = self.number()
        execute(
            "UPDATE audit_records SET actor_id = 'somebody else' WHERE id = ?", (self.audit_id(at),)
        )
        self._rechain(at)
        return ""

    def _rechain(self, first: int) -> None:
        number, previous = first, self._hash(first - 1)
        while True:
            row = execute("SELECT audit_id FROM audit_seals WHERE number = ?", (number,)).fetchone()
            if row is None:
                return
            hash_ = self._link(number, previous, row[0])
            execute(
                "UPDATE audit_seals SET previous_hash = ?, hash = ? WHERE number = ?",
                (previous, hash_, number),
            )
            number, previous = number + 1, hash_

    def _hash(self, number: int) -> str:
        return (store.hash_of(number) if number else relay.GENESIS) or ""

    def _link(self, number: int, previous: str, audit_id: str) -> str:
        record = store.AuditRecord.get(store.AuditRecord.id == audit_id)
        return relay.link_hash(number=number, previous_hash=previous, record=record)

    def _insert_record(self, audit_id: str) -> None:
        store.insert(
            {
                "id": audit_id, "occurred_at": 1, "actor_type": "operator", "actor_id": "x",
                "action": "balance.adjust", "resource_type": "user", "resource_id": "usr_x",
                "result": "success",
            }
        )  # fmt: skip

    def _flip(self, table: str, field: str, key: str, value: Any) -> None:
        row = execute(f"SELECT {field} FROM {table} WHERE {key} = ?", (value,)).fetchone()
        execute(f"UPDATE {table} SET {field} = ? WHERE {key} = ?", (self._flipped(row[0]), value))

    def _flipped(self, value: Any) -> Any:
        """One bit of a number or of a character is another one; nothing becomes something."""
        if value is None:
            return "x"
        if isinstance(value, int):
            return value ^ (1 << self.rng.randrange(8, 30))  # never another link's number
        while True:
            place = self.rng.randrange(len(value))
            character = chr(ord(value[place]) ^ (1 << self.rng.randrange(7)))
            if character.isprintable():
                return value[:place] + character + value[place + 1 :]


WAYS: tuple[Callable[[Forger], str], ...] = (
    Forger.flip_in_record, Forger.flip_in_record, Forger.flip_in_record, Forger.flip_in_seal,
    Forger.delete_record, Forger.delete_seal, Forger.delete_both, Forger.swap_records,
    Forger.insert, Forger.truncate, Forger.rewrite,
)  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> FileOfCheckpoints:
    return FileOfCheckpoints(tmp_path / "kept" / "checkpoints.jsonl")


def test_a_thousand_random_falsifications_all_show(
    world: World, place: FileOfCheckpoints, proof_seed: int, figure: Figure
) -> None:
    world.user("somebody")
    links = seal(world)
    checkpoints.write(world.ctx, place)
    lines = place.lines()
    assert audit_chain.verify(world.ctx, checkpoints=lines)["valid"] is True
    with atomic():
        unguarded("audit_records")
        unguarded("audit_seals")
    rng = random.Random(proof_seed)
    forger = Forger(rng, links)
    missed = []
    count = 100 if is_postgres() and not FULL else 1_000
    for number in range(count):
        way = WAYS[number % len(WAYS)]
        with undone():
            what = way(forger)
            if audit_chain.verify(world.ctx, checkpoints=lines)["valid"]:
                missed.append(f"{way.__name__} {what}")
    assert missed == []
    figure("falsifications_detected", count)
    assert audit_chain.verify(world.ctx, checkpoints=lines)["valid"] is True


def test_an_end_that_was_cut_off_stops_the_regular_checkpoints(
    world: World, place: FileOfCheckpoints
) -> None:
    links = seal(world)
    checkpoints.write(world.ctx, place)
    with atomic():
        unguarded("audit_seals")
        execute("DELETE FROM audit_seals WHERE number = ?", (links,))
    with pytest.raises(checkpoints.ChainRewritten, match=f"once had {links} links"):
        checkpoints.write(world.ctx, place)
    # The clock's job says so to the operator, once, and as often as it comes by in the log.
    ctx = system_context(replace(world.app, checkpoint_file=place), name="checkpoints")
    assert [checkpoints.write_regularly(ctx) for _ in range(2)] == [False, False]
    letters = dead_letters.list_dead_letters(world.ctx).items
    (told,) = [one for one in letters if one["reference"] == "audit_chain"]
    assert f"once had {links} links" in told["reason"]
    report = audit_chain.verify(ctx, checkpoints=checkpoints.kept(ctx))
    assert (report["valid"], report["first_broken"]) == (False, None)
    assert report["checkpoints"]["first_broken"]["line"] == 1
    seal(world)  # the relay seals what is there again, under another past
    assert audit_chain.verify(world.ctx)["valid"] is True
    assert len(place.lines()) == 1


def test_checkpoints_follow_one_another_while_the_chain_grows(
    world: World, place: FileOfCheckpoints
) -> None:
    links = seal(world)
    assert checkpoints.write(world.ctx, place) is not None
    assert checkpoints.write(world.ctx, place) is None  # nothing new
    world.user("one more")
    seal(world)
    assert checkpoints.write(world.ctx, place) is not None
    report = audit_chain.verify(world.ctx, checkpoints=place.lines())
    assert report["valid"] is True
    assert report["checkpoints"]["checked"] == 2
    assert report["checkpoints"]["newest"]["number"] > links
    assert place.path.stat().st_mode & 0o777 == 0o600


def test_no_checkpoint_can_be_changed_reordered_or_forged(
    world: World, place: FileOfCheckpoints
) -> None:
    for name in ("a", "b", "c"):
        world.user(name)
        seal(world)
        checkpoints.write(world.ctx, place)
    kept = place.lines()
    first, second, third = kept
    stranger = DerivedCheckpointKey("a secret of somebody else, long enough")
    forged = {k: v for k, v in json.loads(third).items() if k != "signature"}
    forged |= {"public_key": stranger.public_key}
    forged["signature"] = stranger.sign(canonical(forged).encode())
    changed = canonical({**json.loads(second), "at": "2020-01-01T00:00:00.000Z"})
    for lines, problem in (
        ([first, third], "does not follow"),
        ([first, third, second], "does not follow"),
        ([first, changed, third], "signature"),
        ([first, second, canonical(forged)], "unknown key"),
        ([first, "{}", third], "not a checkpoint"),
        ([first, second, "[" * 100_000], "not a checkpoint"),
    ):
        report = audit_chain.verify(world.ctx, checkpoints=lines)
        assert report["valid"] is False
        assert problem in report["checkpoints"]["first_broken"]["problem"]
    for lines in (kept, kept[:1], kept[1:], []):  # archived or copied earlier
        assert audit_chain.verify(world.ctx, checkpoints=lines)["valid"] is True
    report = audit_chain.verify(
        world.ctx,
        checkpoints=[canonical(forged)],
        trusted_keys=[stranger.public_key],
    )
    assert report["valid"] is True


def test_a_line_that_was_cut_short_by_a_crash_is_replaced(
    world: World, place: FileOfCheckpoints
) -> None:
    seal(world)
    checkpoints.write(world.ctx, place)
    with place.path.open("ab") as file:
        file.write(b'{"at":"2026-')
    assert len(place.lines()) == 1
    world.user("one more")
    seal(world)
    checkpoints.write(world.ctx, place)
    assert audit_chain.verify(world.ctx, checkpoints=place.lines())["checkpoints"]["checked"] == 2


def test_a_record_that_is_not_json_any_more_is_a_finding_and_no_crash(world: World) -> None:
    world.user("somebody")
    seal(world)
    with atomic():
        unguarded("audit_records")
        audit_id = execute("SELECT audit_id FROM audit_seals WHERE number = 2").fetchone()[0]
        execute("UPDATE audit_records SET after = '{' WHERE id = ?", (audit_id,))
    report = audit_chain.verify(world.ctx)
    assert (report["valid"], report["checked"]) == (False, 1)
    assert report["first_broken"] == {"number": 2, "problem": "its record cannot be read"}
