"""Starting threads at the same moment, and rows to work on."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from offerhub.store.database import atomic
from offerhub.store.operations import Operation


def all_at_once(action: Callable[[int], Any], count: int = 8) -> list[Any]:
    """What `action` returned in each of `count` threads that start together; it may not raise."""
    start = threading.Barrier(count)

    def run(number: int) -> Any:
        start.wait(20)
        return action(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def add_operations(count: int, *, due_at: int = 0, kind: str = "test") -> None:
    """Pending operations `opn_0` and on, each of a subject of its own."""
    with atomic():
        Operation.insert_many(
            [
                {
                    "id": f"opn_{n}", "kind": kind, "subject_type": "test", "subject_id": f"s_{n}",
                    "status": "PENDING", "params": {}, "facts": {}, "next_run_at": due_at + n,
                    "context": {}, "created_at": n, "updated_at": n, "failures": 0,
                    "lease_until": 0, "lease_token": 0,
                }
                for n in range(count)
            ]
        ).execute()  # fmt: skip
