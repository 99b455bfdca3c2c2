"""The yardstick: the statements of one pair, recorded from the application and run by the driver.

Recorded, not written down, so that the yardstick always does the database's work of the code that
it is held against. What it leaves out is everything else: HTTP, checks, objects, JSON, Redis.
A program of its own (`python -m bench.statements`), like the clients.
"""

import base64
import json
import re
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from bench import measuring
from bench.measuring import Steps
from offerhub.domain import ids

_OWN_IDS = re.compile(
    rf"\b({ids.ORDER}|{ids.TRANSFER}|{ids.AUDIT}|{ids.EVENT}|{ids.REQUEST})_([A-Za-z0-9_-]{{21}})"
)
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b")

Statement = tuple[str, list[Any]]


@contextmanager
def recorded() -> Iterator[list[Statement]]:
    """Every statement that any psycopg connection of this process sends inside the block."""
    found: list[Statement] = []
    original = psycopg.Cursor.execute

    def execute(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        found.append((str(query), [getattr(param, "obj", param) for param in params or ()]))
        return original(self, query, params, **options)

    psycopg.Cursor.execute = execute  # type: ignore[method-assign]
    try:
        yield found
    finally:
        psycopg.Cursor.execute = original  # type: ignore[method-assign]


def new_uuid() -> str:
    return str(uuid.uuid4())


def packed(statements: list[Statement]) -> list[Any]:
    """Statements as JSON holds them."""
    return [
        [text, [{"bytes": base64.b64encode(p).decode()} if isinstance(p, bytes) else p for p in ps]]
        for text, ps in statements
    ]


def unpacked(packed_statements: list[Any]) -> list[Statement]:
    return [
        (text, [base64.b64decode(p["bytes"]) if isinstance(p, dict) else p for p in params])
        for text, params in packed_statements
    ]


class Replay:
    """One connection that runs the recorded statements with fresh ids and another buyer."""

    def __init__(self, url: str, statements: list[Statement], *, buyer: str, as_buyer: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._statements = [
            (text, [_replaced(p, lambda t: t.replace(buyer, as_buyer)) for p in params])
            for text, params in statements
        ]

    def __call__(self) -> Steps:
        fresh: dict[str, str] = {}

        def new(match: re.Match[str]) -> str:
            old = match[0]
            if old not in fresh:
                is_uuid = match.re is _UUID
                fresh[old] = new_uuid() if is_uuid else ids.new_id(match[1])
            return fresh[old]

        def renewed(text: str) -> str:
            return _UUID.sub(new, _OWN_IDS.sub(new, text))

        began = time.perf_counter()
        cursor = self._connection.cursor()
        for text, params in self._statements:
            cursor.execute(text, [_replaced(param, renewed) for param in params])  # type: ignore[arg-type]
            if cursor.description is not None:
                cursor.fetchall()
        return {"pair": (time.perf_counter() - began) * 1000}


def _replaced(param: Any, change: Any) -> Any:
    if isinstance(param, str):
        return change(param)
    if isinstance(param, bytes):
        return change(param.decode()).encode()
    return param


def main() -> None:
    task = json.load(sys.stdin)
    statements, buyers = unpacked(task["statements"]), task["buyers"]
    replays: list[measuring.Work] = [
        Replay(task["url"], statements, buyer=task["buyer"], as_buyer=buyers[number % len(buyers)])
        for number in range(task["connections"])
    ]
    window = measuring.run(
        replays, warm_up_s=task["warm_up_s"], seconds=task["seconds"], watched=task["watched"]
    )
    json.dump(window.as_json(), sys.stdout)


if __name__ == "__main__":
    main()
