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
    port: int
    pids: dict[str, int]

    def user(self, name: str) -> str:
        return str(users.create_user(self.ctx, external_user_id=name, type="BOTH")["id"])

    def buyer(self, name: str) -> str:
        """A user with money: a deposit, posted as the reader of the chain posts it."""
        user_id, deposit_id = self.user(name), ids.new_id(ids.DEPOSIT)
        posting = transfers.deposit_credited(
            deposit_key=deposit_id, deposit_id=deposit_id, user_id=user_id, amount=CREDIT_STROOPS
        )
        with atomic():
            journal.post(posting, now_ms=self.ctx.now_ms())
        return user_id

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


@contextmanager
def deployed(*, workers: int = 2) -> Iterator[Deployment]:
    """Servers, a migrated database, a key; stopped and removed at the end. No API yet."""
    logs.configure(level="warning", process="bench")
    open_session()
    postgres = PostgresServer(shared_folder() / "postgres", durable=True)
    valkey = ValkeyServer(shared_folder() / "valkey")
    try:
        postgres.start()
        valkey.start()
        execute(postgres.url(), "CREATE DATABASE {}", DATABASE)
        port = free_port()
        environ = {
            **environment(
                database_url=postgres.url(DATABASE),
                redis_url=valkey.url,
                sandbox_host=NOWHERE,
            ),
            "OFFERHUB_BIND": f"127.0.0.1:{port}",
            "OFFERHUB_HOME": str(shared_folder()),
            "OFFERHUB_WEB_WORKERS": str(workers),
            "OFFERHUB_RATE_LIMIT_PER_MIN": UNLIMITED_PER_MIN,
            "STELLAR_USDC_ISSUER": Keypair.random().public_key,
        }
        migrate(environ["DATABASE_URL"])
        app = build_app(settings.load(environ))
        ctx = system_context(app, name="bench", request_id=ids.new_id(ids.REQUEST))
        key = api_keys.create_key(ctx, name="bench", scopes_wanted=["admin"])["key"]
        pids = {"postgres": postgres.keeper_pid, "valkey": valkey.keeper_pid}
        yield Deployment(environ, postgres.url(), ctx, key, port, pids)
        proxy.obj.close_all()
    finally:
        valkey.stop()
        postgres.stop()
        close_session()


@contextmanager
def _serving(environ: dict[str, str], port: int) -> Iterator[int]:
    log = shared_folder() / "api.log"
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
