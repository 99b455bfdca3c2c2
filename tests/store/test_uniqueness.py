"""Stored once: movements on chain, webhooks, idempotent answers; and what is purged in time."""

from typing import Any

import pytest

from offerhub.store import deposits, idempotency, inbox
from offerhub.store.database import atomic, connection
from tests.store.threads import all_at_once


def _deposit(**changes: Any) -> dict[str, Any]:
    row = {
        "id": "dep_1", "wallet_id": "wal_1", "user_id": "usr_1", "operation_id": "9",
        "change_index": 0, "transaction_hash": "ab", "source_address": "G", "amount": 5,
        "asset": "USDC", "kind": "payment", "memo": None, "status": "CREDITED", "reason": None,
        "occurred_at": 1, "created_at": 1,
    }  # fmt: skip
    return {**row, **changes}


def _webhook(**changes: Any) -> dict[str, Any]:
    row = {
        "id": "inb_1", "provider": "airtm", "event_id": "msg_1", "event_type": "payin.succeeded",
        "code": None, "body": "{}", "status": "RECEIVED", "attempts": 0, "next_attempt_at": 10,
        "received_at": 5,
    }  # fmt: skip
    return {**row, **changes}


def _insert(insert, row: dict[str, Any]) -> bool:
    with atomic():
        return bool(insert(row))


def test_of_eight_readers_one_records_a_movement(database: str) -> None:
    rows = [_deposit(id=f"dep_{n}") for n in range(8)]
    assert sum(all_at_once(lambda n: _insert(deposits.insert, rows[n]))) == 1
    with connection():
        assert deposits.Deposit.select().count() == 1


@pytest.mark.parametrize(
    ("changes", "new"),
    [
        ({}, False),
        ({"amount": 6, "transaction_hash": "cd"}, False),
        ({"change_index": 1}, True),
        ({"operation_id": "10"}, True),
        ({"wallet_id": "wal_2"}, True),
    ],
    ids=["the same", "told otherwise", "another change", "another operation", "another wallet"],
)
def test_a_movement_is_one_change_of_one_operation_in_one_wallet(database, changes, new) -> None:
    assert _insert(deposits.insert, _deposit())
    assert _insert(deposits.insert, _deposit(id="dep_2", **changes)) == new


def test_of_eight_deliveries_one_is_stored_and_the_others_are_duplicates(database: str) -> None:
    rows = [_webhook(id=f"inb_{n}") for n in range(8)]
    assert sum(all_at_once(lambda n: _insert(inbox.insert, rows[n]))) == 1
    assert _insert(inbox.insert, _webhook(id="inb_x", provider="trustless_work"))
    assert _insert(inbox.insert, _webhook(id="inb_y", event_id="msg_2"))


def test_webhooks_are_due_oldest_first_and_only_while_received(database: str) -> None:
    for number, (received, due, status) in enumerate(
        [(30, 1, "RECEIVED"), (20, 1, "RECEIVED"), (10, 99, "RECEIVED"), (5, 1, "APPLIED"),
         (4, 1, "IGNORED"), (3, 1, "DEAD")]
    ):  # fmt: skip
        row = _webhook(
            id=f"inb_{number}", event_id=f"m{number}", received_at=received, next_attempt_at=due,
            status=status,
        )  # fmt: skip
        assert _insert(inbox.insert, row)
    with connection():
        assert [row.id for row in inbox.due(now=50, limit=10)] == ["inb_1", "inb_0"]
        assert [row.id for row in inbox.due(now=50, limit=1)] == ["inb_1"]


def _answer(key: str, expires_at: int | None, *, status: int = 200) -> dict[str, Any]:
    return {
        "marketplace_id": "mkt_1", "key": key, "fingerprint": "f", "status": status,
        "body": b'{"a":"\xc3\xa9"}\n\x00', "created_at": 1, "expires_at": expires_at,
    }  # fmt: skip


def _keep(row: dict[str, Any], **more: Any) -> None:
    with atomic():
        idempotency.insert(row, **more)


def test_an_answer_is_kept_byte_for_byte_for_its_marketplace(database: str) -> None:
    _keep(_answer("k", 100))
    with connection():
        kept = idempotency.find("mkt_1", "k")
        assert idempotency.find("mkt_2", "k") is None
    assert kept == idempotency.Kept("f", 200, b'{"a":"\xc3\xa9"}\n\x00', 100)


def test_the_second_answer_of_a_key_is_refused_and_the_first_stays(database: str) -> None:
    _keep(_answer("k", 100, status=201))
    with pytest.raises(idempotency.AlreadyAnswered):
        _keep(_answer("k", 100, status=409))
    with connection():
        kept = idempotency.find("mkt_1", "k")
    assert kept is not None
    assert kept.status == 201


def test_of_eight_that_answer_at_once_one_is_kept(database: str) -> None:
    def answer(number: int) -> bool:
        try:
            _keep(_answer("k", 100, status=200 + number))
        except idempotency.AlreadyAnswered:
            return False
        return True

    results = all_at_once(answer)
    assert results.count(True) == 1
    with connection():
        kept = idempotency.find("mkt_1", "k")
    assert kept is not None
    assert kept.status == 200 + results.index(True)


def test_an_answer_past_its_time_makes_room_and_one_within_it_does_not(database: str) -> None:
    _keep(_answer("k", 100))
    with pytest.raises(idempotency.AlreadyAnswered):
        _keep(_answer("k", 200, status=409), replacing_expired_at=99)
    _keep(_answer("k", 200, status=202), replacing_expired_at=100)
    with connection():
        kept = idempotency.find("mkt_1", "k")
    assert kept is not None
    assert (kept.status, kept.expires_at) == (202, 200)


def test_purging_deletes_what_is_past_in_bounded_steps_and_keeps_the_rest(database: str) -> None:
    for number in range(7):
        _keep(_answer(f"old{number}", 50 + number))
    _keep(_answer("new", 1_000))
    _keep(_answer("for ever", None))
    removed = []
    while True:
        with atomic():
            removed.append(idempotency.purge(now=100, limit=3)[0])
        if not removed[-1]:
            break
    assert removed == [3, 3, 1, 0]
    with connection():
        keys = {row.key for row in idempotency.IdempotentAnswer.select()}
    assert keys == {"new", "for ever"}
