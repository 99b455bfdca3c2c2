"""Proving that no audit record was changed, removed or inserted since it was sealed."""

from typing import Any

from offerhub.events.relay import GENESIS, link_hash
from offerhub.services.context import Context
from offerhub.store import audit as store
from offerhub.store.database import atomic

BATCH = 1000


def verify(ctx: Context) -> dict[str, Any]:
    """Recompute the whole chain, in one transaction.

    `first_broken` names the first link that does not hold, and why; the records that are not
    sealed yet are counted apart. A removed end of the chain shows only against a checkpoint kept
    elsewhere: `head` is what to keep.
    """
    number, previous, checked = 0, GENESIS, 0
    with atomic():
        while True:
            links = store.sealed_after(number, limit=BATCH)
            if not links:
                break
            for seal, record in links:
                problem = _problem(seal, record, number=number + 1, previous=previous)
                if problem is not None:
                    return _report(checked, number, previous, broken=(seal.number, problem))
                number, previous, checked = seal.number, seal.hash, checked + 1
        return _report(checked, number, previous, broken=None)


def _problem(
    seal: store.AuditSeal, record: store.AuditRecord | None, *, number: int, previous: str
) -> str | None:
    if seal.number != number:
        return f"link {number} is missing"
    if seal.previous_hash != previous:
        return "it does not follow the link before it"
    if record is None:
        return f"its record {seal.audit_id} is missing"
    if link_hash(number=number, previous_hash=previous, record=record) != seal.hash:
        return f"its record {seal.audit_id} was changed"
    return None


def _report(
    checked: int, number: int, head: str, *, broken: tuple[int, str] | None
) -> dict[str, Any]:
    return {
        "valid": broken is None,
        "checked": checked,
        "unsealed": store.count_unsealed(),
        "head": {"number": number, "hash": head},
        "first_broken": {"number": broken[0], "problem": broken[1]} if broken else None,
    }
