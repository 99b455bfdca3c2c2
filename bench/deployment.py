"""What is measured: a deployment as in production, its servers on this machine.

Postgres writes to the disk before it says yes (fsync and all), Valkey keeps its append-only file,
and the API is `offerhub serve` with two gevent workers. Only the API's own rate limit is raised.
The providers' addresses lead nowhere: creating and reserving an order calls none of them.
"""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stellar_sdk import Keypair

from offerhub import logs, settings
from offerhub.bootstrap import build_app
from offerhub.domain import ids
from offerhub.ledger import checks, journal, transfers
from offerhub.services import api_keys, users
from offerhub.services.context import Context, system_context
from offerhub.store.database import atomic, proxy
from offerhub.store.migrations import migrate
from tests.fixtures.databases import execute, with_database
from tests.fixtures.ports import free_port
from tests.fixtures.postgres import PostgresServer
from tests.fixtures.session import close_session, open_session, shared_folder
from tests.fixtures.valkey import ValkeyServer
from tests.services.world import environment

CREDIT_STROOPS = 10_000_000 * 10_000_000  # ten million dollars
UNLIMITED_PER_MIN = "1000000"
START_TIMEOUT_S = 60
DATABASE, COPY = "offerhub", "yardstick"
NOWHERE = "127.0.0.1:9"


@dataclass
class Deployment:
    """One deployment with its servers; `pids` are the roots of their processes."""

    environ: dict[str, str]
    server_url: str
    ctx: Context
    key: str
    key_id: str
    port: int
    pids: dict[str, int]

    def user(self, name: str) -> str:
        return str(users.create_user(self.ctx, external_user_id=name, type="BOTH")["id"])

    def buyer(self, name: str) -> str:
        """A user with money: a deposit, posted as the reader of the chain posts it."""
        user_id = self.user(name)
        self.credit(user_id)
        return user_id

    def credit(self, user_id: str) -> None:
        deposit_id = ids.new_id(ids.DEPOSIT)
        posting = transfers.deposit_credited(
            deposit_key=deposit_id, deposit_id=deposit_id, user_id=user_id, amount=CREDIT_STROOPS
        )
        with atomic():
            journal.post(posting, now_ms=self.ctx.now_ms())

    def copied_database(self) -> str:
        """The URL of a copy of the database as it is now; nobody else may be connected to it."""
        proxy.obj.close_all()
        execute(self.server_url, "CREATE DATABASE {} TEMPLATE {}", COPY, DATABASE)
        return with_database(self.server_url, COPY)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The API runs inside the block."""
        with _serving(self.environ, self.port) as self.pids["api"]:
            yield

    def findings(self) -> list[str]:
        """What is wrong with the books; nothing, unless the benchmark found a defect."""
        with atomic():
            return [str(finding) for finding in checks.check()]


@dataclass(frozen=True, slots=True)
class Servers:
    """A Postgres and a Valkey that run for this benchmark alone."""

    postgres: PostgresServer
    valkey: ValkeyServer

    def new_database(self, name: str) -> str:
        """The URL of an empty database on the Postgres server."""
        execute(self.postgres.url(), "CREATE DATABASE {}", name)
        return self.postgres.url(name)

    def environ(self, database_url: str, *, workers: int) -> dict[str, str]:
        """Settings of a deployment on that database, which listens on a free port."""
        return {
            **environment(
                database_url=database_url, redis_url=self.valkey.url, sandbox_host=NOWHERE
            ),
            "OFFERHUB_BIND": f"127.0.0.1:{free_port()}",
            "OFFERHUB_HOME": str(shared_folder()),
            "OFFERHUB_WEB_WORKERS": str(workers),
            "OFFERHUB_RATE_LIMIT_PER_MIN": UNLIMITED_PER_MIN,
            "STELLAR_USDC_ISSUER": Keypair.random().public_key,
        }


@contextmanager
def servers() -> Iterator[Servers]:
    """Both run inside the block, and are removed at its end."""
    logs.configure(level="warning", process="bench")
    open_session()
    made = Servers(
        PostgresServer(shared_folder() / "postgres", durable=True),
        ValkeyServer(shared_folder() / "valkey"),
    )
    try:
        made.postgres.start()
        made.valkey.start()
        yield made
    finally:
        made.valkey.stop()
        made.postgres.stop()
        close_session()


@contextmanager
def deployed(*, workers: int = 2) -> Iterator[Deployment]:
    """Servers, a migrated database, a key; stopped and removed at the end. No API yet."""
    with servers() as running:
        environ = running.environ(running.new_database(DATABASE), workers=workers)
        pids = {"postgres": running.postgres.keeper_pid, "valkey": running.valkey.keeper_pid}
        yield prepared(environ, server_url=running.postgres.url(), pids=pids)
        proxy.obj.close_all()


def prepared(environ: dict[str, str], *, server_url: str, pids: dict[str, int]) -> Deployment:
    """Migrate the database and make a key. It is the process's database from then on."""
    migrate(environ["DATABASE_URL"])
    app = build_app(settings.load(environ))
    ctx = system_context(app, name="bench", request_id=ids.new_id(ids.REQUEST))
    made = api_keys.create_key(ctx, name="bench", scopes_wanted=["admin"])
    port = int(environ["OFFERHUB_BIND"].rpartition(":")[2])
    return Deployment(environ, server_url, ctx, made["key"], made["id"], port, pids)


@contextmanager
def _serving(environ: dict[str, str], port: int) -> Iterator[int]:
    log = shared_folder() / f"api-{port}.log"
    inherited = {n: v for n, v in os.environ.items() if not n.startswith("OFFERHUB_")}
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "offerhub.cli", "serve"],
            env={**inherited, **environ},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/v1/health/ready", server, log)
        yield server.pid
    finally:
        server.terminate()
        server.wait(60)


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the API did not start: {error}\n{log.read_text()}") from error
            time.sleep(0.1)
        else:
            return
