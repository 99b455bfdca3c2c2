"""After a restore: what was done after the backup is looked for before it is done again.

A restored database has forgotten what was sent between the backup and the restore. Airtm refuses a
second pay-in or pay-out under one code by itself; the chain refuses nothing. So, before a step
builds a transaction, what its signer sent in that time and the books do not know is read from the
chain, and what is the step's own effect is taken over: the same bytes, the same hash.
Not here: copying and restoring (`store.backup`), which transactions are a step's (`Sought`), and
ending it (`forgetting`).
"""

from typing import Any, Final

import structlog

from offerhub.ports.chain import SignedTransaction
from offerhub.services import audit, maintenance
from offerhub.services.context import Context
from offerhub.services.steps import Done, Prepared, Run, Sought, Step
from offerhub.store import leases as flags
from offerhub.store import operations as store
from offerhub.store.backup import BACKUP, taken_at
from offerhub.store.database import atomic, connection

log = structlog.get_logger(__name__)

FORGOTTEN: Final = "forgotten_times"
CLOCKS_DIFFER_MS: Final = 10 * 60 * 1000
MESSAGE: Final = "The service was restored from a backup and is being checked."


def note(ctx: Context) -> dict[str, Any]:
    """Write down that this database is a restored one, and turn maintenance on. Commits.

    Returns: the time that it has forgotten, in epoch ms. Raises: LookupError when it is no backup.
    """
    now = ctx.now_ms()
    with atomic():
        since = taken_at()
        if since is None:
            raise LookupError("this database does not say when it was backed up")
        forgotten = {"from_ms": since - CLOCKS_DIFFER_MS, "to_ms": now + CLOCKS_DIFFER_MS}
        flags.set_flag(FORGOTTEN, [*forgotten_times(), forgotten], now=now)
        flags.clear_flag(BACKUP)
        maintenance.switch(ctx, enabled=True, message=MESSAGE)
        audit.record(
            ctx, action="database.restored", resource_type="database", resource_id=None,
            after=forgotten,
        )  # fmt: skip
    return forgotten


def found_again(run: Run, step: Step) -> Prepared | Done | None:
    """What a step did in a time that was forgotten; None: nothing, or nothing was forgotten.

    Not inside a transaction. Raises: Rejected, Unavailable.
    """
    with connection():
        forgotten = forgotten_times()
    if not forgotten:
        return None
    sought = step.sent_before(run)
    if not isinstance(sought, Sought):
        return sought
    for one in forgotten:
        for sent in run.app.chain.sent_by(
            sought.source, from_ms=one["from_ms"], to_ms=one["to_ms"]
        ):
            if _is_forgotten(sent) and _is_it(run, sought, sent):
                log.warning("operation.found_again", step=step.name, transaction_hash=sent.hash)
                request = {**step.request(run), "hash": sent.hash, "found_again": True}
                return Prepared(request, sent)
    return None


def forgotten_times() -> list[dict[str, int]]:
    """What lies between each restore and its copy, in epoch ms, with a margin at either end."""
    found = flags.flag(FORGOTTEN)
    return list(found) if isinstance(found, list) else []


def _is_forgotten(sent: SignedTransaction) -> bool:
    with connection():
        return not store.own_hashes([sent.hash])


def _is_it(run: Run, sought: Sought, sent: SignedTransaction) -> bool:
    outcome = run.app.chain.transaction(sent.hash)
    return outcome is not None and outcome.successful and sought.matches(sent, outcome)
