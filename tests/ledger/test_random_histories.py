"""Random histories keep the books balanced, equal to a pure model, and never below zero.

Fewer and shorter ones on Postgres, whose databases take longer to make.
"""

import os
import shutil
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from offerhub.store.database import connect_to, proxy
from tests.ledger.histories import Histories

MANY = 10 if os.environ.get("OFFERHUB_TEST_FULL") else 1
_UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large]


def _play(machine: type[Histories], *, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples * MANY,
            stateful_step_count=steps,
            suppress_health_check=_UNHURRIED,
        ),
    )


def test_random_histories_on_sqlite(sqlite_url: str, tmp_path: Path) -> None:
    empty = Path(sqlite_url.removeprefix("sqlite:///"))

    class OnSqlite(Histories):
        def open(self) -> None:
            copy = tmp_path / "played.db"
            for old in tmp_path.glob("played.db*"):
                old.unlink()
            shutil.copyfile(empty, copy)
            connect_to(f"sqlite:///{copy}")

    _play(OnSqlite, examples=15, steps=20)


def test_random_histories_on_postgres(postgres_url: str) -> None:
    class OnPostgres(Histories):
        def open(self) -> None:
            connect_to(postgres_url)
            proxy.connect()
            # Replication's own switch: triggers sleep, so that the tables can be emptied.
            proxy.execute_sql("SET session_replication_role = replica")
            for table in ("entries", "transfers", "accounts"):
                proxy.execute_sql(f"DELETE FROM {table}")
            proxy.execute_sql("SET session_replication_role = origin")
            proxy.close()

    _play(OnPostgres, examples=6, steps=15)
