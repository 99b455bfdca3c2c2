"""The schema's history: applied once, in order, whoever starts first."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from offerhub.store.database import open_database
from offerhub.store.migrations import DIRECTORY, migrate, pending

pytestmark = pytest.mark.proves("F22")

SCRIPTS = sorted(path.stem for path in DIRECTORY.glob("[0-9]*.py"))
_MIGRATE = """
import sys
from offerhub.store.migrations import migrate
sys.stdin.readline()
print(*migrate(sys.argv[1]), sep=",")
"""


def _tables(url: str) -> set[str]:
    database = open_database(url, max_connections=1)
    database.connect()
    try:
        return set(database.get_tables())
    finally:
        database.close_all()


def test_scripts_are_numbered_without_a_gap() -> None:
    assert [name[:4] for name in SCRIPTS] == [f"{n:04d}" for n in range(1, len(SCRIPTS) + 1)]


def test_every_script_is_applied_once_and_in_order(empty_database_url: str) -> None:
    assert pending(empty_database_url) == SCRIPTS
    assert migrate(empty_database_url) == SCRIPTS
    assert pending(empty_database_url) == []
    before = _tables(empty_database_url)
    assert {"accounts", "transfers", "entries", "orders", "operations", "events"} <= before
    assert migrate(empty_database_url) == []
    assert _tables(empty_database_url) == before


@pytest.mark.parametrize("count", [4])
def test_processes_that_start_together_apply_each_script_once(
    empty_database_url: str, count: int
) -> None:
    command = [sys.executable, "-c", _MIGRATE, empty_database_url]
    processes = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]  # fmt: skip
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    applied = []
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        applied += [name for name in out.strip().split(",") if name]
    assert applied == SCRIPTS
    assert pending(empty_database_url) == []


def test_a_database_in_use_by_writers_can_be_migrated_again(sqlite_url: str) -> None:
    database = open_database(sqlite_url, max_connections=1)
    with database.connection_context():
        assert migrate(sqlite_url) == []
    database.close_all()


def test_no_connection_is_left_behind(empty_postgres_url: str) -> None:
    migrate(empty_postgres_url)
    assert pending(empty_postgres_url) == []
    with psycopg.connect(empty_postgres_url, autocommit=True) as looking:
        others = looking.execute(
            "SELECT COUNT(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    assert others == (0,)


def test_no_write_ahead_log_is_left_behind(empty_sqlite_url: str) -> None:
    migrate(empty_sqlite_url)
    path = Path(empty_sqlite_url.removeprefix("sqlite:///"))
    assert path.exists()
    assert not path.with_name(f"{path.name}-wal").exists()


def test_a_script_that_fails_leaves_nothing_of_itself(empty_database_url: str, tmp_path) -> None:
    from playhouse.migrations import Runner

    broken = tmp_path / "versions"
    broken.mkdir()
    (broken / "0001_fine.py").write_text(
        'def up(migrator, db):\n    db.execute_sql("CREATE TABLE fine (id TEXT)")\n'
    )
    (broken / "0002_broken.py").write_text(
        'def up(migrator, db):\n    db.execute_sql("CREATE TABLE half (id TEXT)")\n'
        '    db.execute_sql("NONSENSE")\n'
    )
    database = open_database(empty_database_url, max_connections=1)
    database.connect()
    with pytest.raises(Exception, match=r"(?i)nonsense"):
        Runner(database, str(broken)).up()
    tables = set(database.get_tables())
    database.close_all()
    assert "fine" in tables
    assert "half" not in tables
