"""Everything that the checks look at, read once when the load has ended and all is quiet."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from offerhub.cli.demo.comparison import _rows as compared
from proof.rig.calls import Promise
from proof.rig.load import Ends
from proof.rig.rows import Away, Rows
from proof.rig.site import Site, offerhub_json

DRAIN_S = 90.0
# What must be nothing once all is quiet: (a name, a query that counts).
_ENDS = ("'CLOSED'", "'ORDER_CREATED'", "'FUNDS_RESERVED'", "'IN_PROGRESS'")
UNFINISHED = (
    ("operations not at their end",
     "SELECT COUNT(*) FROM operations WHERE status IN ('PENDING', 'STUCK')"),
    ("orders between two states",
     f"SELECT COUNT(*) FROM orders WHERE status NOT IN ({', '.join(_ENDS)})"),
    ("top-ups not at their end",
     "SELECT COUNT(*) FROM topups WHERE status IN ('TOPUP_CREATED', 'TOPUP_PROCESSING')"),
    ("withdrawals not at their end", "SELECT COUNT(*) FROM withdrawals WHERE status NOT IN"
     " ('WITHDRAWAL_COMPLETED', 'WITHDRAWAL_FAILED', 'WITHDRAWAL_CANCELED')"),
    ("webhooks received and not applied",
     "SELECT COUNT(*) FROM inbox_events WHERE status NOT IN ('APPLIED', 'IGNORED')"),
    ("webhooks not delivered",
     "SELECT COUNT(*) FROM webhook_deliveries WHERE status NOT IN ('SUCCEEDED', 'DISCARDED')"),
    ("events without a place", "SELECT COUNT(*) FROM events WHERE sequence IS NULL"),
    ("webhook endpoints that are behind the stream",
     "SELECT COUNT(*) FROM webhook_endpoints WHERE enabled"
     " AND cursor < (SELECT COALESCE(MAX(sequence), 0) FROM events)"),
    ("claims on signing accounts", "SELECT COUNT(*) FROM signer_claims"),
    ("audit records without a seal",
     "SELECT COUNT(*) FROM audit_records WHERE id NOT IN (SELECT audit_id FROM audit_seals)"),
)  # fmt: skip


@dataclass
class Evidence:
    """Database rows, the providers' own books, and what reader, sink and clients hold.

    quiet_at: when nothing was under way any more, or that was given up; seconds, monotonic.
    """

    unfinished: list[tuple[str, int]]
    entries: list[tuple[Any, ...]]  # transfer id, account, amount
    accounts: list[tuple[Any, ...]]  # name, balance
    book_findings: list[dict[str, Any]]
    places: list[dict[str, Any]]  # account, place, ours, theirs, same
    world: dict[str, Any]
    wallets: list[str]
    orders: list[tuple[Any, ...]]  # id, amount, status
    topups: list[tuple[Any, ...]]  # id, amount, status
    withdrawals: list[tuple[Any, ...]]  # id, amount, status, type, destination
    escrows: list[tuple[Any, ...]]  # order, contract, amount, status
    milestones: list[tuple[Any, ...]]  # order, ref
    events: list[tuple[Any, ...]]  # sequence, id
    after: int
    read: list[tuple[int, str]]
    delivered: dict[str, int]
    forged: list[str]  # why each was not believed
    audit: dict[str, Any]
    promises: list[Promise]
    available: dict[str, int]
    deposited: dict[str, int]
    ends: Ends
    quiet_at: float = 0.0


def gather(site: Site, ends: Ends) -> Evidence:
    """Waits until nothing is under way, at most DRAIN_S, then reads it all."""
    unfinished = _drained(site)
    quiet_at = time.monotonic()
    all_ = site.rows.all
    sheet, check, audit = _said(site, ("ledger", "sheet"), ("ledger", "check"), ("audit", "verify"))
    world = site.market.sandbox.world()
    users = [*site.buyers, *site.sellers]
    accounts = all_("SELECT name, balance FROM accounts")
    held: dict[str, int] = dict(accounts)
    return Evidence(
        unfinished=unfinished,
        entries=all_("SELECT transfer_id, account, amount FROM entries"),
        accounts=accounts,
        book_findings=check["findings"],
        places=compared(sheet, world),
        world=world,
        wallets=[row[0] for row in all_("SELECT address FROM wallets")],
        orders=all_("SELECT id, amount, status FROM orders"),
        topups=all_("SELECT id, amount, status FROM topups"),
        withdrawals=all_(
            "SELECT id, amount, status, destination_type, destination_ref FROM withdrawals"
        ),
        escrows=all_("SELECT order_id, trustless_contract_id, amount, status FROM escrows"),
        milestones=all_("SELECT order_id, milestone_ref FROM milestones"),
        events=all_("SELECT sequence, id FROM events ORDER BY sequence"),
        after=site.started_at_sequence,
        read=list(site.reader.seen),
        delivered=dict(site.sink.seen),
        forged=list(site.sink.forged),
        audit=audit,
        promises=list(site.record.promises),
        available={user.id: int(held.get(f"user:{user.id}:available", 0)) for user in users},
        deposited=site.deposited,
        ends=ends,
        quiet_at=quiet_at,
    )


def _said(site: Site, *commands: tuple[str, str]) -> list[Any]:
    """What commands of the deployment print as JSON. Side by side: starting them takes the time."""
    with ThreadPoolExecutor(len(commands)) as pool:
        return list(
            pool.map(
                lambda words: offerhub_json(site.market.deployment, *words, "--json"), commands
            )
        )


def _drained(site: Site) -> list[tuple[str, int]]:
    end = time.monotonic() + DRAIN_S
    while True:
        try:
            found = _unfinished(site.rows)
            head = int(site.rows.one("SELECT COALESCE(MAX(sequence), 0) FROM events"))
            reader = site.reader.seen[-1][0] if site.reader.seen else 0
            if not found and reader >= head:
                return []
        except Away as error:
            found = [(f"answers of the database ({error})", 1)]
        if time.monotonic() > end:
            return found
        time.sleep(0.5)


def _unfinished(rows: Rows) -> list[tuple[str, int]]:
    counted = [(name, int(rows.one(query))) for name, query in UNFINISHED]
    return [(name, count) for name, count in counted if count]
