"""`offerhub db backup` and `offerhub db restore`, as an operator runs them."""

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from offerhub.cli.group import offerhub
from offerhub.providers.checkpoints import FileOfCheckpoints
from offerhub.services import audit_log, checkpoints, maintenance
from offerhub.store.backup import _without_password, sqlite_path
from offerhub.store.database import atomic, execute
from tests.fixtures.databases import PostgresDatabases
from tests.fixtures.postgres import client_tools
from tests.services.conftest import plain_logs, world  # noqa: F401
from tests.services.test_audit_chain import seal, unguarded
from tests.services.world import World

pytestmark = pytest.mark.proves("F23")

Run = Callable[..., Result]


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:  # noqa: F811
    for name, value in world.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", client_tools())

    def command(*arguments: str, code: int = 0) -> Result:
        found = CliRunner().invoke(offerhub, ["db", *arguments])
        assert found.exit_code == code, (found.output, found.exception)
        return found

    return command


@pytest.fixture
def elsewhere(
    world: World,  # noqa: F811
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Another, empty database; the commands are about that one from now on."""
    if world.environ["DATABASE_URL"].startswith("sqlite"):
        url = f"sqlite:///{tmp_path}/elsewhere.db"
    else:
        databases: PostgresDatabases = request.getfixturevalue("_postgres")
        url = databases.take("template0")
    return url


def data(found: Result) -> Any:
    return json.loads(found.stdout)


def test_a_copy_is_put_back_elsewhere_checked_and_under_maintenance(
    run: Run,
    world: World,  # noqa: F811
    elsewhere: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user = world.funded_user("ana", "25.00")
    told = data(run("backup", "copy.db", "--json"))
    assert told["bytes"] == (tmp_path / "copy.db").stat().st_size > 0
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    if world.environ["DATABASE_URL"].startswith("sqlite"):
        assert told["checked"]["right"]
    assert sorted(p.name for p in tmp_path.iterdir() if "copy" in p.name) == ["copy.db"]
    assert "is there already" in run("backup", "copy.db", code=1).output
    assert "nothing was restored" in run("restore", "copy.db", code=1).output, "not empty"
    monkeypatch.setenv("DATABASE_URL", elsewhere)
    found = data(run("restore", "copy.db", "--json"))
    assert found["right"]
    assert found["forgotten"]["from_ms"] < found["forgotten"]["to_ms"]
    assert world.available(user["id"]) == 250_000_000
    assert maintenance.current(world.ctx)["enabled"]
    (record,) = audit_log.list_records(world.ctx, action="database.restored").items
    assert record["actor"]["type"] == "operator"
    assert "nothing was restored" in run("restore", "copy.db", code=1).output, "not empty now"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_damaged_copy_is_refused_and_leaves_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("backup", "copy.db")
    whole = (tmp_path / "copy.db").read_bytes()
    half = len(whole) // 2
    for name, spoilt in {
        "cut.db": whole[: half // 4096 * 4096],
        "text.db": b"-- not a database\n" * 500,
        "holed.db": whole[:half] + os.urandom(8192) + whole[half + 8192 :],
    }.items():
        (tmp_path / name).write_bytes(spoilt)
        target = tmp_path / f"from-{name}"
        monkeypatch.setenv("DATABASE_URL", f"sqlite:///{target}")
        assert "nothing was restored" in run("restore", name, code=1).output
        assert not target.exists()
    run("restore", "there-is-none.db", code=2)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_copy_that_somebody_changed_does_not_fit_the_checkpoints_from_before(
    run: Run,
    world: World,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = FileOfCheckpoints(tmp_path / "kept.jsonl")
    seal(world)
    checkpoints.write(world.ctx, kept)
    run("backup", "honest.db")
    world.user("after the copy")
    seal(world)
    checkpoints.write(world.ctx, kept)  # a line that says nothing about the copy
    with atomic():
        for table in ("audit_records", "audit_seals"):
            unguarded(table)
        execute("DELETE FROM audit_seals")
        execute("UPDATE audit_records SET actor_id = 'nobody'")
    seal(world)  # a chain computed anew, whole in itself
    run("backup", "changed.db")
    for name, code, right in (("honest.db", 0, True), ("changed.db", 1, False)):
        monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/from-{name}")
        found = data(run("restore", name, "--checkpoints", "kept.jsonl", "--json", code=code))
        assert found["right"] is right
        assert bool(found["audit_broken"]) is not right
    assert len(kept.lines()) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_that_waits_under_the_copys_name_does_not_get_the_copy(
    run: Run, tmp_path: Path
) -> None:
    """Somebody else's, readable by all; and a link to what would be emptied."""
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / "linked.db.part").symlink_to(precious)
    open_to_all = tmp_path / "open.db.part"
    open_to_all.touch()
    open_to_all.chmod(0o666)
    with open_to_all.open() as listening:
        for name in ("linked.db", "open.db"):
            run("backup", name)
            assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
            assert not (tmp_path / name).is_symlink()
        assert listening.read() == ""
    assert precious.read_text() == "kept"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_copy_of_a_newer_version_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("backup", "copy.db")
    newer = sqlite3.connect(tmp_path / "copy.db")
    newer.execute("INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '2027')")
    newer.commit()
    newer.close()
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/target.db")
    assert "9999_later" in run("restore", "copy.db", code=5).output


@pytest.mark.parametrize(
    ("url", "address", "password"),
    [
        ("postgresql://a:p%40w@h:5/d", "postgresql://a@h:5/d", "p@w"),
        ("postgres://h/d?password=x&sslmode=require", "postgresql://h/d?sslmode=require", "x"),
        ("postgresql://h/d", "postgresql://h/d", ""),
    ],
)
def test_the_password_is_no_part_of_a_command(url: str, address: str, password: str) -> None:
    assert _without_password(url) == (address, password)


@pytest.mark.parametrize(
    ("url", "path"), [("sqlite:////a/b%20c.db", "/a/b c.db"), ("sqlite:///b.db", "b.db")]
)
def test_the_file_of_a_url(url: str, path: str) -> None:
    assert str(sqlite_path(url)) == path
