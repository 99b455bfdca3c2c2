"""The end of a restore: the forgotten times are closed once everything was compared.

Until then each step that builds a transaction first reads what its signer sent in those times
(`restored`). That is only needed while something forgotten may be asked for once more; afterwards
it costs calls, and a payment that is wanted twice could be taken for one that was forgotten.
"""

from typing import Any, Final

from offerhub.domain.errors import InvalidState
from offerhub.services import audit, restored
from offerhub.services.context import Context
from offerhub.services.representations import timestamp
from offerhub.store import differences, reconciliations, work_left
from offerhub.store import leases as flags
from offerhub.store.database import atomic, connection

RUNS_LOOKED_AT: Final = 100
# Parts of a reconciliation that go through their places in turns, several runs to a round.
IN_TURNS: Final = ("wallets", "payments on chain", "escrow payments on chain")


def current() -> dict[str, Any]:
    """The times that are open, what speaks against closing them, and what forbids it."""
    with connection():
        times = restored.forgotten_times()
        restored_at = _restored_at(times)
        return {
            "times": [
                {"from": timestamp(one["from_ms"]), "to": timestamp(one["to_ms"])} for one in times
            ],
            "forbids": _unfinished(restored_at) if times else [],
            "against": _not_compared(restored_at) if times else [],
        }


def close(ctx: Context, *, reason: str, force: bool = False) -> dict[str, Any]:
    """Look for nothing forgotten any more; what was open, and what spoke against it. Commits.

    force: although something speaks against it. Work from before the restore forbids it all the
    same: a step of it that was done and forgotten would be done once more.
    Raises: INVALID_STATE when there is nothing to close, or it is forbidden or spoken against.
    """
    with atomic():
        found = current()
        if not found["times"]:
            raise InvalidState(
                "Nothing is forgotten: no restore is open.",
                current_state="CLOSED",
                allowed_states=[],
            )
        hindrances = found["forbids"] if force else [*found["forbids"], *found["against"]]
        if hindrances:
            raise InvalidState(
                f"The restore stays open: {'; '.join(hindrances)}.",
                current_state="OPEN",
                allowed_states=["CLOSED"],
            )
        flags.clear_flag(restored.FORGOTTEN)
        audit.record(
            ctx, action="database.restore_closed", resource_type="database", resource_id=None,
            before={"forgotten": found["times"]},
            after={"reason": reason, "forced": bool(found["against"]), "against": found["against"]},
        )  # fmt: skip
    return found


def _restored_at(times: list[dict[str, int]]) -> int:
    """When the newest restore was, in epoch ms; 0 without one."""
    return max((one["to_ms"] for one in times), default=0) - restored.CLOCKS_DIFFER_MS


def _unfinished(restored_at: int) -> list[str]:
    count = work_left.unfinished_since_before(restored_at)
    if count == 0:
        return []
    return [
        f"{count} operation{'s' if count > 1 else ''} of the copy not ended yet: let them end, or"
        " retry or settle them (`offerhub operations list`)"
    ]


def _not_compared(restored_at: int) -> list[str]:
    """Why it is not sure that all is well; empty when a whole round found nothing."""
    runs = [
        run
        for run in reconciliations.listed(limit=RUNS_LOOKED_AT, cursor=None).rows
        if run.started_at >= restored_at and run.finished_at is not None
    ]
    if not runs:
        return ["nothing was compared since: run `offerhub reconcile`"]
    newest, against = runs[0], []
    open_ = newest.differing - newest.repaired
    if open_:
        against.append(f"{newest.id} left {open_} difference{'s' if open_ > 1 else ''} for you")
    if newest.unreachable:
        against.append(f"{newest.id} could not ask about everything: run it again")
    alone = differences.count_alone()
    if alone:
        against.append(f"{alone} more open: see `offerhub dead-letters list`")
    return against or _not_whole(runs)


def _not_whole(runs: list[Any]) -> list[str]:
    """Parts of which the clean runs since, the newest first, have not yet looked at as much."""
    seen = dict.fromkeys(IN_TURNS, 0)
    wanted = {part["name"]: part["total"] for part in runs[0].coverage if part["name"] in seen}
    for run in runs:
        if run.differing > run.repaired or run.unreachable:
            break
        for part in run.coverage:
            if part["name"] in seen:
                seen[part["name"]] += part["checked"]
    return [
        f"only {seen[name]} of {total} {name} were looked at since: run `offerhub reconcile` again"
        for name, total in wanted.items()
        if seen[name] < total
    ]
