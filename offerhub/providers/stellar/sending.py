"""What an account of ours has sent, read from the chain: for a deployment that lost its notes.

Not here: which of it belongs to which work (`services.restored`).
Source: Stellar Docs, Horizon reference, "Retrieve an Account's Transactions".
"""

from typing import Any, Final

from offerhub.domain.moments import moment_ms
from offerhub.ports.chain import SignedTransaction
from offerhub.ports.errors import Unavailable
from offerhub.providers.stellar import mapping
from offerhub.providers.stellar.client import PROVIDER, HorizonClient

MAX_PAGES: Final = 100  # of 200 transactions each


def sent_by(
    horizon: HorizonClient, address: str, *, from_ms: int, to_ms: int
) -> tuple[SignedTransaction, ...]:
    """Successful transactions of this source within a time, oldest first.

    Raises: Unavailable when it is more than MAX_PAGES, so that none is overlooked.
    """
    found: list[SignedTransaction] = []
    before: str | None = None
    for _ in range(MAX_PAGES):
        records = horizon.transactions(address, before=before)
        with horizon.readable("a page of transactions"):
            for record in records:
                at_ms = moment_ms(mapping.text(record, "created_at"))
                if at_ms < from_ms:
                    return tuple(reversed(found))
                if at_ms <= to_ms and record.get("source_account") == address:
                    found.append(_transaction(record))
                before = mapping.text(record, "paging_token")
        if not records:
            return tuple(reversed(found))
    raise Unavailable(
        f"{address} has sent more since then than can be read at once", provider=PROVIDER
    )


def _transaction(record: dict[str, Any]) -> SignedTransaction:
    """Its time bound is not read: what has applied needs none."""
    return SignedTransaction(
        hash=mapping.text(record, "hash"),
        xdr=mapping.text(record, "envelope_xdr"),
        source=mapping.text(record, "source_account"),
        sequence=mapping.integer(record, "source_account_sequence"),
        max_time_s=0,
    )
