"""From every released schema to this one: with its data, under requests, and killed half-way.

The data is what real orders, withdrawals and top-ups left in this version's schema, as much of it
as the older schema can hold.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from playhouse.migrations import Runner
from psycopg import sql

from offerhub.services import treasury
from offerhub.store.backup import sqlite_path
from offerhub.store.database import connect_to, open_database
from offerhub.store.migrations import DIRECTORY, migrate, pending
from tests.api.caller import Caller, code, open_api
from tests.fixtures.databases import PostgresDatabases
from tests.fixtures.proof import Figure
from tests.services.flow_cases import CASES
from tests.services.world import World

pytestmark = pytest.mark.proves("F22")

SCRIPTS = sorted(path.stem for path in DIRECTORY.glob("[0-9]*.py"))
# From here on every table and column is there that this version needs to serve a request.
COMPLETE = 16
OWN_TABLES = {"schema_migration"}
NewUrl = Callable[[], str]


def _versions(first: int, *, default: int) -> list[Any]:
    """The versions before this one; all but one only with --full."""
    numbers = range(first, len(SCRIPTS))
    return [n if n == default else pytest.param(n, marks=pytest.mark.full) for n in numbers]


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewUrl]:
    made: list[str] = []

    def make() -> str:
        if "postgres" in request.node.nodeid:
            databases: PostgresDatabases = request.getfixturevalue("_postgres")
            made.append(databases.take("template0"))
            return made[-1]
        return f"sqlite:///{tmp_path / uuid4().hex}.db"

    yield make
    for url in made:
        request.getfixturevalue("_postgres").give_back(url)


def _at_version(url: str, number: int) -> None:
    database: Any = open_database(url, max_connections=1)
    database.connect()
    try:
        Runner(database, str(DIRECTORY)).up(SCRIPTS[number - 1])
    finally:
        database.close_all()


def _copied(source: str, target: str) -> int:
    """Every row of the one database that the other has a place for; how many."""
    old: Any = open_database(target, max_connections=1)
    new: Any = open_database(source, max_connections=1)
    old.connect()
    new.connect()
    try:
        if source.startswith("sqlite"):
            old.execute_sql("PRAGMA foreign_keys = 0")
        else:
            old.execute_sql("SET session_replication_role = replica")
        done = 0
        with old.transaction():
            for table in set(old.get_tables()) - OWN_TABLES:
                done += _copy_table(new, old, table, mark="?" if "sqlite" in source else "%s")
        return done
    finally:
        old.close_all()
        new.close_all()


def _copy_table(new: Any, old: Any, table: str, *, mark: str) -> int:
    there = {column.name for column in new.get_columns(table)}
    names = [column.name for column in old.get_columns(table) if column.name in there]
    columns = ", ".join(f'"{name}"' for name in names)
    rows = new.execute_sql(f"SELECT {columns} FROM {table}").fetchall()
    marks = ", ".join([mark] * len(names))
    for row in rows:
        old.execute_sql(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row))
    if mark == "%s" and rows:
        for column in names:
            serial = old.execute_sql(
                "SELECT pg_get_serial_sequence(%s, %s)", (table, column)
            ).fetchone()[0]
            if serial:
                old.execute_sql(
                    f"SELECT setval('{serial}', (SELECT MAX(\"{column}\") FROM {table}))"
                )
    return len(rows)


def _lived_in(world: World) -> None:
    """A release, a refund, a pay-in, a pay-out and a withdrawal have happened here."""
    for case in CASES:
        if case.name in {"release", "refund", "pay-in", "pay-out", "withdrawal"}:
            subject = case.begin(world)
            world.drain()
            case.check(world, subject)


def _use(world: World, url: str) -> None:
    world.database.close_all()
    world.database = connect_to(url)
    world.environ["DATABASE_URL"] = url


class Load:
    """Clients who order, reserve and read all the while; every answer is kept."""

    def __init__(self, api: Caller, buyer: str, seller: str) -> None:
        self._api, self._body = api, {
            "buyer_id": buyer, "seller_id": seller, "amount": "1.00", "title": "Meanwhile",
        }  # fmt: skip
        self._over = threading.Event()
        self.answers: list[Any] = []
        self.failures: list[Exception] = []
        self._threads = [threading.Thread(target=self._run) for _ in range(3)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        while len(self.answers) < 6 and not self.failures:
            threading.Event().wait(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        enough = len(self.answers) + 6
        while len(self.answers) < enough and not self.failures:
            threading.Event().wait(0.02)
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                made = self._api.post("/orders", self._body)
                self.answers.append(made)
                if made.status_code == 201:
                    path = f"/orders/{made.json['data']['id']}"
                    self.answers += [self._api.post(f"{path}/reserve", {}), self._api.get(path)]
        except Exception as error:  # noqa: BLE001 - shown by the test
            self.failures.append(error)


@pytest.mark.parametrize("number", _versions(COMPLETE, default=len(SCRIPTS) - 1))
def test_a_migration_under_load_fails_no_request_and_keeps_the_books(
    world: World, empty_url: NewUrl, number: int, figure: Figure
) -> None:
    _lived_in(world)
    url = empty_url()
    _at_version(url, number)
    rows = _copied(world.environ["DATABASE_URL"], url)
    _use(world, url)
    api = open_api(world)
    api.world.app.policy.rate_limits_per_min["api_key"] = 1_000_000
    buyer, seller = world.funded_user("ana", "900.00")["id"], world.user("ben")["id"]
    with Load(api, buyer, seller) as load:
        applied = migrate(url)
    assert applied == SCRIPTS[number:]
    assert pending(url) == []
    assert not load.failures, load.failures
    statuses = Counter(answer.status_code for answer in load.answers)
    told_to_wait = [a for a in load.answers if a.status_code == 503]
    assert set(statuses) <= {200, 201, 503}, statuses
    assert all(code(a) == "MAINTENANCE" and a.headers["Retry-After"] for a in told_to_wait)
    assert treasury.check_books(world.ctx) == []
    world.drain()
    world.check()
    figure("rows_migrated", rows)
    figure("requests_meanwhile", len(load.answers))
    figure("requests_failed", 0)


@pytest.mark.parametrize("number", _versions(1, default=1))
def test_what_an_older_schema_held_is_all_there_afterwards(
    world: World, empty_url: NewUrl, number: int, figure: Figure
) -> None:
    _lived_in(world)
    url = empty_url()
    _at_version(url, number)
    rows = _copied(world.environ["DATABASE_URL"], url)
    before = _counts(url)
    assert migrate(url) == SCRIPTS[number:]
    after = _counts(url)
    assert {table: after[table] for table in before} == before
    _use(world, url)
    assert treasury.check_books(world.ctx) == []
    figure("rows_migrated", rows)


def _counts(url: str) -> dict[str, int]:
    database: Any = open_database(url, max_connections=1)
    with database.connection_context():
        tables = set(database.get_tables()) - OWN_TABLES
        found = {
            t: int(database.execute_sql(f"SELECT COUNT(*) FROM {t}").fetchone()[0]) for t in tables
        }
    database.close_all()
    return found


# Migrates, and is killed by itself right before its n-th statement.
_DYING = """
import os, signal, sys
from peewee import Database
from offerhub.store.migrations import migrate
left, run = int(sys.argv[2]), Database.execute_sql
def counted(self, *args, **kwargs):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return run(self, *args, **kwargs)
Database.execute_sql = counted
migrate(sys.argv[1])
print("statements", int(sys.argv[2]) - left)
"""


def _migrated_until(url: str, statement: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _DYING, url, str(statement)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize("sample", [1, pytest.param(25, marks=pytest.mark.full)])
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
@pytest.mark.timeout(600)
def test_a_migration_that_is_killed_half_way_is_completed_by_the_next(
    empty_url: NewUrl, engine: str, sample: int, figure: Figure
) -> None:
    whole = empty_url()
    assert whole.startswith(engine)
    done = _migrated_until(whole, 10**6)
    assert done.returncode == 0, done.stderr
    statements = int(done.stdout.split()[-1])
    assert statements > 2 * len(SCRIPTS)
    wanted = _schema(whole)
    half_ways = 0
    for step in range(1, sample + 1):
        url = empty_url()
        died = _migrated_until(url, max(1, statements * step // (sample + 1)))
        assert died.returncode == -signal.SIGKILL, died.stderr
        left = pending(url)
        assert left == SCRIPTS[len(SCRIPTS) - len(left) :], "they are applied in order"
        half_ways += 0 < len(left) < len(SCRIPTS)
        assert migrate(url) == left
        assert _schema(url) == wanted
    assert half_ways
    figure("killed_half_way", sample)


def _schema(url: str) -> set[tuple[str, ...]]:
    """Every table, index and trigger, as the database itself lists them."""
    if url.startswith("sqlite"):
        copy = sqlite_path(url).with_suffix(".look")
        shutil.copyfile(sqlite_path(url), copy)
        database: Any = open_database(f"sqlite:///{copy}", max_connections=1)
        with database.connection_context():
            rows = database.execute_sql("SELECT type, name, sql FROM sqlite_master").fetchall()
        database.close_all()
        os.unlink(copy)
        return {tuple(str(value) for value in row) for row in rows}
    with psycopg.connect(url) as looking:
        rows = looking.execute(
            sql.SQL(
                "SELECT table_name, column_name, data_type FROM information_schema.columns "
                "WHERE table_schema = 'public' UNION ALL SELECT tablename, indexname, indexdef "
                "FROM pg_indexes WHERE schemaname = 'public' UNION ALL SELECT event_object_table, "
                "trigger_name, action_statement FROM information_schema.triggers"
            )
        ).fetchall()
    return {tuple(str(value) for value in row) for row in rows}
