"""Markets of different sizes, each with an API of its own, so that both can be asked in turns.

SQLite as `offerhub up` has it, Postgres with everything written to the disk. Not here: what is
asked (`flatness`).
"""

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import psycopg

from bench.clients import Client
from bench.deployment import Deployment, Servers, prepared
from bench.volume import Shape, fill, row_id
from offerhub.domain import ids
from offerhub.ledger import journal
from offerhub.store.database import atomic, connection, execute, proxy
from offerhub.store.users import Wallet
from tests.fixtures.session import shared_folder

ENGINES: Final = ("sqlite", "postgres")
TRADERS: Final = 20
RARE_EVERY: Final = 40
TOKEN_TTL_S: Final = 3600
ASSIGNEES: Final = 4
USER: Final = row_id("usr", 7)  # a twentieth of everything is this user's
USER_OF_RARE: Final = row_id("usr", 19)  # and all that is rare is that one's
SELLER: Final = row_id("usr", 12)
_WHOLE_TABLE: Final = "SELECT COUNT(*) FROM orders WHERE title = 'no such title'"


@dataclass
class Market:
    """One deployment with `orders` orders."""

    orders: int
    deployment: Deployment

    @cached_property
    def client(self) -> Client:
        """A kept-alive connection with the admin key."""
        return Client("127.0.0.1", self.deployment.port, key=self.deployment.key)

    @cached_property
    def bound_client(self) -> Client:
        """A kept-alive connection with a token that is bound to USER."""
        path = f"/auth/api-keys/{self.deployment.key_id}/token"
        status, answer = self.client.post(path, {"user_id": USER, "ttl_seconds": TOKEN_TTL_S})
        if status != 201:
            raise RuntimeError(f"no token: {status} {answer.decode()}")
        token = json.loads(answer)["data"]["token"]
        return Client("127.0.0.1", self.deployment.port, key=token)

    def read_whole_table_ms(self) -> float:
        """How long the database takes for what no index helps with."""
        url = self.deployment.environ["DATABASE_URL"]
        opened = (
            sqlite3.connect(url.removeprefix("sqlite:///"))
            if url.startswith("sqlite")
            else psycopg.connect(url)
        )
        with closing(opened) as direct:
            direct.execute(_WHOLE_TABLE).fetchone()
            began = time.perf_counter()
            direct.execute(_WHOLE_TABLE).fetchone()
            return (time.perf_counter() - began) * 1000


@contextmanager
def served(servers: Servers, engine: str, sizes: Sequence[int]) -> Iterator[list[Market]]:
    """Markets of these sizes, filled alike, whose APIs run inside the block: a process each."""
    made = [_filled(servers, engine, orders) for orders in sizes]
    with ExitStack() as running:
        for market in made:
            running.enter_context(market.deployment.serving())
        yield made


def _filled(servers: Servers, engine: str, orders: int) -> Market:
    name = f"market_{orders}"
    url = (
        servers.new_database(name)
        if engine == "postgres"
        else f"sqlite:///{shared_folder() / name}.db"
    )
    environ = servers.environ(url, workers=1)
    deployment = prepared(environ, server_url=servers.postgres.url(), pids={})
    shape = Shape(users=orders, traders=TRADERS, assignees=ASSIGNEES, rare_every=RARE_EVERY)
    with connection():
        fill(execute, orders=orders, postgres=engine == "postgres", shape=shape)
    with atomic():
        journal.open_user(USER)
        journal.open_user(SELLER)
        _open_wallet(deployment)
    deployment.credit(USER)
    proxy.obj.close_all()
    _settle(url)
    return Market(orders, deployment)


def _open_wallet(deployment: Deployment) -> None:
    """USER's, sealed with this deployment's key: its API does not start on one that is not."""
    now, wallet_id = deployment.ctx.now_ms(), ids.new_id(ids.WALLET)
    vault = deployment.ctx.app.vault
    address, sealed = vault.new_key(binding=wallet_id)
    Wallet.create(
        id=wallet_id, user_id=USER, address=address, sealed_key=sealed,
        kek_id=vault.key_id(sealed), status="ACTIVE", cursor="0",
        checked_through_ledger=0, checked_at=now, watch_until=0, created_at=now, updated_at=now,
    )  # fmt: skip


def _settle(url: str) -> None:
    """What the database would have done by itself in the time that so many rows take to come."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as direct:
            direct.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    else:
        with psycopg.connect(url, autocommit=True) as direct:
            direct.execute("VACUUM (ANALYZE)")
            direct.execute("CHECKPOINT")
