"""A process that moves money in a SQLite file until it is killed, and says what was committed.

Usage: python -m tests.faults.sqlite_writer URL ACKNOWLEDGED NUMBER
It checkpoints after every few pages, so that most kills are in or near a checkpoint.
"""

import os
import sys
from itertools import count

from offerhub.domain import ids
from offerhub.ledger import journal, transfers
from offerhub.store.database import atomic, connect_to
from tests.ledger.bookkeeping import NOW_MS, USD


def main(url: str, acknowledged: str, number: int) -> None:
    database = connect_to(url, max_connections=2)
    database.pragma("wal_autocheckpoint", 8, permanent=True)
    users = [f"usr_{n}" for n in range(4)]
    with open(acknowledged, "ab", buffering=0) as told:
        for turn in count(1):
            key = ids.new_id(ids.DEPOSIT)
            user = users[(number + turn) % len(users)]
            with atomic():
                posted = journal.post(
                    transfers.deposit_credited(
                        deposit_key=key, deposit_id=key, user_id=user, amount=USD
                    ),
                    now_ms=NOW_MS,
                )
                journal.post(
                    transfers.funds_reserved(order_id=key, buyer_id=user, amount=USD // 2),
                    now_ms=NOW_MS,
                )
            os.write(told.fileno(), posted.transfer_id.encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
