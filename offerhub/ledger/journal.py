"""The one writer of the books.

No balance changes anywhere else, entries are never edited; a mistake is reversed by a new
transfer. Guarded accounts are locked in the order of their names, by the statement that changes
them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from offerhub.domain import ids
from offerhub.domain.errors import InsufficientFunds
from offerhub.ledger import accounts, transfers
from offerhub.ledger.transfers import NewTransfer
from offerhub.store import ledger as store
from offerhub.store.database import in_transaction


@dataclass(frozen=True, slots=True)
class Posted:
    """What was posted. `balances` are the guarded accounts' new balances, in stroops."""

    transfer_id: str
    balances: Mapping[str, int]


def post(transfer: NewTransfer, *, now_ms: int) -> Posted:
    """Append a balanced transfer and move the cached balances, in the open transaction.

    Raises: InsufficientFunds when a guarded account would fall below zero; IntegrityError when
    the reference was posted before (the caller's transaction then rolls back); RuntimeError
    outside a transaction.
    """
    if not in_transaction():
        raise RuntimeError(f"transfer {transfer.reference} outside a transaction")
    deltas: dict[str, int] = {}
    for line in transfer.lines:
        if accounts.is_guarded(line.account):
            deltas[line.account] = deltas.get(line.account, 0) + line.amount_stroops
    transfer_id = ids.new_id(ids.TRANSFER)
    store.insert_transfer(
        {
            "id": transfer_id,
            "kind": transfer.kind,
            "reference": transfer.reference,
            "subject_type": transfer.subject_type,
            "subject_id": transfer.subject_id,
            "description": transfer.description,
            "created_at": now_ms,
        }
    )
    # The accounts are locked from here to the commit: only what needs the balances comes later.
    balances = _move(deltas, reference=transfer.reference) if deltas else {}
    store.insert_entries(
        [
            {
                "transfer_id": transfer_id,
                "account": line.account,
                "owner_id": accounts.owner(line.account),
                "amount": accounts.sign(line.account) * line.amount_stroops,
                "balance_after": balances.get(line.account),
                "created_at": now_ms,
            }
            for line in transfer.lines
        ]
    )
    return Posted(transfer_id, balances)


def was_posted(reference: str) -> bool:
    """Whether a movement with this business key is in the books."""
    return store.transfer_by_reference(reference) is not None


def reserve_stands(order_id: str) -> bool:
    """Whether an order's reserve is in the books, neither returned nor in the escrow. One query."""
    made, *ends = transfers.reserve_references(order_id)
    found = store.references_among([made, *ends])
    return made in found and not found.intersection(ends)


def open_user(user_id: str) -> None:
    """The three accounts of a new user, at zero."""
    store.open_accounts([(accounts.user(user_id, kind), user_id) for kind in accounts.USER_KINDS])


def balance(account: str) -> int:
    """Balance in the account's natural sign; folded from entries where none is cached."""
    if accounts.is_guarded(account):
        return store.balances([account]).get(account, 0)
    return accounts.sign(account) * store.folded(account)


def amounts_since(account: str, *, since_ms: int) -> list[int]:
    """What an account's entries since a moment added, in its natural sign, the newest first."""
    sign = accounts.sign(account)
    return [sign * amount for amount in store.amounts_since(account, since_ms=since_ms)]


def _move(deltas: dict[str, int], *, reference: str) -> dict[str, int]:
    balances = store.apply(deltas)
    missing = deltas.keys() - balances.keys()
    if not missing:
        return balances
    known = store.balances(sorted(missing))
    unopened = [name for name in missing if name not in known]
    if unopened:
        store.open_accounts([(name, accounts.owner(name) or "") for name in sorted(unopened)])
        balances |= store.apply({name: deltas[name] for name in unopened})
    short = sorted(deltas.keys() - balances.keys())
    if short:
        raise InsufficientFunds(account=accounts.kind(short[0]), reference=reference)
    return balances


def references(subject_id: str, *, kind: str) -> list[str]:
    """Business keys of the transfers of one kind about a subject, without the kind."""
    return [
        row.reference.removeprefix(f"{kind}:")
        for row in store.transfers_about(subject_id, kind=kind)
    ]
