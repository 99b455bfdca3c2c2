"""Proving that no audit record was changed, removed or inserted since it was sealed."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from offerhub.events.relay import GENESIS, SEAL_FORMAT, link_hash
from offerhub.services import checkpoints as checkpoints_service
from offerhub.services.context import Context
from offerhub.store import audit as store
from offerhub.store.database import snapshot

BATCH = 1000


def verify(
    ctx: Context,
    *,
    checkpoints: Sequence[str] | None = None,
    trusted_keys: Collection[str] = (),
    older: bool = False,
) -> dict[str, Any]:
    """Recompute the whole chain as it is at one moment; no writer waits.

    `first_broken` names the first link that does not hold, and why; the records that are not
    sealed yet are counted apart. Only against `checkpoints`, lines that were kept elsewhere, do a
    removed end of the chain and a chain that was computed anew show; `head` is what to keep.
    trusted_keys: public keys, besides the deployment's own, that may have signed them.
    older: the chain is that of a backup, and ends before the newest of them.
    """
    noted = checkpoints_service.read(
        checkpoints or (),
        key=ctx.app.checkpoint_key,
        marketplace_id=ctx.app.policy.marketplace_id,
        trusted=trusted_keys,
    )
    wanted = {one.number for one in noted}
    hashes: dict[int, str] = {}
    with snapshot():
        report = _walk(hashes, wanted)
        report["unsealed"] = store.count_unsealed()
    report["checkpoints"] = None
    if checkpoints is not None:
        found = checkpoints_service.compare(
            noted, hashes=hashes, head_number=report["head"]["number"], older=older
        )
        report["checkpoints"] = found
        report["valid"] = report["valid"] and found["first_broken"] is None
    return report


def _walk(hashes: dict[int, str], wanted: Collection[int]) -> dict[str, Any]:
    """The report on the links alone; gathers the hashes at the wanted numbers."""
    number, previous, checked = 0, GENESIS, 0
    for seal, record in _links():
        problem = _problem(seal, record, number=number + 1, previous=previous)
        if problem is not None:
            at = seal.number if seal is not None else number + 1
            return _report(checked, number, previous, broken=(at, problem))
        assert seal is not None
        number, previous, checked = seal.number, seal.hash, checked + 1
        if number in wanted:
            hashes[number] = previous
    return _report(checked, number, previous, broken=None)


def _links() -> Iterator[tuple[store.AuditSeal | None, store.AuditRecord | None]]:
    """Every link with its record, in order; a link without a seal is one that cannot be read."""
    number, size = None, BATCH
    while True:
        try:
            links = store.sealed_after(number, limit=size)
        except store.Unreadable:
            if size == 1:
                yield None, None
                return
            size = 1  # one by one, up to the one that it is
            continue
        yield from links
        if len(links) < size:
            return
        number = links[-1][0].number


def _problem(
    seal: store.AuditSeal | None, record: store.AuditRecord | None, *, number: int, previous: str
) -> str | None:
    if seal is None:
        return "its record cannot be read"
    if seal.number != number:
        return f"link {number} is missing"
    if seal.format != SEAL_FORMAT:
        return f"its format {seal.format} is not known"
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
        "unsealed": 0,
        "head": {"number": number, "hash": head},
        "first_broken": {"number": broken[0], "problem": broken[1]} if broken else None,
    }
