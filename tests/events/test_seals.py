"""Sealing: audit records are chained in order, each link over the record and the link before."""

import hashlib
import json
from typing import Any

import pytest

from offerhub.events import relay
from offerhub.store import audit
from offerhub.store.database import atomic, connection, execute, is_postgres
from tests.events.world import NOW_MS, lease


def _record(number: int, **changes: Any) -> None:
    row = {
        "id": f"aud_{number}", "occurred_at": NOW_MS + number, "actor_type": "api_key",
        "actor_id": "key_1", "action": "order.create", "resource_type": "order",
        "resource_id": f"ord_{number}", "before": None, "after": {"n": number, "title": "é"},
        "result": "success",
    }  # fmt: skip
    with atomic():
        audit.insert({**row, **changes})


def _links() -> list[tuple[audit.AuditSeal, audit.AuditRecord | None]]:
    with connection():
        return audit.sealed_after(0, limit=1_000)


def _expected_hash(number: int, previous: str, record: audit.AuditRecord) -> str:
    """The link's hash, written a second time, with the standard library alone."""
    names = (
        "id occurred_at actor_type actor_id action resource_type resource_id before after result"
        " error_code idempotency_key request_id ip user_agent"
    )
    body = {name: getattr(record, name) for name in names.split()}
    text = json.dumps(
        {"number": number, "previous_hash": previous, "record": body},
        sort_keys=True, separators=(",", ":"), ensure_ascii=False,
    )  # fmt: skip
    return hashlib.sha256(text.encode()).hexdigest()


def test_records_are_chained_in_order_from_the_beginning(database: str) -> None:
    for number in range(5):
        _record(number)
    assert relay.seal_audit(holder="a", token=lease())[0] == 5
    previous = "0" * 64
    for number, (seal, record) in enumerate(_links(), start=1):
        assert record is not None
        assert (seal.number, seal.audit_id) == (number, f"aud_{number - 1}")
        assert seal.previous_hash == previous
        assert seal.hash == _expected_hash(number, previous, record)
        previous = seal.hash
    with connection():
        assert audit.count_unsealed() == 0


def test_the_chain_goes_on_where_it_ended(database: str) -> None:
    token = lease()
    for number in range(3):
        _record(number)
        relay.seal_audit(holder="a", token=token)
    links = _links()
    assert [seal.number for seal, _ in links] == [1, 2, 3]
    assert [seal.previous_hash for seal, _ in links][1:] == [seal.hash for seal, _ in links][:-1]


def test_every_field_of_a_record_is_under_its_seal(database: str) -> None:
    _record(1)
    relay.seal_audit(holder="a", token=lease())
    ((seal, record),) = _links()
    assert record is not None
    columns = {field.name for field in audit.AuditRecord._meta.sorted_fields}
    assert columns == {*relay.SEALED_FIELDS, "position"}
    for name in relay.SEALED_FIELDS:
        kept = getattr(record, name)
        setattr(record, name, f"{kept} changed")
        changed = relay.link_hash(number=1, previous_hash="0" * 64, record=record)
        setattr(record, name, kept)
        assert changed != seal.hash, name
    assert relay.link_hash(number=1, previous_hash="0" * 64, record=record) == seal.hash
    assert relay.link_hash(number=2, previous_hash="0" * 64, record=record) != seal.hash
    assert relay.link_hash(number=1, previous_hash="1" * 64, record=record) != seal.hash


def test_a_record_that_is_changed_behind_the_databases_back_no_longer_fits(database: str) -> None:
    _record(1)
    relay.seal_audit(holder="a", token=lease())
    with atomic():
        if is_postgres():
            execute("DROP TRIGGER audit_records_append_only ON audit_records")
        else:
            execute("DROP TRIGGER audit_records_no_update")
        execute("UPDATE audit_records SET actor_id = 'key_2'")
    ((seal, record),) = _links()
    assert record is not None
    assert relay.link_hash(number=1, previous_hash=seal.previous_hash, record=record) != seal.hash


def test_long_tails_are_sealed_in_batches(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "BATCH", 3)
    for number in range(7):
        _record(number)
    with connection():
        assert audit.count_unsealed() == 7
    token = lease()
    assert [relay.seal_audit(holder="a", token=token)[0] for _ in range(4)] == [3, 3, 1, 0]
    assert [seal.audit_id for seal, _ in _links()] == [f"aud_{n}" for n in range(7)]


def test_only_records_beyond_a_position_are_looked_at(database: str) -> None:
    token = lease()
    for number in range(3):
        _record(number)
    with connection():
        first = audit.AuditRecord.get(audit.AuditRecord.id == "aud_0").position
    sealed, newest = relay.seal_audit(holder="a", token=token, after_position=first)
    assert (sealed, newest) == (2, first + 2)
    assert relay.seal_audit(holder="a", token=token, after_position=newest) == (0, newest)
    assert relay.seal_audit(holder="a", token=token)[0] == 1


def test_nobody_seals_under_an_old_lease(database: str) -> None:
    _record(1)
    old = lease("a", 0)
    lease("b", relay.LEASE_TTL_MS)
    with pytest.raises(relay.LeaseLost):
        relay.seal_audit(holder="a", token=old)
    assert _links() == []
